"""From a target's name to the function whose code belongs to it."""

from __future__ import annotations

import builtins
import functools
import gc
import sys
from collections.abc import Iterator
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.runtime.driver import TWIN

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
        return Found(module, qualname, None, born(module, qualname))
    holder, attribute = _holder(module, qualname)
    raw, inherited = _attribute(holder, attribute)
    if raw is _ABSENT:
        functions = born(module, qualname)
        if not functions:
            raise NotFound(f"`{_name(holder)}` has no function `{attribute}`")
        return Found(holder, attribute, None, functions)
    function = function_behind(raw, module.__name__, qualname)
    functions = (function,) if function else _others(raw, module, qualname)
    return Found(holder, attribute, raw, functions, inherited)


_MAIN = {"__mp_main__": "__main__"}
"""What multiprocessing calls the program in its workers."""


def own_name(target: Target, found: Found) -> Target:
    """Return the path under which what was *found* at *target* is defined; *target* if that is it.

    A function is known by where its code was written: `__module__` may name who hands it out.
    """
    if LOCALS in target.qualname:
        return target
    names: list[tuple[str, str]] = []
    if len(found.functions) < 2 and not found.inherited:
        for function in found.functions or reach(found.raw):
            name = str(function.__globals__.get("__name__"))
            module = _MAIN.get(name, name)
            names += [(module, function.__code__.co_qualname), (module, target.qualname)]
    elif type(found.holder) is type:
        names = [(found.holder.__module__, f"{found.holder.__qualname__}.{found.attribute}")]
    own = (
        Target(module, name)
        for module, name in names
        if "<" not in name  # (a lambda, or made at run time)
    )
    return next((one for one in own if one == target or _leads_to(one, found)), target)


def _leads_to(target: Target, found: Found) -> bool:
    """Tell whether what was *found* is under *target* too."""
    module = sys.modules.get(target.module)
    if not isinstance(module, ModuleType):
        return False
    try:
        there = find(module, target.qualname)
    except NotFound:
        return False
    same = there.functions == found.functions and bool(found.functions)
    held = there.holder is found.holder and there.attribute == found.attribute
    alike = same or held or (there.raw is found.raw and found.raw is not None)
    return alike and there.inherited is found.inherited


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
    if _is_plain(raw):
        return raw  # type: ignore[no-any-return]  # (most are)
    reached = list(reach(raw))
    for function in reversed(reached):
        if function.__module__ == module and function.__code__.co_qualname == qualname:
            return function
    first = peel(raw)
    if isinstance(first, FunctionType):
        named = [one for one in reached if one.__qualname__ == qualname]
        return named[-1] if named else first
    return None


def _is_plain(raw: Any) -> bool:
    """Whether *raw* is a function that leads to no other one."""
    return type(raw) is FunctionType and raw.__closure__ is None and not raw.__dict__


def _others(raw: Any, module: ModuleType, qualname: str) -> tuple[FunctionType, ...]:
    """Functions of that name that *raw*, which is no function, keeps out of sight."""
    if isinstance(raw, type) or callable(raw):
        return ()
    return born(module, qualname)


def aliased(name: str) -> ModuleType | None:
    """Return the module that is known as *name*: by the import system, or as an attribute.

    None where there is none, or where it still runs.
    """
    module: Any = sys.modules.get(name)
    known = name
    rest: list[str] = []
    while module is None and "." in known:
        known, _, last = known.rpartition(".")
        rest.insert(0, last)
        module = sys.modules.get(known)
    for part in rest:
        module = vars(module).get(part) if isinstance(module, ModuleType) else None
    running = getattr(getattr(module, "__spec__", None), "_initializing", False)
    return module if isinstance(module, ModuleType) and not running else None


def dispatchers(raw: Any) -> list[Any]:
    """Return the singledispatch functions that *raw* is made of."""
    if _is_plain(raw):
        return []
    if isinstance(raw, functools.singledispatchmethod):
        return [raw.dispatcher]
    return [
        one
        for one in reach(raw)
        if isinstance(getattr(one, "registry", None), MappingProxyType)
        and isinstance(getattr(one, "register", None), FunctionType)
    ]


def born(module: ModuleType, qualname: str) -> tuple[FunctionType, ...]:
    """Return every living function of *module* whose code has that name."""
    alike = [one for one in living(vars(module)) if one.__code__.co_qualname == qualname]
    return tuple([one for one in alike if TWIN not in one.__dict__])


def living(names: dict[str, Any] | None = None) -> list[FunctionType]:
    """Return every living function whose global names are *names*; without them, every function.

    All functions refer to the builtins. They are asked for by what they refer to: a list of
    all objects would hold tuples that other threads are filling, which the interpreter refuses.
    """
    referred = vars(builtins) if names is None else names
    return [one for one in gc.get_referrers(referred) if type(one) is FunctionType]


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


def peel(raw: Any) -> Any:
    """Take the descriptors off *raw* that hold a function without decorating it."""
    for _ in range(_DEPTH):
        if type(raw) is FunctionType:
            return raw  # (as most are)
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
        one = peel(one)
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
    except Exception as error:
        if interrupts(error):
            raise
        return None  # an object of the user's may answer an attribute with anything


def _holds(value: Any) -> bool:
    return callable(value) and not isinstance(value, type | ModuleType)
