"""What is known of libraries: their errors, their answers, and how often they retry by themselves.

A class is known by the top package of its module and its name, so that no library is imported,
and none can escape by moving a class to another of its modules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from mlpolicy.core.classes import mro_of, name_of
from mlpolicy.core.frozen import frozen

_FORKS = {
    "httpcore": "httpcore2",
    "httpx": "httpx2",
    "openai": "anthropic cerebras groq llama_stack_client mistralai runwayml together",
    "psycopg": "psycopg2 psycopg_c",
    "redis": "aioredis coredis valkey",
    "requests": "niquests",
    "urllib3": "urllib3_future",
    "botocore": "aiobotocore",
}
"""Packages that are renamed, forked from another or generated like it: its class names are theirs."""
_FAMILIES = {fork: family for family, forks in _FORKS.items() for fork in forks.split()}
_module_of: Any = type.__dict__["__module__"].__get__
_VENDORED = re.compile(r".*\b_?vendor(?:ed)?\.")
"""What a package that carries another within itself puts before its name."""


def family(module: str) -> str:
    """Return the package whose class names hold in *module*: its own, or the fork's original."""
    top = (_VENDORED.sub("", module) if "vendor" in module else module).partition(".")[0]
    return _FAMILIES.get(top, top)


def known_as(cls: type) -> list[str]:
    """Return the names of *cls*, and of each class that it derives from, after their families."""
    return [f"{family(str(_module_of(base)))}.{name_of(base)}" for base in mro_of(cls)]


# --- errors ---------------------------------------------------------------------------

_GRPC_CODES = (
    "CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS "
    "PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE "
    "UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
)
GRPC_CODES: Final = frozenset(_GRPC_CODES.split())
_NETWORK = {
    "builtins": "ConnectionError",
    "http": "IncompleteRead",
    "httpx": "NetworkError ProtocolError ProxyError",
    "httpcore": "NetworkError ProtocolError ProxyError",
    "requests": "ConnectionError ChunkedEncodingError",
    "urllib3": "ProtocolError ProxyError SSLError IncompleteRead InvalidChunkLength MaxRetryError",
    "aiohttp": "ClientConnectionError ClientPayloadError",
    "asyncpg": "PostgresConnectionError CannotConnectNowError TooManyConnectionsError",
    "botocore": "ConnectionError HTTPClientError ResponseStreamingError IncompleteReadError",
    "openai": "APIConnectionError",
    "psycopg": "OperationalError ConnectionException CannotConnectNow AdminShutdown TooManyConnections",
    "pymongo": "ConnectionFailure",
    "redis": "ConnectionError",
}
"""Class names by package."""
_TIMEOUT = {
    "builtins": "TimeoutError",
    "httpx": "TimeoutException",
    "httpcore": "TimeoutException",
    "requests": "Timeout",
    "urllib3": "TimeoutError",
    "aiohttp": "ServerTimeoutError",
    "botocore": "ConnectTimeoutError ReadTimeoutError",
    "openai": "APITimeoutError",
    "psycopg": "ConnectionTimeout",
    "redis": "TimeoutError",
}
_NEVER_TRANSIENT = {
    "ssl": "SSLCertVerificationError",
    "httpx": "UnsupportedProtocol LocalProtocolError",
    "httpcore": "UnsupportedProtocol LocalProtocolError",
    "urllib3": "ResponseNotChunked",
    "redis": "AuthenticationError AuthorizationError",
}
"""Classes that fail the same way the next time, though their base is a transport error."""
_WIDE = {"psycopg.OperationalError"}
"""Classes that are meant alone, without those that derive from them."""
_THROTTLED = (
    "BandwidthLimitExceeded EC2ThrottledException LimitExceededException PriorRequestNotComplete "
    "ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled "
    "RequestThrottledException SlowDown ThrottledException Throttling ThrottlingException "
    "TooManyRequestsException TransactionInProgressException"
)
"""Error codes of `botocore.exceptions.ClientError`, the one class of all AWS answers."""


@frozen()
class Group:
    """The errors that one word stands for."""

    name: str
    classes: frozenset[str]
    statuses: frozenset[str]
    """HTTP statuses, gRPC codes (all errors of gRPC are of one class) and codes of AWS."""

    def holds(self, cls: type) -> bool:
        """Return whether an error of that class belongs to the group, whatever its status."""
        known = known_as(cls)
        names = {*known} - _WIDE | {known[0]}
        return not self.classes.isdisjoint(names) and _named(_NEVER_TRANSIENT).isdisjoint(known)


def _named(*tables: Mapping[str, str]) -> frozenset[str]:
    """Return the full names of classes that stand by package in *tables*."""
    packages = [package for table in tables for package in table.items()]
    return frozenset(f"{package}.{name}" for package, names in packages for name in names.split())


def _group(name: str, statuses: str, *tables: Mapping[str, str]) -> Group:
    return Group(name, _named(*tables), frozenset(statuses.split()))


GROUPS: Final[Mapping[str, Group]] = {
    group.name: group
    for group in (
        _group("network", "UNAVAILABLE 502 503", _NETWORK),
        _group("timeout", "DEADLINE_EXCEEDED 408 504", _TIMEOUT),
        _group("transient", "UNAVAILABLE DEADLINE_EXCEEDED 502 503 408 504", _NETWORK, _TIMEOUT),
        _group("throttle", f"RESOURCE_EXHAUSTED 429 {_THROTTLED}", {"openai": "RateLimitError"}),
    )
}
"""The groups that a policy may name in one word; an HTTP status belongs where gRPC has the same code."""

# --- answers and clients --------------------------------------------------------------

ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "aiohttp.ClientResponse": ("release",),
    "curl_cffi.Response": ("close", "aclose"),
    "http.HTTPResponse": ("close",),
    "httpcore.Response": ("close", "aclose"),
    "httpx.Response": ("close", "aclose"),
    "requests.Response": ("close",),
    "tornado.HTTPResponse": (),
    "urllib.addinfourl": ("close",),
    "urllib3.BaseHTTPResponse": ("close", "release_conn"),
    "urllib3.HTTPResponse": ("close", "release_conn"),
}
"""Answers of HTTP clients, and the methods that let go of one."""


_AWS = "_client_config.retries.total_max_attempts"
_REDIS = ("connection_pool._connection_kwargs.retry._retries", 1, 1)
_REDIS_OLD = ("connection_pool.connection_kwargs.retry._retries", 1, 1)
RETRYING: Final[Mapping[str, tuple[tuple[str, int, int], ...]]] = {
    "openai.BaseClient": (("max_retries", 1, 3),),
    "openai.SyncAPIResource": (("_client.max_retries", 1, 3),),
    "openai.AsyncAPIResource": (("_client.max_retries", 1, 3),),
    "botocore.BaseClient": ((_AWS, 0, 5),),
    "boto3.ServiceResource": ((f"meta.client.{_AWS}", 0, 5),),
    "requests.Session": (("adapters.*.max_retries.total", 1, 1),),
    "requests.HTTPAdapter": (("max_retries.total", 1, 1),),
    "urllib3.PoolManager": (("connection_pool_kw.retries.total", 1, 4),),
    "urllib3.HTTPConnectionPool": (("retries.total", 1, 4),),
    "httpx.BaseClient": (("_transport._pool._retries", 1, 1),),
    **dict.fromkeys(("redis.Redis", "redis.Valkey"), (_REDIS, _REDIS_OLD)),
    "tenacity.BaseRetrying": (("stop.max_attempt_number", 0, 1),),
    "stamina._RetryContextIterator": (("_attempts", 0, 1),),
}
"""Clients and decorators that retry by themselves: where an instance holds how often, what that
number lacks of all calls (retries are one less), and all calls where nothing is said."""
