"""What objects hold, read by their types alone: no code of theirs runs.

Proxies, mocks and lazy objects answer every attribute, with anything or with an error; so may
any class that defines `__getattr__`, `__class__` or `__dict__`, or whose metaclass does.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, TypeGuard

from mlpolicy.core.classes import mro_of, name_of

_members = vars(type)["__dict__"].__get__
qualname = name_of
_state = vars(ModuleType)["__dict__"].__get__


def is_a(held: object, *kinds: type) -> bool:
    """Whether *held* is of one of the *kinds*; `isinstance` asks its `__class__` as well."""
    return issubclass(type(held), kinds)


def is_module(held: object) -> TypeGuard[ModuleType]:
    """Whether *held* is a module."""
    return is_a(held, ModuleType)


def home(cls: type) -> str:
    """Return the module of which *cls* says that it is."""
    found = _members(cls).get("__module__")
    return found if type(found) is str else ""


def bases(cls: type) -> tuple[type, ...]:
    """Return *cls* and the classes that it inherits from, in order."""
    found: tuple[type, ...] = mro_of(cls)
    return found


def names(holder: object) -> Mapping[str, Any]:
    """Return what a module, a class or another object itself holds, by name."""
    if is_a(holder, type):
        members: Mapping[str, Any] = _members(holder)
        return members
    if is_module(holder):
        return _state(holder) or {}
    for cls in bases(type(holder)):
        own = _members(cls)
        if _stands_in(cls, own):
            break
        found = own.get("__dict__")
        if type(found) is GetSetDescriptorType:
            state = found.__get__(holder)
            return dict(dict.items(state)) if is_a(state, dict) else {}
    return {}


def wrapped(held: object) -> Iterator[Any]:
    """Yield what *held* has under `__wrapped__` and in its slots."""
    for cls in bases(type(held)):
        own = _members(cls)
        if _stands_in(cls, own):
            yield from (one for one in gc.get_referents(held) if type(one) is not dict)
            return
        slots = own.values() if "__slots__" in own else (own.get("__wrapped__"),)
        for slot in slots:
            if is_a(slot, *_IN_C):
                try:
                    yield slot.__get__(held)
                except AttributeError:  # (an empty slot)
                    continue


_IN_C = (MemberDescriptorType, GetSetDescriptorType)


def _stands_in(cls: type, own: Mapping[str, Any]) -> bool:
    """Whether objects of *cls* pretend in C to be others, as those of wrapt do.

    What they answer is the other's answer. They may be lazy and first make it.
    """
    return type(own.get("__class__")) is GetSetDescriptorType and cls is not object
