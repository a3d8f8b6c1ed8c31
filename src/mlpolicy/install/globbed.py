"""The functions of a module that a glob may take: defined there, public, with Python code."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import bare
from mlpolicy.install.bare import is_a
from mlpolicy.install.seek import Found, function_behind, is_of, own_name

_DEPTH = 6
_INSTALLED = frozenset({"site-packages", "dist-packages"})


Member = tuple[str, FunctionType, Any]
"""The qualified name of a function, the function, and what stands under the name."""


def public_functions(
    module: ModuleType, failed: Callable[[str, Exception], None]
) -> Iterator[Member]:
    """Yield what *module* defines, methods of its classes too.

    What cannot be looked at goes to *failed*, by its name, and hides nothing else.
    """
    seen: set[int] = set()
    names = bare.names(module)
    for member in _walk(str(names["__name__"]), "", names, failed):
        if id(member[1]) not in seen:
            seen.add(id(member[1]))
            yield member


def may_take(module: ModuleType, packages: tuple[str, ...]) -> str:
    """Return why a glob may not take functions of *module*; nothing where it may.

    The standard library is never taken, and an installed package only by name.
    """
    top = str(bare.names(module)["__name__"]).partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return "globs never take functions of the standard library"
    file = bare.names(module).get("__file__")
    installed = not _INSTALLED.isdisjoint(str(file).replace("\\", "/").split("/"))
    if installed and not any(fnmatchcase(top, one.partition(".")[0]) for one in packages):
        return f"`{top}` is an installed package: list it under `settings.packages`"
    return ""


def named_in_code(code: CodeType) -> Iterator[str]:
    """Yield the qualified names of the public functions in a module's *code*."""
    for one in code.co_consts:
        if not isinstance(one, CodeType) or one.co_name.startswith(("_", "<")):
            continue
        if one.co_flags & _FUNCTION:
            yield one.co_qualname
        else:
            yield from named_in_code(one)


_FUNCTION = 0x02


def _walk(
    module: str, prefix: str, members: Mapping[str, Any], failed: Callable[[str, Exception], None]
) -> Iterator[Member]:
    for name, raw in list(members.items()):
        if type(name) is not str or name.startswith("_"):
            continue
        try:
            found = _meant(module, prefix + name, raw)
        except Exception as error:
            if interrupts(error):
                raise
            failed(prefix + name, error)
            continue
        if type(found) is FunctionType:
            yield prefix + name, found, raw
        elif found is not None:
            yield from _walk(module, f"{prefix}{name}.", bare.names(found), failed)


def _meant(module: str, qualname: str, raw: Any) -> FunctionType | type | None:
    """Return the function, or the class to look into, that has that name in its module."""
    if is_a(raw, type):
        own = bare.qualname(raw) == qualname and _is_class_of(raw, module)
        return raw if own and qualname.count(".") < _DEPTH else None
    if is_a(raw, *_FUNCTIONS) or (_gives(raw) and bare.home(type(raw)) not in _FORMS):
        function = function_behind(raw, module, qualname)
        if function is not None and _is_own(function, module, qualname):
            return None if _is_alias(function, raw, Target(module, qualname)) else function
    return None


def _gives(raw: Any) -> bool:
    """Whether *raw* can be called, or gives what can be, as the conditional methods of sklearn."""
    if callable(raw) or is_a(raw, *_VALUES):
        return callable(raw)
    return any("__get__" in bare.names(one) for one in bare.bases(type(raw)))


def _is_alias(function: FunctionType, raw: Any, target: Target) -> bool:
    """Whether *raw*, of which *function* is a wrapper, has a `def` of another name."""
    if function.__code__.co_qualname == target.qualname:
        return False
    return own_name(target, Found(None, "", raw, (function,))).qualname != target.qualname


def _is_class_of(cls: type, module: str) -> bool:
    """Whether *cls* says that it is of *module*, or a method of it was written there."""
    methods = (one for one in bare.names(cls).values() if type(one) is FunctionType)
    return bare.home(cls) == module or any(is_of(one, module) for one in methods)


def _is_own(function: FunctionType, module: str, qualname: str) -> bool:
    own = function.__code__.co_qualname  # (of a driver too)
    if own == qualname and function.__globals__.get("__name__") in sys.modules:
        return is_of(function, module)
    named = own == qualname or LOCALS in own or own.endswith("<lambda>")
    return named and type(function.__module__) is str and function.__module__ == module


_FUNCTIONS = (FunctionType, staticmethod, classmethod)
_VALUES = (property, functools.cached_property)
_FORMS = ("typing", "typing_extensions")
"""What stands in annotations can be called, and most modules have many of it."""
