"""Steps and drivers of one policy: made once for each definition, and put on its functions."""

from __future__ import annotations

from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType
from weakref import WeakKeyDictionary, ref

from mlpolicy.core.frozen import frozen
from mlpolicy.core.lock import Lock
from mlpolicy.core.report import say_once
from mlpolicy.core.step import Step
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import registry
from mlpolicy.install.first_call import FirstCalls
from mlpolicy.install.lookup import Found, is_of
from mlpolicy.install.outer import Replaced, stand_in
from mlpolicy.install.plans import facts_of
from mlpolicy.install.status import Placed
from mlpolicy.model.policy import CODE
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import Driver, behind, close, from_code
from mlpolicy.runtime.stub import Stub
from mlpolicy.runtime.template import kind_of


@frozen()
class Made:
    """Steps of one definition, and what they were made from."""

    plan: Plan
    annotated: bool
    """Whether they know the annotations; code that is not yet a function has none."""
    steps: list[Step]

    def serves(self, plan: Plan, function: FunctionType | None) -> bool:
        """Whether they are what *plan* asks for around *function*."""
        known = self.annotated or not (function and function.__annotations__)
        return known and self.plan == plan


@frozen()
class Definition:
    """All steps that were made for one code of one target, or for one object without code."""

    anchor: object
    """A weak reference to it where it allows one."""
    made: list[Made]


Key = tuple[str, int]
"""A target and the identity of its code: a target may be defined in several ways."""
_UNSTUBBED = "async_generator"
"""It cannot be delegated to at no cost to what reads it."""


class Placing:
    """Makes the drivers of one engine, and puts them in place.

    Between `take_over` and `commit` nothing is put yet: all drivers of a new policy are made
    while those of the policy before it stand, and then replace them, each by one store.
    """

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._closed = rulebook.settings.on_engine_error == "closed"
        self._definitions: dict[Key, Definition] = {}
        self._before: Placing | None = None
        """What placed the policy before this one, until that is retired."""
        self._waiting: list[tuple[Placed, Callable[[], None]]] = []
        """What is to be put once all is made."""
        self._starter = 0
        """The thread that makes it; what others import meanwhile is placed at once."""
        self._gone: deque[Definition] = deque()
        """Those whose code nobody has any longer."""
        self.followed: WeakKeyDictionary[FunctionType, Driver] = WeakKeyDictionary()
        """Functions of the standard library that are watched."""
        self._lock = Lock()
        self._stopped = False
        self.first_calls = FirstCalls(self)
        self._owners: WeakKeyDictionary[FunctionType, tuple[int, Placed]] = WeakKeyDictionary()
        self._outers: dict[str, Placed] = {}

    def take_over(self, before: Placing) -> None:
        """Make drivers beside those of *before*: what is equal is kept, else its state is taken."""
        self._before = before
        self._starter = get_ident()

    def commit(self, attempt: Callable[[Target, Callable[[], None]], None]) -> None:
        """Put the new drivers in place: each by *attempt*, with its target."""
        self._starter = 0
        for placed, work in self._waiting:
            attempt(placed.target, partial(self._put, placed, work))
        self._waiting = []

    def forget(self) -> None:
        """Let the policy before this one go: it was retired."""
        self._before = None

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
        self._definitions, self._before = {}, None
        self._close_gone()

    def _close_gone(self) -> None:
        while self._gone:
            for made in self._gone.popleft().made:
                close(made.steps)

    def _put(self, placed: Placed, work: Callable[[], None]) -> None:
        """Do *work*, which puts a driver in place, once all of them are made."""
        if self._starter == get_ident():
            self._waiting.append((placed, work))
            return
        with self._lock:
            if not self._stopped:
                work()

    def _earlier(self, key: Key) -> list[Made]:
        """Return the steps that the policy before this one made for a definition."""
        definition = self._before._definitions.get(key) if self._before else None
        return definition.made if definition else []

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
            if not self._waits(placed, function, own):
                self.put(placed, function)
            elif not self.first_calls.waits(placed, function):
                stub = self.first_calls.stub(placed, function, own)
                self._put(placed, partial(self.first_calls.wait, function, stub))

    def _waits(self, placed: Placed, function: FunctionType, own: CodeType) -> bool:
        """Whether the driver of *function* is woven at its first call.

        Of thousands most are never called. What decorators say, what stands already, and what
        an earlier policy left, is settled at once.
        """
        if registry.decorated(function) or (placed.drivers and function in placed.drivers):
            return False
        settled = self._earlier((str(placed.target), id(own)))
        return not (settled or LOCALS in placed.target.qualname or kind_of(own) == _UNSTUBBED)

    def early(self, placed: Placed, code: CodeType, *, lasting: bool) -> CodeType:
        """Return the code that a module gets for a function that it will make.

        It is replaced once the module has run, unless it is *lasting*.
        """
        settled = self._earlier((str(placed.target), id(code)))
        if not (lasting or settled or kind_of(code) == _UNSTUBBED):
            return Stub(code, self.first_calls, placed=placed).code()
        placed.driver = self._driver(placed.plan, code, self._steps_for(placed.plan, code))
        return placed.driver.code

    def put(
        self, placed: Placed, function: FunctionType, *, instead_of: Stub | None = None
    ) -> None:
        """Put the driver of *placed* on *function*, perhaps in place of its stub.

        One of the same steps that stands there stays, with all that it knows.
        """
        entry = registry.record(function)
        plan = self._with_code(placed, function, entry) if entry.decorated else placed.plan
        if not plan.active:
            placed.hold(function, None)
            self._put(placed, partial(registry.lay_bare, function))
            return
        made = self._steps_for(plan, entry.own, function)
        standing = registry.stands(function, made)
        if standing is not None:
            placed.driver = standing
            placed.hold(function, standing)
            owner = self._before._owners.get(function) if self._before else None
            if owner is not None:
                owner[1].let_go(function)
            return
        twin = entry.outer or behind(function, entry.base)
        placed.driver = driver = self._driver(plan, entry.own, made, twin)

        def swap() -> None:
            if registry.swap(function, driver, instead_of=instead_of):
                placed.hold(function, driver)

        self._put(placed, swap)
        self._close_gone()  # (what the last driver of the target was made of, perhaps)

    def prepare(self, placed: Placed, function: FunctionType) -> None:
        """Make the steps of a function, with the zeros of their metrics."""
        self._steps_for(placed.plan, registry.own_of(function), function)

    def born(self, placed: Placed, code: CodeType) -> CodeType:
        """Return the code of a driver for any function of that code."""
        return self._driver(placed.plan, code, self._steps_for(placed.plan, code)).code

    def follow(self, function: FunctionType, driver: Driver) -> None:
        """Put *driver* on a function of the standard library that is to be watched."""
        with self._lock:
            if not self._stopped and registry.swap(function, driver):
                self.followed[function] = driver

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

    def _with_code(self, placed: Placed, function: FunctionType, entry: registry.Record) -> Plan:
        """Return the plan of *placed* over what decorators say of *function*."""
        from mlpolicy.plan.decorators import with_code  # (a start without decorators need not)

        asks = self._rulebook.asks(placed.target)
        facts = facts_of(placed.target, function, (function,)) if asks else None
        blocks = entry.decorated
        placed.coded, placed.found = with_code(placed.plan, blocks, self._rulebook, facts)
        for finding in placed.found:
            say_once(f"code:{placed.target}:{finding.code}:{finding.span}", str(finding))
        return placed.coded

    def outer(self, placed: Placed, found: Found) -> None:
        """Put a stand-in with the driver of *placed* where what was *found* stands."""
        target = str(placed.target)
        owner = (self._before or self)._outers.get(target)
        self._outers[target] = placed
        placed.state, placed.placement = "applied", "outer"
        forward, original = stand_in(found)
        made = self._steps_for(placed.plan, forward.__code__, forward, found.raw)
        standing = owner.outer if owner else None
        if owner and standing and standing.stands(found.holder, made):
            owner.outer = None
            placed.outer, placed.driver = standing, standing.driver
            return
        driver = self._driver(placed.plan, forward.__code__, made, original)
        forward.__code__ = driver.code
        replaced = Replaced(found, forward, driver)

        def put() -> None:
            replaced.put()
            placed.outer, placed.driver = replaced, driver

        self._put(placed, put)

    def _driver(self, plan: Plan, code: CodeType, made: list[Step], twin: object = None) -> Driver:
        return from_code(code, made, target=str(plan.target), twin=twin, closed=self._closed)

    def _steps_for(
        self,
        plan: Plan,
        code: CodeType,
        function: FunctionType | None = None,
        anchor: object = None,
    ) -> list[Step]:
        """Return the steps of one definition of a target: one set for all functions of its code.

        What has no code is told from others by *anchor*, the object itself.
        Steps of the policy before this one that serve are kept: with their caches and counters.
        What decorators say of a function that is made at run time is that function's own.
        """
        self._close_gone()
        own = registry.own_code(code)
        if CODE in plan.policies and LOCALS in plan.target.qualname:
            return steps(plan, own, function)
        anchor = own if anchor is None else anchor
        key = str(plan.target), id(anchor)
        definition, earlier = self._definition(key, anchor), self._earlier(key)
        for made in definition.made:
            if made.serves(plan, function):
                return made.steps
        for made in list(earlier if self._before and self._before._closed == self._closed else ()):
            if made.serves(plan, function):
                with suppress(ValueError):  # (another thread was quicker)
                    earlier.remove(made)  # (it is not closed with the others)
                definition.made.append(made)
                return made.steps
        new = steps(plan, own, function)
        for before in (definition.made or earlier)[-1:]:
            _hand_over(before.steps, new)
        definition.made.append(Made(plan, bool(function and function.__annotations__), new))
        return new

    def _definition(self, key: Key, anchor: object) -> Definition:
        definition = self._definitions.get(key)
        if definition is None:
            weak = ref(self)  # what waits for the code to go must not keep the engine

            def forget(gone: ref[object]) -> None:
                placing = weak()
                known = placing._definitions.get(key) if placing else None
                if placing and known and known.anchor is gone:
                    # Closing takes locks, which the garbage collector's thread may have.
                    placing._gone.append(placing._definitions.pop(key))

            try:
                held: object = ref(anchor, forget)
            except TypeError:
                held = anchor
            definition = self._definitions.setdefault(key, Definition(held, []))
        return definition


def _hand_over(before: list[Step], new: list[Step]) -> None:
    """Let *new* steps take over the state of those *before*, and so their stand-ins."""
    for step in new:
        for old in before:
            if old.kind != step.kind:
                continue
            step.inherit(old)
            if step.otherwise is not None and old.otherwise is not None:
                step.otherwise.inherit(old.otherwise)
