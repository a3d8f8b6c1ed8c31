"""Outer placement: an attribute is replaced, for what has no Python code to swap.

What takes its place is called as a driver; in all else it is the original.
"""

from __future__ import annotations

import copyreg
import functools
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from mlpolicy.core.classes import is_a, members
from mlpolicy.core.report import say_once
from mlpolicy.core.step import Step
from mlpolicy.runtime.driver import (
    ASYNC_GENERATOR,
    COROUTINE,
    GENERATOR,
    ITERABLE_COROUTINE,
    Driver,
)

if TYPE_CHECKING:
    from mlpolicy.install.lookup import Found

_FLAVOURS = (staticmethod, classmethod)
_DEPTH = 8
_KINDS = COROUTINE | GENERATOR | ASYNC_GENERATOR | ITERABLE_COROUTINE
_OWN = frozenset({"__call__", "__reduce__", "__reduce_ex__"})
"""What is asked of the stand-in itself; `getattr` gives the original's for everything else."""
_NOT_PASSED_ON = _OWN | {
    *("__new__", "__init__", "__del__", "__class__", "__init_subclass__", "__subclasshook__"),
    *("__getattribute__", "__getattr__", "__setattr__", "__delattr__", "__get__"),
    *("__slots__", "__dict__", "__weakref__", "__doc__", "__module__", "__class_getitem__"),
}


class NotWrappable(TypeError):
    """What stands under the name cannot be replaced or called."""


class Replaced:
    """What was found, and the driver that we put in its place."""

    __slots__ = ("driver", "found", "ours")

    def __init__(self, found: Found, function: FunctionType, driver: Driver) -> None:
        self.found = found
        self.driver = driver
        shown = show(found, function, driver.target)
        self.ours: Any = type(found.raw)(shown) if is_a(found.raw, *_FLAVOURS) else shown

    def put(self) -> None:
        """Put it where the original stands, or what an earlier policy put there: one store.

        Raises:
            NotWrappable: The holder does not let its attributes be set.
        """
        try:
            setattr(self.found.holder, self.found.attribute, self.ours)
        except (AttributeError, TypeError) as error:
            raise NotWrappable(str(error)) from error

    def stands(self, holder: Any, steps: list[Step]) -> bool:
        """Whether it stands in *holder* yet, and runs those *steps*."""
        same = self.found.holder is holder and self.driver.steps == tuple(steps)
        return same and self._is_there()

    def _is_there(self) -> bool:
        """Whether nobody has put another thing there since; no descriptor runs, if possible."""
        holder, attribute = self.found.holder, self.found.attribute
        own = members(holder)
        standing = own[attribute] if attribute in own else getattr(holder, attribute, None)
        return standing is self.ours

    def restore(self) -> bool:
        """Put the original back; return False where somebody put another thing there since."""
        if not self._is_there():
            return False
        if self.found.inherited:
            delattr(self.found.holder, self.found.attribute)
        else:
            setattr(self.found.holder, self.found.attribute, self.found.raw)
        return True


def stand_in(found: Found) -> tuple[FunctionType, Any]:
    """Return a function that stands for what was found, and what it is to call.

    Raises:
        NotWrappable: It is no callable, or it is a class.
    """
    original = bare(found.raw)
    if is_a(original, type):
        raise NotWrappable(f"`{found.attribute}` is a class; name its `__init__` or a method")
    if not callable(original):
        raise NotWrappable(f"`{found.attribute}` is a {type(original).__name__}, not a function")
    forward = _forwarding(original)
    try:
        hash(original)
    except Exception:  # noqa: BLE001 (code of the user's; constants of drivers are hashed)
        return forward, original.__call__
    return forward, original


def bare(raw: Any) -> Any:
    """Return the function in *raw*, less what makes a method of it."""
    return raw.__func__ if is_a(raw, *_FLAVOURS) else raw


def _forwarding(original: Any) -> FunctionType:
    """Return a function with the signature of *original*, whose body is yet to be swapped in."""
    header, defaults, by_name = _parameters(original)
    flags = _flags(original)
    word = "async def" if flags & (COROUTINE | ASYNC_GENERATOR) else "def"
    body = "yield" if flags & (GENERATOR | ASYNC_GENERATOR) else "pass"
    names: dict[str, Any] = {"original": original}
    exec(f"{word} forward({header}): {body}", names)  # nosec B102  # noqa: S102 (names of parameters only)
    forward: FunctionType = names["forward"]
    if flags & ITERABLE_COROUTINE:
        code = forward.__code__
        forward.__code__ = code.replace(co_flags=code.co_flags | ITERABLE_COROUTINE)
    functools.update_wrapper(forward, original, updated=())
    forward.__defaults__, forward.__kwdefaults__ = tuple(defaults) or None, by_name or None
    return forward


def _called(called: Any) -> Iterator[Any]:
    """Yield *called*, then what is called when that is, down to a Python function if there is one."""
    for _ in range(_DEPTH):
        yield called
        if type(called) is FunctionType:
            return
        if is_a(called, functools.partial):
            called = called.func
        elif is_a(called, MethodType):
            called = called.__func__
        else:
            called = getattr(type(called), "__call__", None)  # noqa: B004 (its code is asked for)


def _flags(original: Any) -> int:
    """Return what tells the kind of function that *original* ends in; 0 for a plain one.

    `asyncio` may be told that something gives a coroutine, as Cython and Django do.
    """
    mark = getattr(sys.modules.get("asyncio.coroutines"), "_is_coroutine", None)
    for called in _called(original):
        marked = mark is not None and getattr(called, "_is_coroutine", None) is mark
        if marked or inspect.iscoroutinefunction(called):
            return COROUTINE
        if type(called) is FunctionType:
            return called.__code__.co_flags & _KINDS
    return 0


def _in_python(original: Any) -> bool:
    """Whether Python code takes the arguments."""
    return FunctionType in map(type, _called(original))


def _parameters(original: Any) -> tuple[str, list[Any], dict[str, Any]]:
    """Return the parameters of *original* as they are written, and the defaults of both sorts.

    To C code a default that is passed is not always what one left out is: a ufunc refuses
    `dtype=None` beside `signature=None`. So what takes it all by stars stands for such code.
    """
    empty = inspect.Parameter.empty
    try:
        parameters = list(inspect.signature(original).parameters.values())
    except (TypeError, ValueError):
        return "*args, **kwargs", [], {}
    given = [parameter for parameter in parameters if parameter.default is not empty]
    spelt = all(parameter.name.isidentifier() for parameter in parameters)
    if not spelt or (given and not _in_python(original)):
        return "*args, **kwargs", [], {}
    plain = [parameter.replace(annotation=empty, default=empty) for parameter in parameters]
    by_name = {one.name: one.default for one in given if one.kind is one.KEYWORD_ONLY}
    defaults = [one.default for one in given if one.name not in by_name]
    return str(inspect.Signature(plain))[1:-1], defaults, by_name


class Shown:
    """Stands in for a callable; each has a class of its own, made by `show`."""

    __slots__ = ("__weakref__", "found", "original", "target")

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN:
            return object.__getattribute__(self, name)
        original = original_of(self)
        if name != "__signature__":
            return getattr(original, name)
        try:
            return inspect.signature(original)
        except (TypeError, ValueError) as error:
            raise AttributeError(name) from error

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(original_of(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(original_of(self), name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Travel as the original does: by its content, or by the name under which this stands."""
        original = original_of(self)
        if not isinstance(original, FunctionType):
            reduce = copyreg.dispatch_table.get(type(original))
            reduced = reduce(original) if reduce else original.__reduce_ex__(protocol)
            if not isinstance(reduced, str):
                return reduced
        return pkgutil.resolve_name, (original_of(self, "target"),)

    def __reduce__(self) -> Any:
        """Travel as the original does."""
        return self.__reduce_ex__(0)


def original_of(shown: Any, part: str = "original") -> Any:
    """Return what *shown* stands in for, or another part of what it knows."""
    return object.__getattribute__(shown, part)


def show(found: Found, call: FunctionType, target: str) -> Any:
    """Return a stand-in for what was *found* under the path *target*: its call is *call*.

    The first call that gives something to await is spoken of where nothing else tells.
    """
    original = bare(found.raw)
    of = type(original)
    # The interpreter looks these up in the class: operators, `len`, `hash`.
    specials = {name for cls in of.__mro__ for name in vars(cls) if name[:2] == name[-2:] == "__"}
    specials -= _NOT_PASSED_ON
    specials = {name for name in specials if callable(getattr(of, name, None))} | {"__hash__"}
    names = {name: _passed_on(name, of) for name in specials}
    if hasattr(of, "__get__"):
        names["__get__"] = _bind
    names |= {"__slots__": (), "__module__": of.__module__, "__qualname__": of.__qualname__}
    names["__call__"] = staticmethod(call)
    made: Any = type(of.__name__, (Shown,), names)
    if not call.__code__.co_flags & _KINDS and _in_python(original):
        made.__call__ = staticmethod(_listening(made, call, target))
    shown = object.__new__(made)
    for part, value in (("original", original), ("found", found), ("target", target)):
        object.__setattr__(shown, part, value)
    return shown


def _passed_on(name: str, of: type) -> Any:
    if name == "__hash__" and getattr(of, name, None) is None:
        return None

    def special(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(original_of(self), name)(*args, **kwargs)

    special.__name__ = special.__qualname__ = name
    return special


def _bind(self: Any, instance: Any, owner: Any = None) -> Any:
    """Bind as the original binds, to the stand-in."""
    original = original_of(self)
    bound = type(original).__get__(original, instance, owner)
    if instance is None or bound is original:
        return self
    return MethodType(self, instance) if getattr(bound, "__self__", None) is instance else bound


def _listening(shown: Any, call: FunctionType, target: str) -> Any:
    """Return what calls *call* the first time, and says where it gives something to await."""

    def first(*args: Any, **kwargs: Any) -> Any:
        shown.__call__ = staticmethod(call)
        result = call(*args, **kwargs)
        if inspect.isawaitable(result):
            say_once(
                f"awaitable:{target}",
                f"{target} gives a {type(result).__name__} to await and is no coroutine function: "
                "its rules see that it is made, and not what comes of it. "
                "Mark it with `inspect.markcoroutinefunction`, or name the coroutine function",
            )
        return result

    return first
