"""Which functions carry a driver, and the code that is their own. Held weakly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary, ref

from mlpolicy.core.classes import is_a
from mlpolicy.core.frozen import frozen
from mlpolicy.core.lock import Lock
from mlpolicy.install.lookup import living
from mlpolicy.model.policy import RuleBlock
from mlpolicy.runtime.driver import Driver
from mlpolicy.runtime.stub import Stub
from mlpolicy.runtime.template import ITERABLE_COROUTINE, Birth

Make = Callable[[str, CodeType], CodeType | None]
"""Gives the code of a driver or a stub for the function of that qualified name and code."""


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
    called: CodeType | None = None
    """The base that the driver was woven around."""


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
_stores = Lock()
"""Held while it is decided which code a function gets, and while it gets it."""


def record(function: FunctionType) -> Record:
    """Return the record of *function*, made when first asked for."""
    entry = _records.get(function)
    if entry is None:
        code = base = function.__code__
        while (stand_in := _behind(base)) is not None and stand_in.driver:
            base = stand_in.behind
        entry = _records[function] = Record(own_code(code), base)
        stubs = (constant for constant in code.co_consts if isinstance(constant, Stub))
        entry.driver = next(stubs, None)
    return entry


def own_code(code: CodeType) -> CodeType:
    """Return the code that *code* stands for: itself, unless it is a stand-in of ours."""
    while (stand_in := _behind(code)) is not None:
        code = stand_in.behind
    return code


def _behind(code: CodeType) -> StandIn | None:
    """Return what *code* stands in for, if it is a stand-in of ours or was made from one.

    `types.coroutine`, for one, gives a function a copy of its code with another flag.
    """
    stand_in = _stand_ins.get(id(code))
    if stand_in is not None:
        return stand_in
    sorts = [*map(type, code.co_consts)]
    if Birth not in sorts and Stub not in sorts:  # as almost always
        return None
    birth = next(constant for constant in code.co_consts if isinstance(constant, Birth | Stub))
    flag, own = code.co_flags & ITERABLE_COROUTINE, birth.own
    own = own.replace(co_flags=own.co_flags | flag) if flag else own
    return StandIn(None, own, driver=True)


def own_of(function: FunctionType) -> CodeType:
    """Return the code that *function* was compiled with."""
    entry = _records.get(function)
    return entry.own if entry is not None else own_code(function.__code__)


def decorated(function: FunctionType) -> dict[str, RuleBlock]:
    """Return what decorators of ours say of *function*, by kind."""
    entry = _records.get(function)
    return entry.decorated if entry is not None else {}


def functions() -> list[FunctionType]:
    """Return every living function that has a record."""
    return list(_records)


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
        entry.driver, entry.called = driver, entry.base
    return True


def stands(function: FunctionType, steps: list[Any]) -> Driver | None:
    """Return the driver that stands on *function*, if it runs just those *steps* around its base."""
    entry = _records.get(function)
    driver = entry.driver if entry is not None and entry.called is entry.base else None
    if not isinstance(driver, Driver) or function.__code__ is not driver.code:
        return None
    return driver if driver.steps == tuple(steps) else None


def wait(function: FunctionType, stub: Stub) -> None:
    """Put *stub* on *function*; it needs no record before the driver is woven."""
    code = stub.code()
    with _stores:
        entry = _records.get(function)
        function.__code__ = code
        if entry is not None:
            entry.driver = stub


def lay_bare(function: FunctionType) -> None:
    """Let *function* run without any driver, that of its decorators included."""
    entry = record(function)
    function.__code__, entry.driver = entry.base, None


def take_off(function: FunctionType, driver: Driver | Stub | None = None) -> None:
    """Give *function* its own code back, unless another driver than *driver* stands on it."""
    entry = record(function) if isinstance(driver, Stub) else _records.get(function)
    if entry is None or (driver is not None and entry.driver not in (None, driver)):
        return
    bare = entry.decorator.code if entry.decorator else entry.own
    with _stores:
        code, standing = function.__code__, entry.driver
        ours = (
            standing.is_in(code)
            if isinstance(standing, Stub)
            else (standing is not None and code is standing.code)
        )
        if ours or id(code) in _stand_ins or code is entry.base:
            function.__code__ = bare
        entry.base = entry.called = entry.own
        entry.driver = entry.decorator


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


def spare_setters(raw: object, functions: tuple[FunctionType, ...]) -> None:
    """Give the setter and the deleter of a property their code back: they bear the same name."""
    if is_a(raw, property):
        for name in ("fset", "fdel"):
            function = vars(property)[name].__get__(raw)
            if type(function) is FunctionType and function not in functions:
                function.__code__ = own_of(function)


def rewrite(code: CodeType, make: Make, owner: object) -> CodeType:
    """Return *code* with a driver in place of every function within that *make* gives one for.

    It is for what is called while its module is imported, and for functions that are made at run
    time. The same code comes back where nothing was replaced; *owner* is the engine.
    """
    named = _named(code)
    constants = list(code.co_consts)
    for at, inner in enumerate(code.co_consts):
        if not isinstance(inner, CodeType):
            continue
        constants[at] = rewritten = rewrite(inner, make, owner)
        driver = make(rewritten.co_qualname, rewritten) if id(inner) in named else None
        if driver is not None:
            _stand_in(driver, rewritten, driver=True, owner=owner)
            constants[at] = driver
    if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
        return code
    made = code.replace(co_consts=tuple(constants))
    _stand_in(made, code, driver=False, owner=owner)
    return made


def _stand_in(placed: CodeType, behind: CodeType, *, driver: bool, owner: object) -> None:
    """Remember that *owner* put *placed* into a module's code in place of *behind*."""
    place = id(placed)

    def forget(gone: ref[CodeType]) -> None:
        stand_in = _stand_ins.get(place)
        if stand_in is not None and stand_in.code is gone:
            del _stand_ins[place]

    _stand_ins[place] = StandIn(ref(placed, forget), behind, driver, owner)


def _named(code: CodeType) -> set[int]:
    """Return which constants of *code* are functions that a name may mean, by their identity.

    Several definitions of one name each have a driver of their own, but for the stubs of
    `@overload`, which are never called, and for what stands beside the getter of a property.
    """
    by_name: dict[str, list[CodeType]] = {}
    for inner in code.co_consts:
        if isinstance(inner, CodeType) and inner.co_flags & _FUNCTION:
            by_name.setdefault(inner.co_qualname, []).append(inner)
    named: set[int] = set()
    for alike in by_name.values():
        if len(alike) > 1 and not {"setter", "deleter", "getter"}.isdisjoint(code.co_names):
            named.add(id(alike[0]))
        else:
            named.update(map(id, [same for same in alike if same.co_code not in _STUBS] or alike))
    return named


def _bodies(*texts: str) -> frozenset[bytes]:
    """Return the instructions of functions that do nothing, as stubs are written."""
    modules = (compile(text, "<stub>", "exec", dont_inherit=True) for text in texts)
    codes = (
        inner for module in modules for inner in module.co_consts if isinstance(inner, CodeType)
    )
    return frozenset(code.co_code for code in codes)


_STUBS = _bodies(
    "def f(): ...", "def f(): 'a docstring'", "async def f(): ...", "async def f(): 'a docstring'"
)
_FUNCTION = 0x02
"""Set in the code of functions, not in that of classes and modules (`CO_NEWLOCALS`)."""


def rebase(function: FunctionType, code: CodeType) -> None:
    """Run *code*, the function's own with drivers in functions within, where it ran its own."""
    entry = record(function)
    entry.base = code
    if entry.driver is None:
        function.__code__ = code


def release(owner: object) -> None:
    """Let no driver that is made from now on call what *owner* put into the code of functions."""
    for entry in list(_records.values()):
        stand_in = _stand_ins.get(id(entry.base))
        if stand_in is not None and stand_in.owner is owner:
            entry.base = entry.own


def clear_stand_ins(owner: object) -> None:
    """Give every living function whose code is a stand-in of *owner* its own code back."""
    mine = {place for place, stand_in in list(_stand_ins.items()) if stand_in.owner is owner}
    if not mine:
        return
    release(owner)
    for function in living():
        if id(function.__code__) in mine:
            entry = _records.get(function)
            decorator = entry.decorator if entry is not None else None
            function.__code__ = decorator.code if decorator else own_code(function.__code__)
    for place in mine:
        _stand_ins.pop(place, None)
