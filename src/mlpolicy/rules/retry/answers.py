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
from mlpolicy.core.live import Live
from mlpolicy.core.report import interrupts
from mlpolicy.rules.retry.libraries import ANSWERS, known_as

STATUS_NAMES: Final = ("status_code", "response", "status", "code", "getcode", "grpc_status_code")
"""The attributes in which errors carry one."""
_HTTP = (
    *("status_code", "response.status_code", "response.status"),
    *("response.[ResponseMetadata].[HTTPStatusCode]", "status", "code()", "getcode()"),
)
_CODES = ("code().name", "grpc_status_code.name", "response.[Error].[Code]")
_HEADERS = ("response.headers", "response.[ResponseMetadata].[HTTPHeaders]", "headers")
"""Where libraries keep it: an attribute, a `[key]` of a mapping, what a method `()` gives."""
_NUMBER = re.compile(r"\d+(\.\d+)?")
_UNITS = {"retry-after-ms": 0.001, "x-ms-retry-after-ms": 0.001, "retry-after": 1.0}
"""Header names, the most exact first, and their unit."""
_MOST_HEADERS = 1000


def tried(function: Callable[..., Any], *arguments: object) -> Any:
    """Return what *function* gives; None where it raises, as code of foreign classes may."""
    try:
        return function(*arguments)
    except Exception as error:
        if interrupts(error):
            raise
        return None


def reached(value: object, path: str) -> Any:
    """Return what *path* leads to from somebody else's object, None where that is nothing."""
    for part in path.split("."):
        value = tried(_part, value, part)
    return value


def _part(value: object, part: str) -> Any:
    if part.startswith("["):
        return value.get(part[1:-1]) if isinstance(value, Mapping) else None
    attribute = getattr(value, part.removesuffix("()"), None)
    return attribute() if part.endswith("()") and callable(attribute) else attribute


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group and in the groups in it, or *error* itself."""
    left = [error]
    while left:
        last = left.pop()
        if isinstance(last, BaseExceptionGroup):
            left.extend(last.exceptions)
        else:
            yield last


def statuses_of(error: BaseException) -> set[str]:
    """Return what *error* carries: an HTTP status and its hundred (`5xx`), codes of gRPC and AWS."""
    codes = [reached(error, path) for path in _CODES]
    http = _texts(reached(error, path) for path in _HTTP)
    return {*http, *(code for code in codes if isinstance(code, str))}


def _texts(numbers: Iterable[object]) -> tuple[str, ...]:
    """Return the first of *numbers* that is an HTTP status as a policy names it: `503`, `5xx`."""
    for status in numbers:
        # A bool is an int, and False stands in many a `status`.
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            text = str(int(status))
            return text, f"{text[0]}xx"
    return ()


# --- pauses that are asked for --------------------------------------------------------


def asked_pause(error: BaseException, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds after which the other side (of a group, any) wants to be asked again."""
    if isinstance(error, BaseExceptionGroup):
        pauses = [asked_pause(leaf, now) for leaf in leaves(error)]
        return max((pause for pause in pauses if pause is not None), default=None)
    if not error.__dict__:  # most builtin errors: nothing was hung on it
        return None
    asked = _asked_in((reached(error, path) for path in _HEADERS), now)
    # (a refusal of our own says so in its `retry_after`)
    return _seconds(reached(error, "retry_after")) if asked is None else asked


def _asked_in(holders: Iterable[object], now: Callable[[], float]) -> float | None:
    """Return the seconds that the first of *holders* of headers asks for."""
    for holder in holders:
        headers = tried(_headers, holder) or {}
        for name, unit in _UNITS.items():
            text = _text(headers.get(name))
            asked = _seconds(float(text) if _NUMBER.fullmatch(text) else headers.get(name))
            if asked is None and text and unit == 1.0:
                asked = tried(_until, text, now)
            if asked is not None:
                return asked * unit
    return None


def _headers(holder: Any) -> dict[str, object]:
    """Return the headers in a mapping of any sort or a list of pairs, by name in small letters."""
    pairs: Any = holder if isinstance(holder, list | tuple) else ()
    if callable(items := getattr(holder, "items", None)):
        pairs = items()
    elif callable(get := getattr(holder, "get", None)):
        pairs = [(name, get(name)) for name in _UNITS]
    headers: dict[str, object] = {}
    for pair in islice(pairs, _MOST_HEADERS):
        if isinstance(pair, tuple | list) and len(pair) == 2:
            headers.setdefault(_text(pair[0]).lower(), pair[1])
    return headers


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = bytes.decode(value, "latin-1")
    return str.strip(value) if isinstance(value, str) else ""  # (a subclass may raise anything)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = tried(float, value)
    return number if number is not None and number >= 0 else None


def _until(text: str, now: Callable[[], float]) -> float:
    """Return the seconds until an HTTP-date; none are left of one that is past."""
    # Imported here: most programs never meet a date, and the import takes milliseconds.
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    date = parsedate_to_datetime(text)
    # A zone of -0000 makes a date without one; HTTP dates are in UTC.
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now())


# --- results --------------------------------------------------------------------------

_STATUS: Final = ("status_code", "status", "code")
_FIELDS: Final = ("__dataclass_fields__", "__pydantic_fields__", "__attrs_attrs__")
"""Where classes list all that their instances hold."""
_CONTAINERS: Final = (list, tuple, dict, set, frozenset, bytearray)
_IN_CLASS: Final = (types.MemberDescriptorType, _tuplegetter)
"""What reads a slot, or a field of a named tuple."""

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
        cls: Any = type(result)
        try:
            if cls in self._settled:
                self.usual = cls
                return False
            is_answer = closing(cls) is not None
        except TypeError:  # a metaclass took the hash of its classes away
            is_answer = False
        if not is_answer and not self._named:
            NO_ANSWERS.learn(cls)
            return False
        values = [*held(result, _STATUS)]  # (one that is None now may be another next time)
        if not values and not is_answer and _holds_no_more(cls):
            NO_STATUS.learn(cls)
        status = _texts(values)
        names = self._all if is_answer else self._named
        return not names.isdisjoint(status) and self._never.isdisjoint(status)


def _holds_no_more(cls: type) -> bool:
    """Return whether what instances hold is settled by the class."""
    listed = any(name in vars(base) for base in cls.__mro__ for name in _FIELDS)
    return cls is not dict and (listed or not cls.__dictoffset__)


@lru_cache(256)
def closing(cls: Any) -> tuple[str, ...] | None:
    """Return the methods that let go of an answer of that class, None where it is no client's."""
    return next((ANSWERS[known] for known in known_as(cls) if known in ANSWERS), None)


def held(value: object, names: tuple[str, ...]) -> Iterator[object]:
    """Yield what *value* holds as data under *names*, or its class does."""
    own = value if type(value) is dict else _instance_dict(value)
    for name in names:
        for holder in (own, *map(vars, type(value).__mro__)):
            if name in holder:
                data = holder[name]
                yield reached(value, name) if type(data) in _IN_CLASS else data
                break


def _instance_dict(value: object) -> Mapping[str, Any]:
    """Return the dictionary of an instance; a lazy proxy has one that it would have to make."""
    for base in type(value).__mro__:
        attribute = vars(base).get("__dict__")
        if attribute is not None:
            plain = type(attribute) in (types.GetSetDescriptorType, types.MemberDescriptorType)
            return (attribute.__get__(value) or {}) if plain else {}
    return {}


def asked_of(result: object) -> float | None:
    """Return the seconds that an answer which was returned asks for."""
    holders = [*held(result, ("headers",))]
    if tried(closing, type(result)) is not None:
        holders.append(reached(result, "headers"))
    return _asked_in(holders, time.time)


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
    methods = tried(closing, type(result)) or ()
    return filter(iscoroutine, (reached(result, f"{method}()") for method in methods))
