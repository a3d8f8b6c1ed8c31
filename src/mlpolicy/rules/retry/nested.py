"""Clients and decorators that retry by themselves, in what functions under `retry` use.

Only names that a function uses are looked up, and only what objects hold as data is read.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from mlpolicy.core.classes import is_a, members, module_of, name_of
from mlpolicy.rules.retry.answers import held
from mlpolicy.rules.retry.libraries import RETRYING, known_as
from mlpolicy.rules.retry.rule import RetryRule

CodeOf = Callable[[FunctionType], CodeType]
"""Gives the code that a function was compiled with, whatever stands on it."""
_OF_MODULE = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_MOST = 10_000
"""Objects that are looked at for one function."""


def retried(
    rule: RetryRule, target: str, standing: Any, code_of: CodeOf
) -> Iterator[tuple[str, ...]]:
    """Yield (code, field, message, remedy) for what retries by itself: the attempts multiply."""
    ours = rule.max_attempts
    for name, (package, calls) in (nested(standing, code_of) if ours > 1 else {}).items():
        text = (
            f"`{target}` retries what `{name}` retries by itself: {ours} attempts x "
            f"{calls} of {package}'s own = {ours * calls} calls"
        )
        yield "MP311", "max_attempts", text, "keep one of them"


def nested(standing: Any, code_of: CodeOf) -> dict[str, tuple[str, int]]:
    """Return what a function uses that retries by itself: by name, its package and all its calls.

    *standing* has the `holder` of the function and its Python `functions`.
    """
    if is_a(standing.holder, type) and (own := _calls(standing.holder, None)) is not None:
        return {name_of(standing.holder): own} if own[1] > 1 else {}
    found: dict[str, tuple[str, int]] = {}
    for function in standing.functions:
        for name, value in _used(function, standing.holder, code_of):
            calls = _calls(type(value), value)
            if calls is not None and calls[1] > 1:
                found.setdefault(name, calls)
    return found


def _used(function: FunctionType, holder: object, code_of: CodeOf) -> Iterator[tuple[str, object]]:
    """Yield what a function uses, and what its own package's functions and objects use in turn."""
    package, names = _package(function), set[str]()
    left: list[tuple[str, object]] = [(function.__name__, function)]
    if is_a(holder, type):
        left.insert(0, (function.__name__, holder))
    seen: dict[int, object] = {}
    while left and len(seen) < _MOST:
        name, value = left.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        yield name, value
        if type(value) is FunctionType:
            cells = _cells(value)
            if _package(value) != package:
                left += ((name, captured) for captured in cells.values())
                continue
            loaded = [*_loaded(code_of(value))]
            names.update(key for _, key in loaded)
            of_module = {key for operation, key in loaded if operation in _OF_MODULE}
            left += cells.items()
            left += ((key, value.__globals__[key]) for key in of_module & value.__globals__.keys())
            left += ((name, default) for default in value.__defaults__ or ())
        elif type(value) is MethodType:
            left.append((name, value.__self__))
        elif is_a(value, ModuleType, type) or _top(module_of(type(value))) == package:
            inner = members(value)
            left += ((key, inner[key]) for key in names if key in inner)


def _loaded(code: CodeType) -> Iterator[tuple[str, str]]:
    """Yield operation and name of each look-up of a name, those of functions within included."""
    for instruction in dis.get_instructions(code):
        if instruction.opcode in dis.hasname:
            yield instruction.opname, str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded(constant)


def _package(function: FunctionType) -> str:
    return _top(str(function.__globals__.get("__name__")))


def _top(module: str) -> str:
    return module.partition(".")[0]


def _cells(function: FunctionType) -> dict[str, object]:
    """Return what a function has captured, as far as it is there yet."""
    captured: dict[str, object] = {}
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=False):
        with suppress(ValueError):
            captured[name] = cell.cell_contents
    return captured


def _calls(cls: type, value: object) -> tuple[str, int] | None:
    """Return the package and all calls that an object of that class makes for one."""
    if type(value) is FunctionType:
        tries = _cells(value).get("max_tries") if _package(value) == "backoff" else None
        return ("backoff", tries) if isinstance(tries, int) else None
    found: list[int] = []
    for known in known_as(cls):
        for path, more, otherwise in RETRYING.get(known, ()):
            number = _number(value, path.split("."))
            found.append(otherwise if number is None else number + more)
    return (_top(module_of(cls)), max(found)) if found else None


def _number(value: Any, path: list[str]) -> int | None:
    """Return the number at the end of *path*, or where it comes earlier; the greatest of many."""
    if is_a(value, int) or not path:
        return int(value) if isinstance(value, int) else None
    name, *rest = path
    if is_a(value, dict):
        inner = [*value.values()] if name == "*" else [value.get(name)]
    else:
        inner = [*held(value, (name,))]
    numbers = [number for part in inner if (number := _number(part, rest)) is not None]
    return max(numbers, default=None)
