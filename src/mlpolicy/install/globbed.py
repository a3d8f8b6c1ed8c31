"""The functions of a module that a glob may take: defined there, public, with Python code."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from mlpolicy.install.seek import LOCALS, function_behind

_DEPTH = 6


def public_functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    """Yield (qualified name, function) of what *module* defines, methods of its classes too."""
    seen: set[int] = set()
    for qualname, function in _walk(module.__name__, "", dict(vars(module)), 0):
        if id(function) not in seen:
            seen.add(id(function))
            yield qualname, function


def _walk(
    module: str, prefix: str, members: dict[str, Any], depth: int
) -> Iterator[tuple[str, FunctionType]]:
    for name, raw in members.items():
        if name.startswith("_"):
            continue
        qualname = prefix + name
        if isinstance(raw, type):
            if raw.__module__ == module and raw.__qualname__ == qualname and depth < _DEPTH:
                yield from _walk(module, f"{qualname}.", dict(vars(raw)), depth + 1)
        elif _may_be_function(raw):
            yield from _own(module, qualname, raw)


def _own(module: str, qualname: str, raw: Any) -> Iterator[tuple[str, FunctionType]]:
    function = function_behind(raw, module, qualname)
    if function is None or function.__module__ != module:
        return
    own = function.__code__.co_qualname
    if own == qualname or LOCALS in own or own.endswith("<lambda>"):
        yield qualname, function


def _may_be_function(raw: Any) -> bool:
    if isinstance(raw, FunctionType | staticmethod | classmethod):
        return True
    return callable(raw) and getattr(raw, "__module__", None) is not None
