"""The groups of errors that a policy may name in one word, `transient` for one.

A class belongs to a group by the top package of its module and its name, so that no library
is imported, and none can escape by moving a class to another of its modules. A fork with names
of the original belongs to the original's family.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
_VENDORED = re.compile(r".*\b_?vendor(?:ed)?\.")
"""What a package that carries another within itself puts before its name."""


def family(module: str) -> str:
    """Return the package whose class names hold in *module*: its own, or the fork's original."""
    top = (_VENDORED.sub("", module) if "vendor" in module else module).partition(".")[0]
    return _FAMILIES.get(top, top)


@frozen()
class Group:
    """The errors that one word stands for."""

    name: str
    classes: Mapping[str, frozenset[str]]
    """Class names by package; `=Name` is the class alone, without those that derive from it."""
    grpc: frozenset[str]
    """Status names: all errors of gRPC are of one class."""
    http: frozenset[str]
    aws: frozenset[str]
    """Error codes of `botocore.exceptions.ClientError`, the one class of all AWS answers."""

    def holds(self, cls: type) -> bool:
        """Return whether an error of that class belongs to the group, whatever its status."""
        names = [(family(str(base.__module__)), base.__qualname__) for base in cls.__mro__]
        if any(name in _NEVER_TRANSIENT.get(package, "").split() for package, name in names):
            return False
        own, name = names[0]
        return f"={name}" in self.classes.get(own, ()) or any(
            name in self.classes.get(package, ()) for package, name in names
        )


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
    "psycopg": "=OperationalError ConnectionException CannotConnectNow AdminShutdown TooManyConnections",
    "pymongo": "ConnectionFailure",
    "redis": "ConnectionError",
}
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
_TRANSIENT = {package: f"{_NETWORK[package]} {_TIMEOUT.get(package, '')}" for package in _NETWORK}
_NEVER_TRANSIENT = {
    "ssl": "SSLCertVerificationError",
    "httpx": "UnsupportedProtocol LocalProtocolError",
    "httpcore": "UnsupportedProtocol LocalProtocolError",
    "urllib3": "ResponseNotChunked",
    "redis": "AuthenticationError AuthorizationError",
}
"""Classes that fail the same way the next time, though their base is a transport error."""
_THROTTLED = (
    "BandwidthLimitExceeded EC2ThrottledException LimitExceededException PriorRequestNotComplete "
    "ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled "
    "RequestThrottledException SlowDown ThrottledException Throttling ThrottlingException "
    "TooManyRequestsException TransactionInProgressException"
)


def _group(name: str, classes: Mapping[str, str], grpc: str, http: str, aws: str = "") -> Group:
    named = {package: frozenset(names.split()) for package, names in classes.items()}
    return Group(name, named, *(frozenset(text.split()) for text in (grpc, http, aws)))


GROUPS: Mapping[str, Group] = {
    group.name: group
    for group in (
        _group("network", _NETWORK, "UNAVAILABLE", "502 503"),
        _group("timeout", _TIMEOUT, "DEADLINE_EXCEEDED", "408 504"),
        _group("transient", _TRANSIENT, "UNAVAILABLE DEADLINE_EXCEEDED", "502 503 408 504"),
        _group("throttle", {"openai": "RateLimitError"}, "RESOURCE_EXHAUSTED", "429", _THROTTLED),
    )
}
"""The groups by name; an HTTP status belongs where gRPC has the same code."""
