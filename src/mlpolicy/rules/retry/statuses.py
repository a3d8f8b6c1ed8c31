"""What an error says of the answer behind it: an HTTP status, a gRPC code, `Retry-After`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from mlpolicy.core.report import interrupts

_GRPC_CODES = (
    "CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS "
    "PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE "
    "UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
)
GRPC_CODES = frozenset(_GRPC_CODES.split())
STATUS_NAMES = ("status_code", "response", "status", "code", "getcode", "grpc_status_code")
"""The attributes in which errors carry one."""
_NUMBER = re.compile(r"\d+(\.\d+)?")
_UNITS = {"retry-after-ms": 0.001, "x-ms-retry-after-ms": 0.001, "retry-after": 1.0}
"""Header names, the most exact first, and their unit."""
_MOST_HEADERS = 1000


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


def asked_pause(error: BaseException, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds after which the other side wants to be asked again, if it says.

    A refusal of our own says so in its `retry_after`; of a group, the longest counts.
    """
    if isinstance(error, BaseExceptionGroup):
        pauses = [asked_pause(leaf, now) for leaf in leaves(error)]
        return max((pause for pause in pauses if pause is not None), default=None)
    if not error.__dict__:  # most builtin errors: nothing was hung on it
        return None
    asked = asked_in(headers(error), now)
    return _number(read(error, "retry_after")) if asked is None else asked


def asked_in(holders: Iterable[object], now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that the first of *holders* of headers asks for."""
    for holder in holders:
        named: dict[str, object] = {}
        try:
            for name, value in _pairs(holder):
                named.setdefault(_text(name).lower(), value)
        except Exception as error:
            if interrupts(error):
                raise
            continue  # a foreign mapping may raise anything
        for name, unit in _UNITS.items():
            value = named.get(name)
            text = _text(value)
            number = _number(float(text) if _NUMBER.fullmatch(text) else value)
            if number is not None:
                return number * unit
            until = _until(text, now) if text and unit == 1.0 else None
            if until is not None:
                return until
    return None


def _pairs(held: Any) -> Iterator[tuple[object, object]]:
    """Yield names and values, of a mapping of any sort or a list of pairs."""
    items, get = read(held, "items"), read(held, "get")
    pairs: Any = items() if callable(items) else held if isinstance(held, list | tuple) else ()
    for pair in islice(pairs, _MOST_HEADERS):
        if isinstance(pair, tuple | list) and len(pair) == 2:
            yield pair[0], pair[1]
    if callable(get) and not callable(items):
        yield from ((name, get(name)) for name in _UNITS)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = bytes.decode(value, "latin-1")
    return str.strip(value) if isinstance(value, str) else ""  # (a subclass may raise anything)


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if value >= 0 else None
    except OverflowError:
        return float("inf")
    except Exception as error:
        if interrupts(error):
            raise
        return None  # numbers of others may compare as they like


def _until(text: str, now: Callable[[], float]) -> float | None:
    """Return the seconds until an HTTP-date; none are left of one that is past."""
    # Imported here: most programs never meet a date, and the import takes milliseconds.
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
        # A zone of -0000 makes a date without one; HTTP dates are in UTC.
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except Exception as error:
        if interrupts(error):
            raise
        return None  # what is no date fails in many ways
    return max(0.0, moment - now())
