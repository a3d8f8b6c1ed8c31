"""Steps and drivers of one policy: made once for each definition, and put on its functions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType
from weakref import WeakKeyDictionary, ref

from mlpolicy.core.frozen import frozen
from mlpolicy.core.lock import Lock
from mlpolicy.core.report import say_once
from mlpolicy.core.step import Step
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import registry
from mlpolicy.install.facts import facts_of
from mlpolicy.install.first_call import FirstCalls
from mlpolicy.install.outer import replace as put_in_place
from mlpolicy.install.outer import stand_in
from mlpolicy.install.seek import Found, is_of
from mlpolicy.install.status import Placed
from mlpolicy.model.policy import CODE
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import Driver, behind, from_code
from mlpolicy.runtime.stub import Stub
from mlpolicy.runtime.template import kind_of


@frozen()
class Made:
    """Steps of one definition, and what they were made from."""

    plan: Plan
    annotated: bool
    """Whether they know the annotations; code that is not yet a function has none."""
    steps: list[Step]


@frozen()
class Definition:
    """All steps that were made for one code of one target, or for one object without code."""

    anchor: object
    """A weak reference to it where it allows one."""
    made: list[Made]


_UNSTUBBED = "async_generator"
"""It cannot be delegated to at no cost to what reads it."""


class Placing:
    """Makes the drivers of one engine."""

    def __init__(self, *, closed: bool, rulebook: Rulebook | None = None) -> None:
        self._closed = closed
        self._rulebook = rulebook
        self._definitions: dict[tuple[str, int], Definition] = {}
        """By target and the identity of its code: a target may be defined in several ways."""
        self._earlier: dict[tuple[str, int], Definition] = {}
        self._gone: deque[Definition] = deque()
        """Those whose code nobody has any longer."""
        self.followed: WeakKeyDictionary[FunctionType, Driver] = WeakKeyDictionary()
        """Functions of the standard library that are watched."""
        self._lock = Lock()
        self._stopped = False
        self.first_calls = FirstCalls(self)
        self._owners: WeakKeyDictionary[FunctionType, tuple[int, Placed]] = WeakKeyDictionary()

    def take_over(self, earlier: Placing) -> None:
        """Let steps inherit the state of those of *earlier*."""
        self._earlier = earlier._definitions

    def stop(self) -> None:
        """Put nothing in place any longer, whatever another thread is about to."""
        with self._lock:
            self._stopped = True
        self.first_calls.take_off()
        for function, driver in list(self.followed.items()):
            registry.take_off(function, driver)
        self.followed.clear()  # (their drivers lead back here, past the garbage collector)

    def close(self) -> None:
        """Let every step go."""
        self._gone.extend(self._definitions.values())
        self._definitions, self._earlier = {}, {}
        self._close_gone()

    def _close_gone(self) -> None:
        while self._gone:
            for made in self._gone.popleft().made:
                for step in made.steps:
                    for one in step.each():
                        one.close()

    def driver(
        self,
        plan: Plan,
        code: CodeType,
        function: FunctionType | None = None,
        *,
        twin: object = None,
        anchor: object = None,
    ) -> Driver:
        """Return the driver of *plan* for a function of that code.

        What has no code is told from others by *anchor*, the object itself.
        """
        made = self._steps_for(plan, code, function, anchor)
        return from_code(code, made, target=str(plan.target), twin=twin, closed=self._closed)

    def inner(
        self, placed: Placed, functions: Iterable[FunctionType], *, implements: bool = False
    ) -> None:
        """Swap the driver of *placed* into *functions*, over what their decorators say.

        Args:
            placed: The target.
            functions: Those that bear its name.
            implements: Whether they only implement it, as those that a dispatcher calls.
        """
        for function in functions:
            own = registry.own_of(function)
            if not self._claim(placed, function, own.co_qualname, implements=implements):
                continue
            placed.state, placed.placement = "applied", "inner"
            if self._waits(placed, function, own):
                self.first_calls.wait(placed, function, own)
            else:
                self.put(placed, function)

    def _waits(self, placed: Placed, function: FunctionType, own: CodeType) -> bool:
        """Whether the driver of *function* is woven at its first call.

        Of thousands most are never called. What decorators say, and what an earlier policy
        left, is settled at once.
        """
        settled = (str(placed.target), id(own)) in self._earlier or registry.decorated(function)
        return not (settled or LOCALS in placed.target.qualname or kind_of(own) == _UNSTUBBED)

    def early(self, placed: Placed, code: CodeType, *, lasting: bool) -> CodeType:
        """Return the code that a module gets for a function that it will make.

        It is replaced once the module has run, unless it is *lasting*.
        """
        settled = (str(placed.target), id(code)) in self._earlier
        if not (lasting or settled or kind_of(code) == _UNSTUBBED):
            return Stub(code, self.first_calls, placed=placed).code()
        placed.driver = self.driver(placed.plan, code)
        return placed.driver.code

    def put(
        self, placed: Placed, function: FunctionType, *, instead_of: Stub | None = None
    ) -> None:
        """Put the driver of *placed* on *function*, perhaps in place of its stub."""
        entry = registry.record(function)
        plan = self._coded(placed, function, entry) if entry.decorated else placed.plan
        if not plan.active:
            registry.lay_bare(function)
            placed.hold(function, None)
            return
        twin = entry.outer or behind(function, entry.base)
        placed.driver = driver = self.driver(plan, entry.own, function, twin=twin)
        self.swap(placed.hold, function, driver, instead_of=instead_of)
        self._close_gone()  # (what the last driver of the target was made of, perhaps)

    def prepare(self, placed: Placed, function: FunctionType) -> None:
        """Make the steps of a function, with the zeros of their metrics."""
        self._steps_for(placed.plan, registry.own_of(function), function, None)

    def born(self, placed: Placed, code: CodeType) -> CodeType:
        """Return the code of a driver for any function of that code."""
        return self.driver(placed.plan, code).code

    def swap(
        self,
        hold: Callable[[FunctionType, Driver], None],
        function: FunctionType,
        driver: Driver,
        *,
        instead_of: Stub | None = None,
    ) -> None:
        """Put *driver* on *function*, and have it taken off again by what *hold* keeps."""
        with self._lock:
            if not self._stopped and registry.swap(function, driver, instead_of=instead_of):
                hold(function, driver)

    def outer(self, placed: Placed, found: Found) -> None:
        """Put a stand-in with the driver of *placed* where what was *found* stands."""
        forward, original = stand_in(found)
        plan, anchor = placed.plan, found.raw
        driver = self.driver(plan, forward.__code__, forward, twin=original, anchor=anchor)
        forward.__code__ = driver.code
        with self._lock:
            if not self._stopped:
                placed.outer = put_in_place(found, forward, str(placed.target))
                placed.driver = driver
                placed.state, placed.placement = "applied", "outer"

    def _claim(self, placed: Placed, function: FunctionType, own: str, *, implements: bool) -> bool:
        """Return whether *placed* may govern *function*, to which several targets may lead.

        A name that is written out goes before a pattern, then the function's own before
        another. A closure is better known by the attribute that holds it.
        """
        target = placed.target
        is_own = is_of(function, target.module) and target.qualname == own
        weight = 4 * placed.plan.exact + 2 * (is_own is not (LOCALS in own)) + (not implements)
        held = self._owners.get(function)
        if held is None or held[1] is placed or held[0] < weight:
            self._owners[function] = weight, placed
            loser, winner = held[1] if held else placed, placed
        else:
            loser, winner = placed, held[1]
        if loser is not winner:
            others = any(one is loser for _, one in list(self._owners.values()))
            loser.yield_to(function, winner.target, others=others)
        return winner is placed

    def _coded(self, placed: Placed, function: FunctionType, entry: registry.Record) -> Plan:
        from mlpolicy.plan.decorators import with_code  # (a start without decorators need not)

        assert self._rulebook is not None
        asks = self._rulebook.asks(placed.target)
        facts = facts_of(placed.target, function, (function,)) if asks else None
        blocks = entry.decorated
        placed.coded, placed.found = with_code(placed.plan, blocks, self._rulebook, facts)
        for one in placed.found:
            say_once(f"code:{placed.target}:{one.code}:{one.span}", str(one))
        return placed.coded

    def _steps_for(
        self, plan: Plan, code: CodeType, function: FunctionType | None, anchor: object
    ) -> list[Step]:
        """Return the steps of one definition of a target: one set for all functions of its code.

        What decorators say of a function that is made at run time is that function's own.
        """
        self._close_gone()
        own = registry.own_code(code)
        if CODE in plan.policies and LOCALS in plan.target.qualname:
            return steps(plan, own, function)
        definition = self._definition(plan.target, anchor if anchor is not None else own)
        annotated = bool(function and function.__annotations__)
        for one in definition.made:
            if one.plan == plan and (one.annotated or not annotated):
                return one.steps
        new = steps(plan, own, function)
        earlier = self._earlier.get((str(plan.target), id(anchor if anchor is not None else own)))
        for before in definition.made[-1:] or (earlier.made[-1:] if earlier else ()):
            _hand_over(before.steps, new)
        definition.made.append(Made(plan, annotated, new))
        return new

    def _definition(self, target: Target, anchor: object) -> Definition:
        key = str(target), id(anchor)
        found = self._definitions.get(key)
        if found is None:
            weak = ref(self)  # what waits for the code to go must not keep the engine

            def forget(gone: ref[object]) -> None:
                placing = weak()
                found = placing._definitions.get(key) if placing else None
                if placing and found and found.anchor is gone:
                    # Closing takes locks, which the garbage collector's thread may have.
                    placing._gone.append(placing._definitions.pop(key))

            try:
                held: object = ref(anchor, forget)
            except TypeError:
                held = anchor
            found = self._definitions.setdefault(key, Definition(held, []))
        return found


def _hand_over(before: list[Step], new: list[Step]) -> None:
    """Let *new* steps take over the state of those *before*, and so their stand-ins."""
    for step in new:
        for old in before:
            if old.kind != step.kind:
                continue
            step.inherit(old)
            if step.otherwise is not None and old.otherwise is not None:
                step.otherwise.inherit(old.otherwise)
