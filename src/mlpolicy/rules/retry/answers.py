"""Answers that a function returns: whether their status asks for another attempt, and how one is let go.

A result is somebody else's object: only what it holds as data is read, and no code of its class
runs, unless that is a client's class that is known here.
"""

from __future__ import annotations

import types
from collections import _tuplegetter  # type: ignore[attr-defined]  # (fields of named tuples)
from collections.abc import Iterator, Mapping
from functools import lru_cache
from inspect import iscoroutine
from typing import Any, Final

from mlpolicy.core.classes import SCALARS, Plain
from mlpolicy.core.live import Live
from mlpolicy.core.report import interrupts
from mlpolicy.rules.retry.arguments import CALLABLE
from mlpolicy.rules.retry.groups import family
from mlpolicy.rules.retry.statuses import among, first_status, read

CLIENTS: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    package: (frozenset(classes.split()), tuple(closing.split()))
    for package, classes, closing in (
        ("aiohttp", "ClientResponse", "release"),
        ("curl_cffi", "Response", "close aclose"),
        ("http", "HTTPResponse", "close"),
        ("httpcore", "Response", "close aclose"),
        ("httpx", "Response", "close aclose"),
        ("requests", "Response", "close"),
        ("tornado", "HTTPResponse", ""),
        ("urllib", "addinfourl", "close"),
        ("urllib3", "BaseHTTPResponse HTTPResponse", "close release_conn"),
    )
}
"""Answers of HTTP clients by package (a fork's are its original's), and what lets go of one."""

_STATUS: Final = ("status_code", "status", "code")
_FIELDS: Final = ("__dataclass_fields__", "__pydantic_fields__", "__attrs_attrs__")
"""Where classes list all that their instances hold."""
_CONTAINERS: Final = (list, tuple, dict, set, frozenset, bytearray)

NO_ANSWERS = Plain((*SCALARS, *CALLABLE, *_CONTAINERS))
"""Classes that are no client's answers."""
NO_STATUS = Plain(NO_ANSWERS - {dict})
"""Classes whose instances hold no status."""


class Statuses(Live):
    """The statuses of results that are worth another attempt.

    Args:
        named: Those that the policy names: whatever holds one is meant.
        grouped: Those of groups such as `transient`: only answers of known clients are meant.
        never: Those to give up on.
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
        if not (values or answer) and _holds_no_more(cls):
            NO_STATUS.learn(cls)
        status = first_status(values)
        names = self._all if answer else self._named
        return among(status, names) and not among(status, self._never)


def _holds_no_more(cls: type) -> bool:
    """Return whether what instances hold is settled by the class."""
    listed = any(name in vars(base) for base in cls.__mro__ for name in _FIELDS)
    return cls is not dict and (listed or not cls.__dictoffset__)


def closing(cls: Any) -> tuple[str, ...] | None:
    """Return the methods that let go of an answer of that class, None where it is no client's."""
    try:
        return _closing(cls)
    except TypeError:  # a metaclass took the hash of its classes away
        return None


@lru_cache(256)
def _closing(cls: type) -> tuple[str, ...] | None:
    for base in cls.__mro__:
        names, methods = CLIENTS.get(family(str(base.__module__)), ((), ()))
        if base.__qualname__ in names:
            return methods
    return None


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
