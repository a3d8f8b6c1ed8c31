"""What stands in for a callable: its call is governed, all else is the original's."""

from __future__ import annotations

import copyreg
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType, MethodType
from typing import Any

from mlpolicy.core.report import say_once

_OWN = frozenset({"__call__", "__reduce__", "__reduce_ex__"})
"""What is asked of the stand-in itself; `getattr` gives the original's for everything else."""
_NOT_PASSED_ON = _OWN | {
    *("__new__", "__init__", "__del__", "__class__", "__init_subclass__", "__subclasshook__"),
    *("__getattribute__", "__getattr__", "__setattr__", "__delattr__", "__get__"),
    *("__slots__", "__dict__", "__weakref__", "__doc__", "__module__", "__class_getitem__"),
}


class Shown:
    """Stands in for a callable; each has a class of its own, made by `show`."""

    __slots__ = ("__weakref__", "found", "original", "target")

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN:
            return object.__getattribute__(self, name)
        original = original_of(self)
        if name == "__signature__":
            return _signature(original)
        return getattr(original, name)

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


def _signature(original: Any) -> inspect.Signature:
    try:
        return inspect.signature(original)
    except (TypeError, ValueError) as error:
        raise AttributeError("__signature__") from error


def show(
    original: Any, call: FunctionType, *, found: Any, target: str, may_await: bool = False
) -> Any:
    """Return a stand-in for *original*: an object whose call is *call*.

    Args:
        original: What it stands in for.
        call: Takes the place of its call.
        found: Where the original was found.
        target: The path under which the stand-in is put.
        may_await: Say so where the first call gives something to await.
    """
    of = type(original)
    names = {name: _passed_on(name, of) for name in _specials(of)}
    if hasattr(of, "__get__"):
        names["__get__"] = _bind
    names |= {"__slots__": (), "__module__": of.__module__, "__qualname__": of.__qualname__}
    names["__call__"] = staticmethod(call)
    made: Any = type(of.__name__, (Shown,), names)
    if may_await:
        made.__call__ = staticmethod(_listening(made, call, target))
    shown = object.__new__(made)
    for part, value in (("original", original), ("found", found), ("target", target)):
        object.__setattr__(shown, part, value)
    return shown


def _specials(of: type) -> Iterator[str]:
    """Yield the names that the interpreter looks up in the class: operators, `len`, `hash`."""
    for name in dict.fromkeys(name for cls in of.__mro__ for name in vars(cls)):
        if name[:2] == name[-2:] == "__" and name not in _NOT_PASSED_ON:
            held = getattr(of, name, None)
            if callable(held) or name == "__hash__":
                yield name


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
