"""Answers of the other side, those that errors carry and those that functions return.

What status has one, how long it asks to wait, and how it is let go? An error is asked for its
attributes. A result is somebody else's object: only what it holds as data is read, and no code of
its class runs, unless that is a client's class that is known here.
"""

from __future__ import annotations

import re
import time
import types
from collections import _tuplegetter  # type: ignore[attr-defined]  # (fields of named tuples)
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from inspect import iscoroutine
from itertools import islice
from typing import Any, Final

from mlpolicy.core.classes import SCALARS, Plain
from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.live import Live
from mlpolicy.rules.retry.libraries import ANSWERS, GRPC_CODES, known_as

STATUS_NAMES: Final = ("status_code", "response", "status", "code", "getcode", "grpc_status_code")
"""The attributes in which errors carry one."""
_NUMBER = re.compile(r"\d+(\.\d+)?")
_UNITS = {"retry-after-ms": 0.001, "x-ms-retry-after-ms": 0.001, "retry-after": 1.0}
"""Header names, the most exact first, and their unit."""
_MOST_HEADERS = 1000


def read(value: object, name: str, *, call: bool = False) -> Any:
    """Return an attribute of somebody else's object, with *call* what a method there gives; or None."""
    try:
        attribute = getattr(value, name, None)
        return attribute() if call and callable(attribute) else attribute
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


def speaks_grpc(cls: type) -> bool:
    """Return whether errors of that class carry a gRPC code."""
    return callable(read(cls, "code")) or read(cls, "grpc_status_code") is not None


def http_statuses(error: BaseException) -> tuple[str, ...]:
    """Return the HTTP status that *error* carries, and its hundred (`5xx`)."""
    return texts(_numbers(error))


def grpc_codes(error: BaseException) -> tuple[str, ...]:
    """Return the name of the gRPC code that *error* carries."""
    for code in (read(error, "code", call=True), read(error, "grpc_status_code")):
        name = read(code, "name")
        if isinstance(name, str) and name in GRPC_CODES:
            return (name,)
    return ()


def aws_codes(error: BaseException) -> tuple[str, ...]:
    """Return the error code of an answer of AWS."""
    code = _aws(read(error, "response"), "Error", "Code")
    return (code,) if isinstance(code, str) else ()


def texts(numbers: Iterable[object]) -> tuple[str, ...]:
    """Return the first of *numbers* that is an HTTP status as a policy names it: `503`, `5xx`."""
    for status in numbers:
        # A bool is an int, and False stands in many a `status`.
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            text = str(int(status))
            return text, f"{text[0]}xx"
    return ()


def _numbers(error: BaseException) -> Iterator[object]:
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


def _aws(response: object, part: str, name: str) -> object:
    """Read the nested dict that `botocore` keeps of an answer."""
    inner = response.get(part) if isinstance(response, Mapping) else None
    return inner.get(name) if isinstance(inner, Mapping) else None


def asked_pause(error: BaseException, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds after which the other side (of a group, any) wants to be asked again."""
    if isinstance(error, BaseExceptionGroup):
        pauses = [asked_pause(leaf, now) for leaf in leaves(error)]
        return max((pause for pause in pauses if pause is not None), default=None)
    if not error.__dict__:  # most builtin errors: nothing was hung on it
        return None
    asked = asked_in(_headers(error), now)
    # (a refusal of our own says so in its `retry_after`)
    return _seconds(read(error, "retry_after")) if asked is None else asked


def _headers(error: BaseException) -> Iterator[object]:
    response = read(error, "response")
    if response is not None:
        yield read(response, "headers")
        yield _aws(response, "ResponseMetadata", "HTTPHeaders")
    yield read(error, "headers")


def asked_in(holders: Iterable[object], now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that the first of *holders* of headers asks for."""
    for holder in holders:
        headers: dict[str, object] = {}
        try:
            for name, value in _pairs(holder):
                headers.setdefault(_text(name).lower(), value)
        except Exception as error:
            if interrupts(error):
                raise
            continue  # a foreign mapping may raise anything
        for name, unit in _UNITS.items():
            value = headers.get(name)
            text = _text(value)
            asked = _seconds(float(text) if _NUMBER.fullmatch(text) else value)
            if asked is None and text and unit == 1.0:
                asked = _until(text, now)
            if asked is not None:
                return asked * unit
    return None


def _pairs(headers: Any) -> Iterator[tuple[object, object]]:
    """Yield names and values, of a mapping of any sort or a list of pairs."""
    items, get = read(headers, "items"), read(headers, "get")
    if callable(get) and not callable(items):
        yield from ((name, get(name)) for name in _UNITS)
    pairs: Any = (
        items() if callable(items) else headers if isinstance(headers, list | tuple) else ()
    )
    for pair in islice(pairs, _MOST_HEADERS):
        if isinstance(pair, tuple | list) and len(pair) == 2:
            yield pair[0], pair[1]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = bytes.decode(value, "latin-1")
    return str.strip(value) if isinstance(value, str) else ""  # (a subclass may raise anything)


def _seconds(value: Any) -> float | None:
    try:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and value >= 0 else None
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
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now())
    except Exception as error:
        if interrupts(error):
            raise
        return None  # what is no date fails in many ways


# --- results --------------------------------------------------------------------------

_STATUS: Final = ("status_code", "status", "code")
_FIELDS: Final = ("__dataclass_fields__", "__pydantic_fields__", "__attrs_attrs__")
"""Where classes list all that their instances hold."""
_CONTAINERS: Final = (list, tuple, dict, set, frozenset, bytearray)

CALLABLE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type)
NO_ANSWERS = Plain((*SCALARS, *CALLABLE, *_CONTAINERS))
"""Classes that are no client's answers."""
NO_STATUS = Plain(NO_ANSWERS - {dict})
"""Classes whose instances hold no status."""


class Statuses(Live):
    """The statuses of results that are worth another attempt, and those that *never* are.

    Whatever holds one that the policy *named* is meant; of those *grouped*, as by `transient`, only
    answers of known clients.
    """

    __slots__ = ("_all", "_named", "_never", "_settled", "usual")

    def __init__(
        self, named: frozenset[str], grouped: frozenset[str], never: frozenset[str]
    ) -> None:
        self._named, self._never = named, never
        self._all = named | grouped
        self._settled = NO_STATUS if named else NO_ANSWERS
        self.usual: type = type(None)
        """The class of the last result of which nothing has to be asked; drivers look at it."""

    @classmethod
    def idle(cls) -> Statuses:
        """Return one without any."""
        return cls(frozenset(), frozenset(), frozenset())

    def __bool__(self) -> bool:
        return bool(self._all)

    def wants_again(self, result: object) -> bool:
        """Return whether *result* has one of the statuses."""
        cls = type(result)
        try:
            known = cls in self._settled
        except TypeError:  # a metaclass took the hash of its classes away
            known = False
        if known:
            self.usual = cls
            return False
        answer = closing(cls) is not None
        if not answer and not self._named:
            NO_ANSWERS.learn(cls)
            return False
        values = [*held(result, _STATUS)]  # (one that is None now may be another next time)
        if not (values or answer or cls is dict):
            listed = any(name in vars(base) for base in cls.__mro__ for name in _FIELDS)
            if listed or not cls.__dictoffset__:  # (what instances hold is settled by the class)
                NO_STATUS.learn(cls)
        status = texts(values)
        names = self._all if answer else self._named
        return not names.isdisjoint(status) and self._never.isdisjoint(status)


def closing(cls: Any) -> tuple[str, ...] | None:
    """Return the methods that let go of an answer of that class, None where it is no client's."""
    try:
        return _closing(cls)
    except TypeError:  # a metaclass took the hash of its classes away
        return None


@lru_cache(256)
def _closing(cls: type) -> tuple[str, ...] | None:
    return next((ANSWERS[known] for known in known_as(cls) if known in ANSWERS), None)


def held(value: object, names: tuple[str, ...]) -> Iterator[object]:
    """Yield what *value* holds as data under *names*, or its class does."""
    own = value if type(value) is dict else _instance_dict(value)
    for name in names:
        for holder in (own, *map(vars, type(value).__mro__)):
            if name in holder:
                data = holder[name]
                # A slot, or a field of a named tuple, is read by its class.
                described = type(data) in (types.MemberDescriptorType, _tuplegetter)
                yield read(value, name) if described else data
                break


def _instance_dict(value: object) -> Mapping[str, Any]:
    """Return the dictionary of an instance; a lazy proxy has one that it would have to make."""
    for base in type(value).__mro__:
        attribute = vars(base).get("__dict__")
        if attribute is not None:
            plain = type(attribute) in (types.GetSetDescriptorType, types.MemberDescriptorType)
            return (attribute.__get__(value) or {}) if plain else {}
    return {}


def headers_of(result: object) -> Iterator[object]:
    """Yield whatever holds the headers of an answer."""
    yield from held(result, ("headers",))
    if closing(type(result)) is not None:
        yield read(result, "headers")


def let_go(result: object) -> None:
    """Give back the connection of an answer that nobody will read, where that takes no await."""
    for awaitable in _let_go(result):
        awaitable.close()


async def let_go_async(result: object) -> None:
    """Do the same in a coroutine."""
    for awaitable in _let_go(result):
        try:
            await awaitable
        except Exception as error:
            if interrupts(error):
                raise


def _let_go(result: object) -> Iterator[Any]:
    """Let go of *result*, and yield what must be awaited for that.

    What cannot be closed was closed before, or belongs to another thread.
    """
    closed = (read(result, method, call=True) for method in closing(type(result)) or ())
    return filter(iscoroutine, closed)
