"""What is known of classes, and what objects hold, without asking them: no code of theirs runs.

Proxies, mocks and lazy objects answer every attribute, with anything or with an error; so may
any class that defines `__getattr__`, `__class__` or `__dict__`, or whose metaclass does.
"""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import total_ordering
from operator import attrgetter
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, Final, TypeGuard, TypeVar, dataclass_transform

from mlpolicy.core.report import HIDDEN, redacted
from mlpolicy.core.threads import Live

_T = TypeVar("_T")

SCALARS = (int, float, str, bytes, bool, complex, type(None))
_WORDS = frozenset(
    (*(cls.__name__ for cls in SCALARS), "None", "Optional", "Union", "list", "tuple", "dict")
)
"""Annotations of these words alone promise plain values."""

_MOST: Final = 1000
mro_of: Any = type.__dict__["__mro__"].__get__
"""The classes that a class derives from, itself first, whatever its metaclass says."""
name_of: Any = type.__dict__["__qualname__"].__get__
"""The qualified name of a class, whatever its metaclass says."""
_members_of: Any = type.__dict__["__dict__"].__get__
_state_of: Any = vars(ModuleType)["__dict__"].__get__
_IN_C = (MemberDescriptorType, GetSetDescriptorType)


class Plain(set[type], Live):
    """Classes that a driver need not look at again; it looks into this set."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # (a constant of drivers)
    __reduce__ = Live.__reduce__  # (set's own travels by content)

    def learn(self, kind: type) -> None:
        """Know *kind* from now on, if it is in its module for good: others must be free to go."""
        module = sys.modules.get(kind.__module__)
        if len(self) < _MOST and getattr(module, "__dict__", {}).get(kind.__qualname__) is kind:
            self.add(kind)


def by_path(kind: type, table: Mapping[str, _T]) -> _T | None:
    """Return what *table* has under the path of *kind*, or of a class that it derives from."""
    for one in mro_of(kind):  # (of which those written in C hold no `__module__`)
        found = table.get(f"{vars(type)['__module__'].__get__(one)}.{name_of(one)}")
        if found is not None:
            return found
    return None


def module_of(cls: type) -> str:
    """Return the module of which *cls* says that it is."""
    module = _members_of(cls).get("__module__")
    return module if type(module) is str else ""


def is_a(value: object, *classes: type) -> bool:
    """Whether *value* is of one of the *classes*; `isinstance` asks its `__class__` as well."""
    return issubclass(type(value), classes)


def is_module(value: object) -> TypeGuard[ModuleType]:
    """Whether *value* is a module."""
    return is_a(value, ModuleType)


def members(holder: object) -> Mapping[str, Any]:
    """Return what a module, a class or another object itself holds, by name."""
    if is_a(holder, type):
        names: Mapping[str, Any] = _members_of(holder)
        return names
    if is_module(holder):
        return _state_of(holder) or {}
    for cls in mro_of(type(holder)):
        own = _members_of(cls)
        if _stands_in(cls, own):
            break
        descriptor = own.get("__dict__")
        if type(descriptor) is GetSetDescriptorType:
            state = descriptor.__get__(holder)
            return dict(dict.items(state)) if is_a(state, dict) else {}
    return {}


def wrapped(value: object) -> Iterator[Any]:
    """Yield what *value* has under `__wrapped__` and in its slots."""
    for cls in mro_of(type(value)):
        own = _members_of(cls)
        if _stands_in(cls, own):
            yield from (one for one in gc.get_referents(value) if type(one) is not dict)
            return
        slots = own.values() if "__slots__" in own else (own.get("__wrapped__"),)
        for slot in slots:
            if is_a(slot, *_IN_C):
                try:
                    yield slot.__get__(value)
                except AttributeError:  # (an empty slot)
                    continue


def _stands_in(cls: type, own: Mapping[str, Any]) -> bool:
    """Whether objects of *cls* pretend in C to be others, as those of wrapt do.

    What they answer is the other's answer. They may be lazy and first make it.
    """
    return type(own.get("__class__")) is GetSetDescriptorType and cls is not object


def promises(annotation: object) -> bool:
    """Tell whether *annotation* promises scalars, or containers of them."""
    if annotation is None:
        return False
    text = annotation if isinstance(annotation, str) else _spelt(annotation)
    words = re.findall(r"\w+", text)
    plain = bool(words) and _WORDS.issuperset(words)
    return plain and ("[" in text or not {"list", "tuple", "dict"}.intersection(words))


def _spelt(annotation: object) -> str:
    if isinstance(annotation, type):
        return annotation.__name__
    # (of the user's classes none is asked for its text)
    return str(annotation) if type(annotation).__module__ in ("types", "typing") else ""


# --- frozen --------------------------------------------------------------------------------


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

    every = [one.name for one in fields(cls)]

    def reduced(self: Any) -> tuple[Any, tuple[Any, ...]]:
        return type(self), tuple([getattr(self, name) for name in every])  # (no names are packed)

    made: dict[str, Callable[..., Any]] = {"__eq__": equals, "__hash__": hashed, "__repr__": _shown}
    made["__reduce__"] = reduced
    return made | {"__lt__": less} if order else made


def _shown(self: Any) -> str:
    told: list[str] = []
    for name in (one.name for one in fields(self) if one.repr):
        value = getattr(self, name)
        text = redacted(repr(value)) if name == "value" or isinstance(value, str) else repr(value)
        is_hidden = name in ("value", "text") and getattr(self, "secret", False)
        told.append(f"{name}={HIDDEN if is_hidden else text}")
    return f"{type(self).__qualname__}({', '.join(told)})"
