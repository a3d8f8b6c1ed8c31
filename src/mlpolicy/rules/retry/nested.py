"""Clients and decorators that retry by themselves, in what functions under `retry` use.

Only names that a function uses are looked up, and only what objects hold as data is read.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple, Protocol

from mlpolicy.core.classes import is_a, members, module_of, mro_of, name_of
from mlpolicy.rules.retry.answers import held
from mlpolicy.rules.retry.groups import family
from mlpolicy.rules.retry.rule import RetryRule

CodeOf = Callable[[FunctionType], CodeType]
"""Gives the code that a function was compiled with, whatever stands on it."""


class Standing(Protocol):
    """Where a function stands: who holds it, and its Python functions."""

    holder: Any
    functions: tuple[FunctionType, ...]


class Own(NamedTuple):
    """A class of a library that retries by itself."""

    package: str
    classes: str
    path: str
    """Where an instance holds how often."""
    more: int
    """What that number lacks of all calls: retries are one less."""
    otherwise: int
    """All calls, where nothing is said."""


OWN = (
    Own("openai", "BaseClient", "max_retries", 1, 3),
    Own("openai", "SyncAPIResource AsyncAPIResource", "_client.max_retries", 1, 3),
    Own("botocore", "BaseClient", "_client_config.retries.total_max_attempts", 0, 5),
    Own(
        "boto3",
        "ServiceResource",
        "meta.client._client_config.retries.total_max_attempts",
        0,
        5,
    ),
    Own("requests", "Session", "adapters.*.max_retries.total", 1, 1),
    Own("requests", "HTTPAdapter", "max_retries.total", 1, 1),
    Own("urllib3", "PoolManager", "connection_pool_kw.retries.total", 1, 4),
    Own("urllib3", "HTTPConnectionPool", "retries.total", 1, 4),
    Own("httpx", "BaseClient", "_transport._pool._retries", 1, 1),
    Own("redis", "Redis Valkey", "connection_pool._connection_kwargs.retry._retries", 1, 1),
    Own("redis", "Redis Valkey", "connection_pool.connection_kwargs.retry._retries", 1, 1),
    Own("tenacity", "BaseRetrying", "stop.max_attempt_number", 0, 1),
    Own("stamina", "_RetryContextIterator", "_attempts", 0, 1),
)
"""Clients and decorators by package; a fork's are its original's."""
_OF_MODULE = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_MOST = 10_000
"""Objects that are looked at for one function."""


def retried(
    rule: RetryRule, target: str, standing: Standing, code_of: CodeOf
) -> Iterator[tuple[str, ...]]:
    """Yield (code, field, message, remedy) for what retries by itself: the attempts multiply."""
    ours = rule.max_attempts
    for name, (package, calls) in (nested(standing, code_of) if ours > 1 else {}).items():
        text = (
            f"`{target}` retries what `{name}` retries by itself: {ours} attempts x "
            f"{calls} of {package}'s own = {ours * calls} calls"
        )
        yield "MP311", "max_attempts", text, "keep one of them"


def nested(found: Standing, code_of: CodeOf) -> dict[str, tuple[str, int]]:
    """Return what a function uses that retries by itself: by name, its package and all its calls."""
    if is_a(found.holder, type) and (own := _calls(found.holder, None)) is not None:
        return {name_of(found.holder): own} if own[1] > 1 else {}
    seen: dict[str, tuple[str, int]] = {}
    for function in found.functions:
        for name, value in _used(function, found.holder, code_of):
            calls = _calls(type(value), value)
            if calls is not None and calls[1] > 1:
                seen.setdefault(name, calls)
    return seen


def _used(function: FunctionType, holder: object, code_of: CodeOf) -> Iterator[tuple[str, object]]:
    """Yield what a function uses, and what its own package's functions and objects use in turn."""
    package, names = _package(function), set[str]()
    left: list[tuple[str, object]] = [(function.__name__, function)]
    if is_a(holder, type):
        left.insert(0, (function.__name__, holder))
    met: dict[int, object] = {}
    while left and len(met) < _MOST:
        name, value = left.pop()
        if id(value) in met:
            continue
        met[id(value)] = value
        yield name, value
        if type(value) is FunctionType and _package(value) == package:
            loaded = [*_instructions(code_of(value))]
            names.update(key for _, key in loaded)
            left += _cells(value).items()
            left += _chosen({key for op, key in loaded if op in _OF_MODULE}, value.__globals__)
            left += ((name, one) for one in value.__defaults__ or ())
        else:
            left += _beneath(name, value, package, names)


def _beneath(name: str, value: object, package: str, names: set[str]) -> list[tuple[str, object]]:
    """Return what *value* leads to under the *names* that are used so far."""
    if type(value) is MethodType:
        return [(name, value.__self__)]
    if type(value) is FunctionType:
        return [(name, one) for one in _cells(value).values()]
    own = is_a(value, ModuleType, type) or module_of(type(value)).partition(".")[0] == package
    return _chosen(names, members(value)) if own else []


def _package(function: FunctionType) -> str:
    return str(function.__globals__.get("__name__")).partition(".")[0]


def _instructions(code: CodeType) -> Iterator[tuple[str, str]]:
    """Yield each instruction that looks a name up, those of functions within included."""
    for one in dis.get_instructions(code):
        if one.opcode in dis.hasname:
            yield one.opname, str(one.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)


def _chosen(names: set[str], scope: Mapping[str, object]) -> list[tuple[str, object]]:
    return [(name, scope[name]) for name in names if name in scope]


def _cells(function: FunctionType) -> dict[str, object]:
    """Return what a function has captured, as far as it is there yet."""
    found: dict[str, object] = {}
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=False):
        with suppress(ValueError):
            found[name] = cell.cell_contents
    return found


def _calls(cls: type, value: object) -> tuple[str, int] | None:
    """Return the package and all calls that an object of that class makes for one."""
    if type(value) is FunctionType:
        tries = _cells(value).get("max_tries") if _package(value) == "backoff" else None
        return ("backoff", tries) if isinstance(tries, int) else None
    found: list[int] = []
    for one in mro_of(cls):
        package, name = family(module_of(one)), name_of(one)
        for own in OWN:
            if package == own.package and name in own.classes.split():
                number = _number(value, own.path.split("."))
                found.append(own.otherwise if number is None else number + own.more)
    return (module_of(cls).partition(".")[0], max(found)) if found else None


def _number(value: Any, path: list[str]) -> int | None:
    """Return the number at the end of *path*, or where it comes earlier; the greatest of many."""
    if is_a(value, int) or not path:
        return int(value) if isinstance(value, int) else None
    name, *rest = path
    if is_a(value, dict):
        each = [*value.values()] if name == "*" else [value.get(name)]
    else:
        each = [*held(value, (name,))]
    numbers = [number for one in each if (number := _number(one, rest)) is not None]
    return max(numbers, default=None)
