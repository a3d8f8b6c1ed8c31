"""Which functions carry a driver, and the code that is their own. Held weakly."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary, ref

from mlpolicy.core.frozen import frozen
from mlpolicy.core.lock import Lock
from mlpolicy.install.bare import is_a
from mlpolicy.install.seek import living
from mlpolicy.model.policy import RuleBlock
from mlpolicy.runtime.driver import Driver
from mlpolicy.runtime.stub import Stub
from mlpolicy.runtime.template import ITERABLE_COROUTINE, Birth


@dataclass(slots=True)
class Record:
    """One function: its own code, and what stands on it."""

    own: CodeType
    base: CodeType
    """What its driver calls: its own code, or that with drivers in functions within."""
    decorated: dict[str, RuleBlock] = field(default_factory=dict)
    """What decorators in the code say, by kind."""
    decorator: Driver | None = None
    """The driver of those rules alone: it stands where no policy names the function."""
    outer: Any = None
    """What the function only forwards to, where a decorator was given something else."""
    driver: Driver | Stub | None = None
    """What stands on it; a stub until the first call weaves the driver."""


@frozen()
class StandIn:
    """A code that we put in place of another."""

    code: ref[CodeType] | None
    behind: CodeType
    driver: bool
    """Whether it is a driver; else it is the other code with drivers in functions within."""
    owner: object = None
    """The engine that put it there."""


_records: WeakKeyDictionary[FunctionType, Record] = WeakKeyDictionary()
_stand_ins: dict[int, StandIn] = {}
"""By the identity of the code: equal codes may belong to different functions."""


def record(function: FunctionType) -> Record:
    """Return the record of *function*, made when first asked for."""
    found = _records.get(function)
    if found is None:
        code = function.__code__
        found = _records[function] = Record(own_code(code), _base_code(code))
        found.driver = next((one for one in code.co_consts if isinstance(one, Stub)), None)
    return found


def own_code(code: CodeType) -> CodeType:
    """Return the code that *code* stands for: itself, unless it is a stand-in of ours."""
    while (found := _behind(code)) is not None:
        code = found.behind
    return code


def _behind(code: CodeType) -> StandIn | None:
    """Return what *code* stands in for, if it is a stand-in of ours or was made from one.

    `types.coroutine`, for one, gives a function a copy of its code with another flag.
    """
    found = _stand_ins.get(id(code))
    if found is not None:
        return found
    sorts = [*map(type, code.co_consts)]
    if Birth not in sorts and Stub not in sorts:  # as almost always
        return None
    birth = next(one for one in code.co_consts if isinstance(one, Birth | Stub))
    flag, own = code.co_flags & ITERABLE_COROUTINE, birth.own
    own = own.replace(co_flags=own.co_flags | flag) if flag else own
    return StandIn(None, own, driver=True)


def own_of(function: FunctionType) -> CodeType:
    """Return the code that *function* was compiled with."""
    found = _records.get(function)
    return found.own if found is not None else own_code(function.__code__)


def decorated(function: FunctionType) -> dict[str, RuleBlock]:
    """Return what decorators of ours say of *function*, by kind."""
    found = _records.get(function)
    return found.decorated if found is not None else {}


def functions() -> list[FunctionType]:
    """Return every living function that has a record."""
    return list(_records)


def lay_bare(function: FunctionType) -> None:
    """Let *function* run without any driver, that of its decorators included."""
    entry = record(function)
    function.__code__, entry.driver = entry.base, None


def _base_code(code: CodeType) -> CodeType:
    while (found := _behind(code)) is not None and found.driver:
        code = found.behind
    return code


def stands_for(placed: CodeType, behind: CodeType, *, driver: bool, owner: object) -> None:
    """Remember that *owner* put *placed* into a module's code in place of *behind*."""
    place = id(placed)

    def forget(gone: ref[CodeType]) -> None:
        found = _stand_ins.get(place)
        if found is not None and found.code is gone:
            del _stand_ins[place]

    _stand_ins[place] = StandIn(ref(placed, forget), behind, driver, owner)


def rebase(function: FunctionType, code: CodeType) -> None:
    """Run *code*, the function's own with drivers in functions within, where it ran its own."""
    entry = record(function)
    entry.base = code
    if entry.driver is None:
        function.__code__ = code


def debase(function: FunctionType, code: CodeType) -> None:
    """Undo `rebase`, unless another code than *code* was put there since."""
    entry = _records.get(function)
    if entry is not None and entry.base is code:
        if function.__code__ is code:
            function.__code__ = entry.own
        entry.base = entry.own


_stores = Lock()
"""Held while it is decided which code a function gets, and while it gets it."""


def swap(function: FunctionType, driver: Driver, *, instead_of: Stub | None = None) -> bool:
    """Put *driver* on *function*: one store, calls in flight finish on the old code.

    Where it comes *instead of* a stub and that stands there no longer, another policy has come
    since: nothing is put, and False returned.
    """
    entry = record(function)
    _same_call(entry.own, driver.code)
    with _stores:
        if instead_of is not None and not instead_of.is_in(function.__code__):
            return False
        function.__code__ = driver.code
        entry.driver = driver
    return True


def wait(function: FunctionType, stub: Stub) -> None:
    """Put *stub* on *function*; it needs no record before the driver is woven."""
    code = stub.code()
    with _stores:
        entry = _records.get(function)
        function.__code__ = code
        if entry is not None:
            entry.driver = stub


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


def take_off(function: FunctionType, driver: Driver | Stub | None = None) -> None:
    """Give *function* its own code back, unless another driver than *driver* stands on it."""
    entry = record(function) if isinstance(driver, Stub) else _records.get(function)
    if entry is None or (driver is not None and entry.driver not in (None, driver)):
        return
    bare = entry.decorator.code if entry.decorator else entry.own
    with _stores:
        code = function.__code__
        if id(code) in _stand_ins or code is entry.base or _stands(entry.driver, code):
            function.__code__ = bare
        entry.base, entry.driver = entry.own, entry.decorator


def _stands(driver: Driver | Stub | None, code: CodeType) -> bool:
    """Whether *code* is what *driver* put on a function."""
    if isinstance(driver, Stub):
        return driver.is_in(code)
    return driver is not None and code is driver.code


def clear_stand_ins(owner: object) -> None:
    """Give every living function whose code is a stand-in of *owner* its own code back."""
    mine = {place for place, found in list(_stand_ins.items()) if found.owner is owner}
    for function in living() if mine else ():
        if id(function.__code__) not in mine:
            continue
        found = _records.get(function)
        bare = found.decorator.code if found and found.decorator else own_code(function.__code__)
        if found is not None:
            found.base = found.own
        function.__code__ = bare
    for place in mine:
        _stand_ins.pop(place, None)


def spare_setters(raw: object, functions: tuple[FunctionType, ...]) -> None:
    """Give the setter and the deleter of a property their code back: they bear the same name."""
    if is_a(raw, property):
        for name in ("fset", "fdel"):
            one = vars(property)[name].__get__(raw)
            if type(one) is FunctionType and one not in functions:
                one.__code__ = own_of(one)
