"""The functions of a module that a glob may take: defined there, public, with Python code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mlpolicy.core.target import LOCALS
from mlpolicy.install.seek import function_behind

_DEPTH = 6
_INSTALLED = frozenset({"site-packages", "dist-packages"})


Member = tuple[str, FunctionType, Any]
"""The qualified name of a function, the function, and what stands under the name."""


def public_functions(module: ModuleType) -> Iterator[Member]:
    """Yield what *module* defines, methods of its classes too."""
    seen: set[int] = set()
    for member in _walk(module.__name__, "", dict(vars(module)), 0):
        if id(member[1]) not in seen:
            seen.add(id(member[1]))
            yield member


def may_take(module: ModuleType, packages: tuple[str, ...]) -> str:
    """Return why a glob may not take functions of *module*; nothing where it may.

    The standard library is never taken, and an installed package only by name.
    """
    top = module.__name__.partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return "globs never take functions of the standard library"
    file = getattr(module, "__file__", None) or ""
    installed = not _INSTALLED.isdisjoint(file.replace("\\", "/").split("/"))
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


def _walk(module: str, prefix: str, members: dict[str, Any], depth: int) -> Iterator[Member]:
    for name, raw in members.items():
        if name.startswith("_"):
            continue
        qualname = prefix + name
        if issubclass(type(raw), type):  # (a lazy object would be made by `isinstance`)
            if raw.__module__ == module and raw.__qualname__ == qualname and depth < _DEPTH:
                yield from _walk(module, f"{qualname}.", dict(vars(raw)), depth + 1)
        elif _may_be_function(raw):
            function = function_behind(raw, module, qualname)
            if function is not None and _is_own(function, module, qualname):
                yield qualname, function, raw


def _is_own(function: FunctionType, module: str, qualname: str) -> bool:
    own = function.__code__.co_qualname  # (of a driver too)
    named = own == qualname or LOCALS in own or own.endswith("<lambda>")
    return named and function.__module__ == module


def _may_be_function(raw: Any) -> bool:
    if issubclass(type(raw), _FUNCTIONS):
        return True
    return callable(raw) and getattr(raw, "__module__", None) is not None


_FUNCTIONS = (FunctionType, staticmethod, classmethod)
