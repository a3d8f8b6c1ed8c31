"""What an error says of the answer behind it: an HTTP status, a gRPC code, headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlpolicy.core.interrupt import interrupts

_GRPC_CODES = (
    "CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS "
    "PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE "
    "UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
)
GRPC_CODES = frozenset(_GRPC_CODES.split())
STATUS_NAMES = ("status_code", "response", "status", "code", "getcode", "grpc_status_code")
"""The attributes in which errors carry one."""


def read(value: object, name: str, *, call: bool = False) -> Any:
    """Return an attribute of somebody else's object, with *call* what a method there gives.

    None says that there is none to be had.
    """
    try:
        held = getattr(value, name, None)
        return held() if call and callable(held) else held
    except Exception as error:
        if interrupts(error):
            raise
        return None  # a property or a method of a foreign class may raise anything


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group and in the groups in it, or *error* itself."""
    left = [error]
    while left:
        last = left.pop()
        if isinstance(last, BaseExceptionGroup):
            left.extend(last.exceptions)
        else:
            yield last


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status that *error* carries."""
    return first_status(_statuses(error))


def _statuses(error: BaseException) -> Iterator[object]:
    yield read(error, "status_code")
    response = read(error, "response")
    # `requests` answers are false where the status is an error: only None means none.
    if response is not None:
        yield read(response, "status_code")
        yield read(response, "status")
        yield _aws(response, "ResponseMetadata", "HTTPStatusCode")
    yield read(error, "status")
    yield read(error, "code", call=True)
    yield read(error, "getcode", call=True)


def first_status(values: Iterable[object]) -> int | None:
    """Return the first of *values* that is an HTTP status."""
    for status in values:
        # A bool is an int, and False stands in many a `status`.
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            return int(status)
    return None


def among(status: int | None, names: frozenset[str]) -> bool:
    """Return whether *names* holds *status*, or its hundred (`5xx`)."""
    text = str(status)
    return text in names or f"{text[0]}xx" in names


def speaks_grpc(cls: type) -> bool:
    """Return whether errors of that class carry a gRPC code."""
    return callable(read(cls, "code")) or read(cls, "grpc_status_code") is not None


def grpc_code(error: BaseException) -> str | None:
    """Return the name of the gRPC code that *error* carries."""
    for code in (read(error, "code", call=True), read(error, "grpc_status_code")):
        name = read(code, "name")
        if isinstance(name, str) and name in GRPC_CODES:
            return name
    return None


def aws_code(error: BaseException) -> str | None:
    """Return the error code of an answer of AWS."""
    code = _aws(read(error, "response"), "Error", "Code")
    return code if isinstance(code, str) else None


def headers(error: BaseException) -> Iterator[Any]:
    """Yield whatever holds headers of the answer behind *error*."""
    response = read(error, "response")
    if response is not None:
        yield read(response, "headers")
        yield _aws(response, "ResponseMetadata", "HTTPHeaders")
    yield read(error, "headers")


def _aws(response: object, part: str, name: str) -> object:
    """Read the nested dict that `botocore` keeps of an answer."""
    inner = response.get(part) if isinstance(response, Mapping) else None
    return inner.get(name) if isinstance(inner, Mapping) else None
