"""Values: classes of named fields that nobody changes once they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import total_ordering
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(*, order: bool = False) -> Callable[[type[_T]], type[_T]]:
    """Return a decorator: a slotted dataclass, which type checkers know to be frozen.

    Nothing guards the fields while the program runs: a guarded one takes four times as long to
    make, and reading a large policy makes a hundred thousand. Of its methods only `__init__` is
    compiled for the class: starting the program defines a hundred of these. What the class
    defines by itself stays. With *order* values are less or greater, field by field.
    """

    def decorate(cls: type[_T]) -> type[_T]:
        made: Any = dataclass(slots=True, eq=False, repr=False)(cls)
        for name, method in _methods(made, order=order).items():
            if name not in vars(cls):
                setattr(made, name, method)
        return total_ordering(made) if order else made

    return decorate


def _methods(cls: Any, *, order: bool) -> dict[str, Callable[..., Any]]:
    """Return what a dataclass has: values are equal, hashed, shown and less by their fields."""
    names = [one.name for one in fields(cls) if one.compare]
    key: Callable[[Any], Any] = attrgetter(*names) if names else lambda _: ()

    def equals(self: Any, other: object) -> bool:
        return bool(key(self) == key(other)) if type(other) is type(self) else NotImplemented

    def less(self: Any, other: object) -> bool:
        return bool(key(self) < key(other)) if type(other) is type(self) else NotImplemented

    def hashed(self: Any) -> int:
        return hash(key(self))

    made: dict[str, Callable[..., Any]] = {"__eq__": equals, "__hash__": hashed, "__repr__": _shown}
    return made | {"__lt__": less} if order else made


def _shown(self: Any) -> str:
    told = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(told)})"
