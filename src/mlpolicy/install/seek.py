"""From a target's name to the function whose code belongs to it."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.target import LOCALS

_DEPTH = 8


class NotFound(LookupError):
    """Nothing of that name; the message says where the path ends."""


@frozen()
class Found:
    """Where a target is: who holds it, under which attribute, and what stands there."""

    holder: Any
    attribute: str
    raw: Any
    functions: tuple[FunctionType, ...]
    """The Python functions to swap; empty where there is no Python code."""
    inherited: bool = False
    """Whether the holder only inherits the attribute."""


def find(module: ModuleType, qualname: str) -> Found:
    """Return where *qualname* of *module* is.

    Raises:
        NotFound: A part of the path does not exist.
    """
    if LOCALS in qualname:
        return Found(module, qualname, None, tuple(born(module.__name__, qualname)))
    holder, attribute = _holder(module, qualname)
    raw, inherited = _attribute(holder, attribute)
    if raw is _ABSENT:
        functions = tuple(born(module.__name__, qualname))
        if not functions:
            raise NotFound(f"`{_name(holder)}` has no function `{attribute}`")
        return Found(holder, attribute, None, functions)
    function = function_behind(raw, module.__name__, qualname)
    functions = (function,) if function else _others(raw, module.__name__, qualname)
    return Found(holder, attribute, raw, functions, inherited)


def enclosing(module: ModuleType, qualname: str) -> tuple[FunctionType, ...]:
    """Return the functions under *qualname*, which make functions; none where it leads nowhere."""
    try:
        return find(module, qualname).functions
    except NotFound:
        return ()


def function_behind(raw: Any, module: str, qualname: str) -> FunctionType | None:
    """Return the function that *raw* is, or decorates, with the code that belongs to the name.

    A chain of decorators is followed to the function of that very name; where none bears it
    (a lambda, a closure bound to a name), what stands there is the function.
    """
    if type(raw) is FunctionType and raw.__closure__ is None and not raw.__dict__:
        return raw  # most are
    reached = list(reach(raw))
    for function in reversed(reached):
        if function.__module__ == module and function.__code__.co_qualname == qualname:
            return function
    first = _peel(raw)
    if isinstance(first, FunctionType):
        named = [one for one in reached if one.__qualname__ == qualname]
        return named[-1] if named else first
    return None


def _others(raw: Any, module: str, qualname: str) -> tuple[FunctionType, ...]:
    """Functions of that name that *raw*, which is no function, keeps out of sight."""
    if isinstance(raw, type) or callable(raw):
        return ()
    return tuple(born(module, qualname))


def born(module: str, qualname: str) -> Iterator[FunctionType]:
    """Yield every living function whose code has that name; looks through the whole heap."""
    for one in gc.get_objects():
        if (
            type(one) is FunctionType
            and one.__code__.co_qualname == qualname
            and one.__globals__.get("__name__") == module
        ):
            yield one


_ABSENT = object()


def _holder(module: ModuleType, qualname: str) -> tuple[Any, str]:
    *path, attribute = qualname.split(".")
    holder: Any = module
    for part in path:
        raw, _ = _attribute(holder, part)
        if raw is _ABSENT:
            raise NotFound(f"`{_name(holder)}` has no `{part}`")
        holder = raw
    return holder, attribute


def _attribute(holder: Any, name: str) -> tuple[Any, bool]:
    """Return what stands under *name*, no descriptor run, and whether it is inherited."""
    own = getattr(holder, "__dict__", {})
    if name in own:
        return own[name], False
    if isinstance(holder, type):
        for cls in holder.__mro__[1:]:
            if name in cls.__dict__:
                return cls.__dict__[name], True
        return _ABSENT, False
    if isinstance(holder, ModuleType):
        return getattr(holder, name, _ABSENT), False
    return getattr(type(holder), "__dict__", {}).get(name, _ABSENT), True


def _name(holder: Any) -> str:
    return str(getattr(holder, "__qualname__", getattr(holder, "__name__", type(holder).__name__)))


_HOLD_FUNC = (
    functools.cached_property,
    functools.singledispatchmethod,
    functools.partialmethod,
)


def _peel(raw: Any) -> Any:
    """Take the descriptors off *raw* that hold a function without decorating it."""
    for _ in range(_DEPTH):
        if isinstance(raw, staticmethod | classmethod | MethodType):
            raw = raw.__func__
        elif isinstance(raw, property):
            raw = raw.fget
        elif isinstance(raw, _HOLD_FUNC):
            raw = raw.func
        else:
            return raw
    return raw


def reach(raw: Any) -> Iterator[FunctionType]:
    """Yield the functions that *raw* is made of, from the outside in."""
    seen: set[int] = set()
    waiting = [(raw, 0)]
    while waiting:
        one, depth = waiting.pop(0)
        one = _peel(one)
        if id(one) in seen or depth > _DEPTH:
            continue
        seen.add(id(one))
        if isinstance(one, FunctionType):
            yield one
        waiting += ((inner, depth + 1) for inner in _within(one))


def _within(one: Any) -> Iterator[Any]:
    """Yield what *one* may have wrapped: `__wrapped__`, closure cells, attributes."""
    if isinstance(one, type | ModuleType) or one is None:
        return
    state = getattr(one, "__dict__", None)
    if isinstance(state, dict):
        yield from (value for value in state.values() if _holds(value))
    if isinstance(one, functools.partial):
        yield one.func
    wrapped = _wrapped(one)
    if wrapped is not None:
        yield wrapped
    for cell in getattr(one, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:
            continue
        if _holds(content):
            yield content


def _wrapped(one: Any) -> Any:
    try:
        return getattr(one, "__wrapped__", None)
    except Exception:  # noqa: BLE001 (an object of the user's may answer an attribute with anything)
        return None


def _holds(value: Any) -> bool:
    return callable(value) and not isinstance(value, type | ModuleType)
