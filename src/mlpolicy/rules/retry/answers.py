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
from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.live import Live
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
        if _is_among(cls, self._settled):
            self.usual = cls
            return False
        answer = closing(cls) is not None
        if not answer and not self._named:
            NO_ANSWERS.learn(cls)
            return False
        found = [*held(result, _STATUS)]  # (one that is None now may be another next time)
        if not found and not answer and _holds_no_more(cls):
            NO_STATUS.learn(cls)
        status = first_status(found)
        names = self._all if answer else self._named
        return among(status, names) and not among(status, self._never)


def _is_among(cls: type, known: Plain) -> bool:
    try:
        return cls in known
    except TypeError:  # a metaclass took the hash of its classes away
        return False


def closing(cls: Any) -> tuple[str, ...] | None:
    """Return the methods that let go of an answer of that class, None where it is no client's."""
    try:
        return _closing(cls)
    except TypeError:  # a metaclass took the hash of its classes away
        return None


@lru_cache(256)
def _closing(cls: type) -> tuple[str, ...] | None:
    for one in cls.__mro__:
        names, methods = CLIENTS.get(family(str(one.__module__)), ((), ()))
        if one.__qualname__ in names:
            return methods
    return None


def held(value: object, names: tuple[str, ...]) -> Iterator[object]:
    """Yield what *value* holds as data under *names*, or its class does."""
    own = value if type(value) is dict else instance_dict(value)
    for name in names:
        for held_by in (own, *map(vars, type(value).__mro__)):
            if name in held_by:
                found = held_by[name]
                # A slot, or a field of a named tuple, is read by its class.
                described = type(found) in (types.MemberDescriptorType, _tuplegetter)
                yield read(value, name) if described else found
                break


def instance_dict(value: object) -> Mapping[str, Any]:
    """Return the dictionary of an instance; a lazy proxy has one that it would have to make."""
    for one in type(value).__mro__:
        found = vars(one).get("__dict__")
        if found is not None:
            plain = type(found) in (types.GetSetDescriptorType, types.MemberDescriptorType)
            return (found.__get__(value) or {}) if plain else {}
    return {}


def _holds_no_more(cls: type) -> bool:
    """Return whether what instances hold is settled by the class."""
    return cls is not dict and (
        not cls.__dictoffset__ or any(name in vars(one) for one in cls.__mro__ for name in _FIELDS)
    )


def headers_of(result: object) -> Iterator[object]:
    """Yield whatever holds the headers of an answer."""
    yield from held(result, ("headers",))
    if closing(type(result)) is not None:
        yield read(result, "headers")


def let_go(result: object) -> None:
    """Give back the connection of an answer that nobody will read, where that takes no await."""
    for method in _methods(result):
        made = _called(method)
        if iscoroutine(made):
            made.close()


async def let_go_async(result: object) -> None:
    """Do the same in a coroutine."""
    for method in _methods(result):
        made = _called(method)
        if not iscoroutine(made):
            continue
        try:
            await made
        except Exception as error:
            if interrupts(error):
                raise


def _methods(result: object) -> Iterator[Any]:
    return (read(result, name) for name in closing(type(result)) or ())


def _called(method: Any) -> Any:
    try:
        return method() if callable(method) else None
    except Exception as error:
        if interrupts(error):
            raise
        return None  # what cannot be closed was closed before, or belongs to another thread
