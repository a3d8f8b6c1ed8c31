"""Which functions carry a driver, and the code that is their own. Held weakly."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from weakref import WeakKeyDictionary

from mlpolicy.plan.plan import PlannedRule
from mlpolicy.runtime.driver import Driver


@dataclass(slots=True)
class Record:
    """One function: its own code, and what stands on it."""

    own: CodeType
    decorated: dict[str, PlannedRule] = field(default_factory=dict)
    """Rules that decorators in the code asked for, by kind."""
    driver: Driver | None = None


_records: WeakKeyDictionary[FunctionType, Record] = WeakKeyDictionary()
_own: dict[int, tuple[CodeType, CodeType]] = {}
"""Codes that we put into a module's tree: identity to (that code, the code it stands for)."""


def record(function: FunctionType) -> Record:
    """Return the record of *function*, made when first asked for."""
    found = _records.get(function)
    if found is None:
        found = _records[function] = Record(own_code(function.__code__))
    return found


def known(function: FunctionType) -> Record | None:
    """Return the record of *function* if it has one."""
    return _records.get(function)


def own_code(code: CodeType) -> CodeType:
    """Return the code that *code* stands for: itself, unless we put it into a tree."""
    pair = _own.get(id(code))
    return own_code(pair[1]) if pair else code


def stands_for(placed: CodeType, own: CodeType) -> None:
    """Remember that *placed* was put into a module's code in place of *own*."""
    _own[id(placed)] = (placed, own)


def swap(function: FunctionType, driver: Driver) -> None:
    """Put *driver* on *function*: one store, calls in flight finish on the old code."""
    entry = record(function)
    _same_call(entry.own, driver.code)
    function.__code__ = driver.code
    entry.driver = driver


def _same_call(own: CodeType, code: CodeType) -> None:
    """Hold what the specialising interpreter takes for granted of reassigned code.

    With other argument counts or flags a specialised call of `__init__` overruns its frame
    (CPython issue 122712), and code of another kind of function crashes (issue 111823).
    """
    kinds = 0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200
    counts = ("co_argcount", "co_posonlyargcount", "co_kwonlyargcount")
    same = all(getattr(own, name) == getattr(code, name) for name in counts)
    if not same or own.co_flags & kinds != code.co_flags & kinds:
        raise TypeError(f"a driver of another shape for {own.co_qualname}")


def take_off(function: FunctionType) -> None:
    """Give *function* its own code back."""
    entry = _records.get(function)
    if entry is not None and entry.driver is not None:
        if function.__code__ is entry.driver.code or id(function.__code__) in _own:
            function.__code__ = entry.own
        entry.driver = None


def clear_trees() -> None:
    """Give every living function whose code came from a tree of ours its own code back."""
    if not _own:
        return
    for one in gc.get_objects():
        if type(one) is FunctionType and id(one.__code__) in _own:
            one.__code__ = own_code(one.__code__)
