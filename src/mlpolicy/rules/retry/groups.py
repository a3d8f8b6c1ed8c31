"""The groups of errors that a policy may name in one word, `transient` for one.

A class belongs to a group by the top package of its module and its name, so that no library
is imported, and none can escape by moving a class to another of its modules.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlpolicy.core.frozen import frozen

Classes = Mapping[str, frozenset[str]]
"""Class names by top package."""


@frozen()
class Group:
    """The errors that one word stands for."""

    name: str
    classes: Classes
    grpc: frozenset[str] = frozenset()
    """Status names: all errors of gRPC are of one class."""
    http: frozenset[str] = frozenset()
    aws: frozenset[str] = frozenset()
    """Error codes of `botocore.exceptions.ClientError`, the one class of all AWS answers."""

    def holds(self, cls: type) -> bool:
        """Return whether an error of that class belongs to the group, whatever its status."""
        mro = cls.__mro__
        if any(_in(one, NEVER_TRANSIENT) for one in mro):
            return False
        return any(_in(one, self.classes) for one in mro)


def _in(cls: type, classes: Classes) -> bool:
    names = classes.get(cls.__module__.partition(".")[0])
    return names is not None and cls.__qualname__ in names


def _classes(**names: str) -> Classes:
    return {package: frozenset(text.split()) for package, text in names.items()}


def _joined(one: Classes, other: Classes) -> Classes:
    none: frozenset[str] = frozenset()
    return {key: one.get(key, none) | other.get(key, none) for key in {*one, *other}}


_NETWORK = _classes(
    builtins="ConnectionError",
    http="IncompleteRead",
    httpx="NetworkError ProtocolError ProxyError",
    httpcore="NetworkError ProtocolError ProxyError",
    httpx2="NetworkError ProtocolError ProxyError",
    httpcore2="NetworkError ProtocolError ProxyError",
    requests="ConnectionError ChunkedEncodingError",
    urllib3="ProtocolError ProxyError SSLError IncompleteRead InvalidChunkLength MaxRetryError",
    aiohttp="ClientConnectionError ClientPayloadError",
    botocore="ConnectionError HTTPClientError ResponseStreamingError IncompleteReadError",
    openai="APIConnectionError",
    redis="ConnectionError",
)

_TIMEOUT = _classes(
    builtins="TimeoutError",
    httpx="TimeoutException",
    httpcore="TimeoutException",
    httpx2="TimeoutException",
    httpcore2="TimeoutException",
    requests="Timeout",
    urllib3="TimeoutError",
    aiohttp="ServerTimeoutError",
    botocore="ConnectTimeoutError ReadTimeoutError",
    openai="APITimeoutError",
    redis="TimeoutError",
)

NEVER_TRANSIENT = _classes(
    ssl="SSLCertVerificationError",
    httpx="UnsupportedProtocol LocalProtocolError",
    httpcore="UnsupportedProtocol LocalProtocolError",
    httpx2="UnsupportedProtocol LocalProtocolError",
    httpcore2="UnsupportedProtocol LocalProtocolError",
    urllib3="ResponseNotChunked",
    redis="AuthenticationError AuthorizationError",
)
"""Classes that fail the same way the next time, though their base is a transport error."""

_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)

GROUPS: Mapping[str, Group] = {
    "network": Group("network", _NETWORK, grpc=frozenset({"UNAVAILABLE"})),
    "timeout": Group("timeout", _TIMEOUT, grpc=frozenset({"DEADLINE_EXCEEDED"})),
    "transient": Group(
        "transient",
        _joined(_NETWORK, _TIMEOUT),
        grpc=frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"}),
    ),
    "throttle": Group(
        "throttle",
        _classes(openai="RateLimitError"),
        grpc=frozenset({"RESOURCE_EXHAUSTED"}),
        http=frozenset({"429"}),
        aws=_THROTTLED,
    ),
}
"""The groups by name."""
