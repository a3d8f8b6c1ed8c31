"""Steps and drivers of one policy: made once for each definition, and put on its functions."""

from __future__ import annotations

import sys
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import CodeType, FunctionType
from typing import Any, Literal
from weakref import KeyedRef, WeakKeyDictionary, ref

from mlpolicy.core.classes import name_of
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.program import MAIN
from mlpolicy.core.report import say_once, told, words
from mlpolicy.core.step import Step
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.core.threads import Lock
from mlpolicy.install import registry
from mlpolicy.install.hooks import FirstCalls, Followed
from mlpolicy.install.lookup import Found, dispatchers, facts_of, is_of, peel
from mlpolicy.install.outer import Replaced, stand_in
from mlpolicy.install.registry import Stub
from mlpolicy.model.policy import CODE
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import Driver, behind, close, from_code, kind_of, twin_of


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
        self._gone: deque[KeyedRef[Key, Any]] = deque()
        """Those whose code nobody has any longer."""
        self._lock = Lock()
        self.stopped = False
        self.first_calls = FirstCalls(self)
        self._owners: WeakKeyDictionary[FunctionType, tuple[int, Placed]] = WeakKeyDictionary()
        """Which target governs a function, and how closely it names it."""
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
        self._waiting, self._before = [], None

    def stop(self) -> None:
        """Put nothing in place any longer, whatever another thread is about to, and take all off."""
        with self._lock:
            self.stopped = True
        self.take_off()
        for function in registry.functions():  # (those followed: their drivers lead back here)
            registry.take_off(function, self)

    def take_off(self, gone: Placed | None = None) -> None:
        """Give the functions of every target their own code back, or those of one that is *gone*."""
        for function, (_, placed) in list(self._owners.items()):
            if gone is None or placed is gone:
                registry.take_off(function, placed)

    def close(self) -> None:
        """Let every step go."""
        for key in list(self._definitions):
            self._close(key)
        self._before = None

    def _close(self, key: Key) -> None:
        definition = self._definitions.pop(key, None)
        for made in definition.made if definition else ():
            close(made.steps)

    def _close_gone(self) -> None:
        """Let the steps of code that is gone go, before another has its identity."""
        while self._gone:
            try:
                gone = self._gone.popleft()
            except IndexError:  # another thread was quicker
                return
            definition = self._definitions.get(gone.key)
            if definition and definition.anchor is gone:
                self._close(gone.key)

    def _put(self, placed: Placed, work: Callable[[], None]) -> None:
        """Do *work*, which puts a driver in place, once all of them are made."""
        if self._starter == get_ident():
            self._waiting.append((placed, work))
            return
        with self._lock:
            if not self.stopped:
                work()

    def _earlier(self, key: Key) -> list[Made]:
        """Return the steps that the policy before this one made for a definition."""
        before = self._before
        if before is None:
            return []
        before._close_gone()
        definition = before._definitions.get(key)
        return definition.made if definition else []

    def inner(
        self,
        placed: Placed,
        functions: Iterable[FunctionType],
        raw: object = None,
        *,
        implements: bool = False,
    ) -> None:
        """Swap the driver of *placed* into *functions*, over what their decorators say.

        They bear its name, or only implement it, as those that a dispatcher calls: such a one is
        looked for in *raw*, what stands under the name.
        """
        for function in functions:
            own = registry.own_of(function)
            if not self._claim(placed, function, own.co_qualname, implements=implements):
                continue
            placed.state, placed.placement = "applied", "inner"
            stub = registry.waiting_on(function)
            if stub is not None and stub.placed is placed:
                continue
            if self._waits(placed, function, own):
                stub = self.first_calls.stub(placed, function, own)
                self._put(placed, partial(registry.wait, function, stub))
            else:
                self.put(placed, function)
        for dispatcher in dispatchers(raw) if raw is not None else ():
            weak = ref(dispatcher)
            self._implementations(placed, weak)
            self.follow(dispatcher.register, partial(self._implementations, placed, weak))

    def _implementations(self, placed: Placed, weak: ref[Any]) -> None:
        """Govern what is registered at a dispatcher; the default one is the target itself."""
        dispatcher = weak()
        for cls, implementation in list(dispatcher.registry.items()) if dispatcher else ():
            function = peel(implementation)
            home = function.__globals__.get("__name__") if type(function) is FunctionType else "sys"
            # (of the standard library's, others call the function too, for what it is by itself)
            if str(home).partition(".")[0] in sys.stdlib_module_names - {MAIN}:
                placed.detail = f"its implementation for `{name_of(cls)}` is not its own function"
                say_once(f"dispatch:{placed.target}", f"{placed.target}: {placed.detail}")
            elif registry.owner_of(function) is not placed:
                self.inner(placed, (function,), implements=True)

    def follow(self, function: FunctionType, then: Callable[[], None]) -> None:
        """Call *then* after each call of *function*, which is one of the standard library."""
        if registry.owner_of(function) is self:
            return
        entry = registry.record(function)
        twin = Followed(twin_of(function, entry.base), then)
        driver = from_code(entry.own, (), target=function.__qualname__, twin=twin)
        with self._lock:
            if not self.stopped:
                registry.swap(function, driver, self)

    def _waits(self, placed: Placed, function: FunctionType, own: CodeType) -> bool:
        """Whether the driver of *function* is woven at its first call.

        Of thousands most are never called. What decorators say, what stands already, and what
        an earlier policy left, is settled at once.
        """
        if registry.owner_of(function) is placed or registry.decorated(function):
            return False
        if LOCALS in placed.target.qualname:
            return False
        settled = self._earlier((str(placed.target), id(own)))
        return not (settled or kind_of(own) == _UNSTUBBED)

    def early(self, placed: Placed, code: CodeType, *, lasting: bool) -> CodeType:
        """Return the code that a module gets for a function that it will make.

        It is replaced once the module has run, unless it is *lasting*.
        """
        settled = self._earlier((str(placed.target), id(code)))
        if not (lasting or settled or kind_of(code) == _UNSTUBBED):
            return Stub(code, self.first_calls, placed=placed).code()
        placed.driver = self.born(placed, code)
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
            self._put(placed, partial(registry.swap, function, None, placed))
            return
        made = self._steps_for(plan, entry.own, function)
        standing = registry.stands(function, made)
        if standing is not None:
            placed.driver, entry.owner = standing, placed
            return
        twin = entry.outer or behind(function, entry.base)
        placed.driver = driver = self._driver(plan, entry.own, made, twin)
        self._put(placed, partial(registry.swap, function, driver, placed, instead_of=instead_of))
        self._close_gone()  # (what the last driver of the target was made of, perhaps)

    def weave(self) -> None:
        """Weave every driver that yet waits for a call: what cannot be woven is then known."""
        for function, (_, placed) in list(self._owners.items()):
            stub = registry.waiting_on(function)
            if stub is not None and stub.placed is placed:
                self.first_calls.weave(stub, function)

    def prepare(self, placed: Placed, function: FunctionType) -> None:
        """Make the steps of a function, with the zeros of their metrics."""
        self._steps_for(placed.plan, registry.own_of(function), function)

    def born(self, placed: Placed, code: CodeType) -> Driver:
        """Return a driver for any function of that code."""
        return self._driver(placed.plan, code, self._steps_for(placed.plan, code))

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
            loser.yield_to(winner.target, others=others)
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
            try:
                # Closing takes locks, which the garbage collector's thread may have: it only notes.
                held: object = KeyedRef(anchor, self._gone.append, key)
            except TypeError:
                held = anchor
            definition = self._definitions.setdefault(key, Definition(held, []))
        return definition


def _hand_over(before: list[Step], new: list[Step]) -> None:
    """Let *new* steps take over the state of those *before*, and so their stand-ins."""
    for step, old in product(new, before):
        if old.kind == step.kind:
            step.inherit(old)
            if step.otherwise is not None and old.otherwise is not None:
                step.otherwise.inherit(old.otherwise)


State = Literal[
    "applied", "excluded", "skipped", "pending", "missing", "unwrappable", "bypassed", "error"
]
STATES: tuple[State, ...] = State.__args__  # type: ignore[attr-defined]  # (of a Literal)
FAILED: tuple[State, ...] = ("missing", "unwrappable", "bypassed", "error")


@dataclass(slots=True, eq=False)
class Placed:
    """One target of the policy in this process."""

    target: Target
    plan: Plan
    state: State = "pending"
    placement: Literal["inner", "outer", "tree", "-"] = "-"
    detail: str = ""
    """Why it is in that state, where a person would ask."""
    driver: Driver | None = None
    """The last that was made for it; most functions wait for a call that never comes."""
    outer: Replaced | None = None
    coded: Plan | None = None
    """The plan with what decorators say under it, where there are any."""
    found: tuple[Diagnostic, ...] = ()
    """What is wrong between the policies and the decorators."""

    @property
    def holds(self) -> Plan:
        """What holds: the plan of the policies, over what decorators say."""
        return self.coded or self.plan

    def yield_to(self, winner: Target, *, others: bool) -> None:
        """Leave a function to another target that leads to it; *others* tells whether it has more."""
        self.detail = f"{winner} is the same function, and its rules hold"
        if not others:
            # A pattern that meets a function under two names has it all the same.
            self.state, self.driver = "skipped" if self.plan.exact else "excluded", None
        if self.plan.exact:
            say_once(f"same:{self.target}", f"{self.target}: {self.detail}")

    def become(self, state: State, detail: str) -> None:
        """Be in *state* from now on, and *detail* why."""
        self.state, self.detail = state, detail

    def fail(self, error: Exception) -> None:
        """Say once that it could not be placed, by a bug of ours."""
        self.become("error", told(error))
        message = f"{self.target} could not be placed: {words(error)}"
        say_once(f"error:{self.target}", message, error=error)

    def restore(self) -> None:
        """Put back what stood where a stand-in was put."""
        outer, self.outer, self.driver = self.outer, None, None
        try:
            if outer is not None and not outer.restore():
                self.detail = "the attribute was replaced by someone else"
        except (AttributeError, TypeError) as error:
            self.detail = f"the attribute could not be put back: {error}"
