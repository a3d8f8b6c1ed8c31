"""Which functions carry a driver, and the code that is their own. Held weakly.

A stub stands on a function until its first call, which weaves the driver. A program that imports a
thousand governed functions calls few of them: those alone cost what a driver costs. Stubs of one
signature differ in names and constants, and are compiled once.
"""

from __future__ import annotations

import builtins
import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from operator import is_
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary, ref

from mlpolicy.core.classes import is_a
from mlpolicy.core.frozen import frozen
from mlpolicy.core.live import Live
from mlpolicy.core.threads import Lock
from mlpolicy.model.policy import RuleBlock
from mlpolicy.runtime.driver import (
    ASYNC_GENERATOR,
    COROUTINE,
    GENERATOR,
    ITERABLE_COROUTINE,
    VARARGS,
    VARKEYWORDS,
    Birth,
    Driver,
    code_of,
    dressed,
    formed,
    mark,
)

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
    driver: Driver | None = None
    """What stands on it; none while a stub waits for the first call."""
    called: CodeType | None = None
    """The base that the driver was woven around."""
    owner: object = None
    """What it was put there for, a target say, and who may take it off again."""


@frozen()
class StandIn:
    """A code that we put in place of another: its driver, or the same with drivers within."""

    code: ref[CodeType]
    behind: CodeType
    owner: object
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
        code = function.__code__
        entry = _records[function] = Record(own_code(code), own_code(code, whole=False))
    return entry


def own_code(code: CodeType, *, whole: bool = True) -> CodeType:
    """Return the code that *code* stands for: itself, unless it is a stand-in of ours.

    Where that is not asked for as a *whole*, what a driver calls: it may have drivers within.
    `types.coroutine`, for one, gives a function a copy of its code with another flag.
    """
    maker = _maker_in(code)
    if maker is not None:
        own = maker.own
        flag = code.co_flags & ~own.co_flags & ITERABLE_COROUTINE
        own = own.replace(co_flags=own.co_flags | flag) if flag else own
        return own_code(own) if whole else own
    stand_in = _stand_ins.get(id(code)) if whole else None
    return stand_in.behind if stand_in is not None else code


def _maker_in(code: CodeType) -> Birth | Stub | None:
    """Return what is called by the code of a stub, or of a driver for functions yet to be made."""
    sorts = [*map(type, code.co_consts)]
    if Birth not in sorts and Stub not in sorts:  # as almost always
        return None
    return next(constant for constant in code.co_consts if isinstance(constant, Birth | Stub))


def stub_in(code: CodeType) -> Stub | None:
    """Return the stub that *code* calls, if it is the code of one."""
    maker = _maker_in(code)
    return maker if isinstance(maker, Stub) else None


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


def owner_of(function: FunctionType) -> object:
    """Return what the driver or the stub of *function* was put there for."""
    entry, stub = _records.get(function), waiting_on(function)
    if stub is not None:
        return stub.placed
    return entry.owner if entry is not None else None


def waiting_on(function: FunctionType) -> Stub | None:
    """Return the stub that was put on *function*, and waits for its first call."""
    entry = _records.get(function)
    if entry is not None and entry.owner is not None:  # (a driver stands, or stood)
        return None
    stub = stub_in(function.__code__)
    return stub if stub is not None and stub.function() is function else None


def swap(
    function: FunctionType, driver: Driver | None, owner: object, *, instead_of: Stub | None = None
) -> None:
    """Put *driver* on *function*: one store, calls in flight finish on the old code.

    Without one it runs bare, less what its decorators say. Where it comes *instead of* a stub and
    that stands there no longer, another policy has come since: nothing is put.
    """
    entry = record(function)
    code = driver.code if driver else entry.base
    _same_call(entry.own, code)
    with _stores:
        if instead_of is None or stub_in(function.__code__) is instead_of:
            function.__code__ = code
            entry.driver, entry.called, entry.owner = driver, entry.base, owner


def stands(function: FunctionType, steps: list[Any]) -> Driver | None:
    """Return the driver that stands on *function*, if it runs just those *steps* around its base."""
    entry = _records.get(function)
    driver = entry.driver if entry is not None and entry.called is entry.base else None
    if driver is None or function.__code__ is not driver.code:
        return None
    return driver if driver.steps == tuple(steps) else None


def wait(function: FunctionType, stub: Stub) -> None:
    """Put *stub* on *function*; it needs no record before the driver is woven."""
    code = stub.code()
    with _stores:
        entry = _records.get(function)
        function.__code__ = code
        if entry is not None:
            entry.driver, entry.owner = None, None


def take_off(function: FunctionType, owner: object) -> None:
    """Give *function* its own code back, if what stands on it was put there for *owner*."""
    if owner_of(function) is not owner:
        return
    entry = record(function)
    with _stores:
        code, standing = function.__code__, entry.driver
        ours = standing is not None and code is standing.code
        if ours or code is entry.base or own_code(code) is not code:
            function.__code__ = entry.decorator.code if entry.decorator else entry.own
        entry.base = entry.called = entry.own
        entry.driver, entry.owner = entry.decorator, None


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
            _stand_in(driver, rewritten, owner)
            constants[at] = driver
    if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
        return code
    made = code.replace(co_consts=tuple(constants))
    _stand_in(made, code, owner)
    return made


def _stand_in(placed: CodeType, behind: CodeType, owner: object) -> None:
    """Remember that *owner* put *placed* into a module's code in place of *behind*."""
    place = id(placed)

    def forget(gone: ref[CodeType]) -> None:
        stand_in = _stand_ins.get(place)
        if stand_in is not None and stand_in.code is gone:
            del _stand_ins[place]

    _stand_ins[place] = StandIn(ref(placed, forget), behind, owner)


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


_STUBS = frozenset(
    inner.co_code
    for word in ("def", "async def")
    for body in ("...", "'a docstring'")
    for inner in compile(f"{word} f(): {body}", "<stub>", "exec", dont_inherit=True).co_consts
    if isinstance(inner, CodeType)
)
"""The instructions of functions that do nothing, as stubs are written."""
_FUNCTION = 0x02
"""Set in the code of functions, not in that of classes and modules (`CO_NEWLOCALS`)."""


def rebase(function: FunctionType, code: CodeType) -> None:
    """Run *code*, the function's own with drivers in functions within, where it ran its own."""
    entry = record(function)
    entry.base = code
    if entry.driver is None and stub_in(function.__code__) is None:
        function.__code__ = code


def living(names: Mapping[str, Any] | None = None) -> list[FunctionType]:
    """Return every living function whose global names are *names*; without them, every function.

    All functions refer to the builtins. They are asked for by what they refer to: a list of
    all objects would hold tuples that other threads are filling, which the interpreter refuses.
    """
    referred = vars(builtins) if names is None else names
    return [function for function in gc.get_referrers(referred) if type(function) is FunctionType]


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


_TELLING = VARARGS | VARKEYWORDS | COROUTINE | GENERATOR | ASYNC_GENERATOR
"""Flags that tell how a function is called."""


@dataclass(slots=True, eq=False, repr=False)
class Stub(Live):
    """What the code of a stub calls: it gives the function to call instead."""

    own: CodeType
    weaver: Any
    """Puts the driver on a function at the first call; None where no policy is in force."""
    placed: Any = None
    """What *weaver* knows of the function."""
    reference: ref[FunctionType] | None = None
    """The function that it was put on; none while its module still makes it."""
    elsewhere: CodeType | None = None
    """The code of a driver for other functions that carry the stub, once there was one."""

    @classmethod
    def idle(cls) -> Stub:
        """Return one that gives the original, where the policy is not in force."""
        return cls(cls.code.__code__, None)  # (it is told whose original it is to give)

    def __call__(self, own: CodeType, witness: FunctionType) -> FunctionType:
        """Return what to call for a function of the code *own*, with the globals and cells of *witness*."""
        if self.weaver is None:
            return made_from(own, witness)
        function = self.function()
        if function is None or not _alike(function, witness):
            return made_from(self.weaver.born(self), witness)
        self.weaver.weave(self, function)
        return made_from(own, witness) if stub_in(function.__code__) is self else function

    def code(self) -> CodeType:
        """Return code that calls it, with the signature of the function's own, for which it stands."""
        own = self.own
        positional, keyword = own.co_argcount, own.co_kwonlyargcount
        counts = (own.co_posonlyargcount, positional, keyword, len(own.co_freevars))
        template = _template(counts, own.co_flags & _TELLING)
        names = own.co_varnames[: template.co_nlocals]
        values: dict[str, object] = {mark("stub"): self, mark("own"): own}
        for at in range(keyword):
            values[f"keyword{at}"] = names[positional + at]
        return dressed(template, own, values, co_varnames=names)

    def function(self) -> FunctionType | None:
        """The function that it stands on, if it is known and alive."""
        return self.reference() if self.reference is not None else None


def made_from(code: CodeType, witness: FunctionType) -> FunctionType:
    """Return a function of that *code* with the globals and cells of *witness*."""
    return FunctionType(code, witness.__globals__, code.co_name, None, witness.__closure__)


def _alike(function: FunctionType, witness: FunctionType) -> bool:
    """Whether both have the same globals and the same cells: a copy of a function may not."""
    cells = map(is_, function.__closure__ or (), witness.__closure__ or ())
    return function.__globals__ is witness.__globals__ and all(cells)


@cache
def _template(counts: tuple[int, int, int, int], flags: int) -> CodeType:
    """Return the code of a stub with marks for its constants, and names by number."""
    only, positional, keyword, cells = counts
    names = [
        *(f"positional{at}" for at in range(positional)),
        *(f"keyword{at}" for at in range(keyword)),
        *("others", "named"),
    ]
    form = formed("function", names, (only, positional, keyword), flags)
    free = tuple(f"free{at:05}" for at in range(cells))  # (the compiler sorts them)
    witness = f"lambda: ({''.join(f'{name}, ' for name in free)})"
    call = f"\x02stub\x03(\x02own\x03, {witness})({form.passed_on()})"
    word, given = ("async def", f"await {call}") if flags & COROUTINE else ("def", call)
    if flags & GENERATOR:
        given = f"(yield from {call})"
    text = f"{word} stub({form.header()}):\n    return {given}"
    return code_of(text, free=free)
