"""What a policy may import by name: the function's own package, unless a setting says otherwise."""

from __future__ import annotations

import functools
import importlib
import sys
import types
from collections.abc import Iterator
from typing import Any

from mlpolicy.core import program
from mlpolicy.core.classes import frozen, is_a, is_module, members, name_of
from mlpolicy.core.target import Glob, Target

Origin = tuple[str, str]
"""The module that defines something, and its name there."""
OWN, ANY = Glob(""), Glob("*")
"""Patterns of the code of the function's own package, and of all code that there is."""
_ERRORS = ("mlpolicy", "mlpolicy.errors")
"""What policies may name of mlpolicy; the rest of it, called with a caller's values, does harm."""
_METHODS = (
    *(types.MethodType, types.BuiltinMethodType, types.MethodWrapperType),
    *(types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType),
)
_module_of: Any = type.__dict__["__module__"].__get__


class NotAllowed(PermissionError):
    """A policy names code that it may not import."""


@frozen()
class Allowed:
    """What policies may name for the functions of some packages: each of the *lists* must have it."""

    packages: tuple[str, ...]
    lists: tuple[tuple[Glob, ...], ...] = ()

    def _has(self, module: str, name: str) -> bool:
        target = Target(module, name)
        top, names = target.top, name.split(".")
        own = top in self.packages and top not in (*sys.stdlib_module_names, "mlpolicy")
        own = (own or module in _ERRORS) and not any(one[:2] == one[-2:] == "__" for one in names)
        return all(
            any(one == ANY or (own if one == OWN else one.matches(target)) for one in each)
            for each in self.lists or ((OWN,),)
        )

    def why_not(self, path: str, origin: Origin | None = None) -> str:
        """Return why *path* may not be named, or the *origin* it leads to; nothing where it may."""
        if self._has(*(origin or parts(path))):
            return ""
        leads = f", which is `{':'.join(origin)}`," if origin and origin != parts(path) else ""
        if not self.packages:
            return f"`{path}`{leads} is not among the functions that `settings.allow_call` allows"
        own = " or ".join(f"`{one}`" for one in self.packages)
        return f"`{path}`{leads} is not code of {own}, and `settings.allow_call` does not allow it"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        each = (", ".join(f"`{one}`" for one in listed) or "none" for listed in self.lists)
        own = "name code of the function's own package, or list both under `settings.allow_call`"
        return own if self.packages else f"allowed: {' and '.join(each)}"

    def check(self, path: str, *origins: Origin) -> None:
        """Raise `NotAllowed` where none of the *origins* of what *path* names is allowed."""
        if not any(self._has(*one) for one in origins):
            raise NotAllowed(self.why_not(path, origins[0]))

    def load(self, path: str) -> object:
        """Import and return what *path* names; `NotAllowed` where it may not, or is defined elsewhere."""
        module, name = parts(path)
        self.check(path, (module, name))
        names, found = name.split("."), importlib.import_module(module)
        for at, part in enumerate(names):
            if is_module(found):  # (which may first import what it is asked for)
                own = program.names_of(str(members(found).get("__name__")))
                self.check(path, *((one, ".".join(names[at:])) for one in own))
            found = getattr(found, part)
        if callable(found):
            self.check(path, *_origins(found))
        return found


EVERYTHING = Allowed((), ((ANY,),))


def parts(path: str) -> Origin:
    """Return the module, and the name in it, of a function path or the dotted path of a class."""
    module, colon, name = path.partition(":")
    above, _, last = path.rpartition(".")
    return (module, name) if colon else (above, last)


def _origins(found: Any) -> Iterator[Origin]:
    """Yield where *found* is defined, whatever name led to it: of a method what it is called on."""
    while type(found) in _METHODS or is_a(found, functools.partial):
        owners = ("__self__", "__objclass__", "func")
        owner = next(getattr(found, one) for one in owners if hasattr(found, one))
        if owner is None or is_module(owner):
            break
        found = owner
    kind = found if is_a(found, type) else type(found)
    module, name = _module_of(kind), name_of(kind)
    slot: Any = members(kind).get("__module__") if kind is not found else None
    if type(slot) in (types.MemberDescriptorType, types.GetSetDescriptorType):
        module, name = (
            slot.__get__(found),
            getattr(found, "__qualname__", name),
        )  # (functions, of C too)
    elif kind is not found:  # (a wrapper, such as that of a cache, says what it wraps)
        own = members(found)
        module, name = own.get("__module__", module), own.get("__qualname__", name)
    yield from ((one, str(name)) for one in program.names_of(str(module)))
    if type(found) is types.FunctionType:  # (`functools.wraps` may have made it say another)
        yield str(found.__globals__.get("__name__")), str(name)
