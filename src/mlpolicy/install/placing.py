"""Steps and drivers of one policy: made once for each target, and put on its functions."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import CodeType, FunctionType

from mlpolicy.core.report import say_once
from mlpolicy.core.step import Step
from mlpolicy.core.target import LOCALS
from mlpolicy.install import registry
from mlpolicy.install.facts import facts_of
from mlpolicy.install.status import Placed
from mlpolicy.model.policy import CODE
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import Driver, behind, from_code


class Placing:
    """Makes the drivers of one engine."""

    def __init__(self, *, closed: bool, rulebook: Rulebook | None = None) -> None:
        self._closed = closed
        self._rulebook = rulebook
        self._lock = threading.RLock()
        self._steps: dict[str, list[Step]] = {}
        self._earlier: dict[str, list[Step]] = {}

    def take_over(self, earlier: Placing) -> None:
        """Let steps inherit the state of those of *earlier*."""
        self._earlier = earlier._steps

    def close(self) -> None:
        """Let every step go."""
        for made in self._steps.values():
            for step in made:
                for one in step.each():
                    one.close()
        self._steps = {}
        self._earlier = {}

    def driver(
        self,
        plan: Plan,
        code: CodeType,
        function: FunctionType | None = None,
        *,
        twin: object = None,
    ) -> Driver:
        """Return the driver of *plan* for a function of that code."""
        made = self._steps_for(plan, code, function)
        return from_code(code, made, target=str(plan.target), twin=twin, closed=self._closed)

    def inner(self, placed: Placed, functions: Iterable[FunctionType]) -> None:
        """Swap the driver of *placed* into *functions*, over what their decorators say."""
        for function in functions:
            entry = registry.record(function)
            plan = self._coded(placed, function, entry) if entry.decorated else placed.plan
            if not plan.active:
                registry.lay_bare(function)
                placed.bare.add(function)
                continue
            twin = entry.outer or behind(function, entry.base)
            driver = self.driver(plan, entry.own, function, twin=twin)
            registry.swap(function, driver)
            placed.hold(function, driver)
        placed.state, placed.placement = "applied", "inner"

    def _coded(self, placed: Placed, function: FunctionType, entry: registry.Record) -> Plan:
        from mlpolicy.plan.coded import with_code  # (a start without decorators need not)

        assert self._rulebook is not None
        asks = self._rulebook.asks(placed.target)
        facts = facts_of(placed.target, function, (function,)) if asks else None
        blocks = entry.decorated
        placed.coded, placed.found = with_code(placed.plan, blocks, self._rulebook, facts)
        for one in placed.found:
            say_once(f"code:{placed.target}:{one.code}:{one.span}", str(one))
        return placed.coded

    def _steps_for(
        self, plan: Plan, code: CodeType, function: FunctionType | None = None
    ) -> list[Step]:
        """Return the steps of a target: one set for all the functions that bear its name.

        What decorators say is each function's own.
        """
        name = str(plan.target)
        if CODE in plan.policies:
            if LOCALS in name:
                return steps(plan, code, function)
            name += " decorated"
            self._earlier.setdefault(name, self._steps.pop(name, []))
        with self._lock:
            if name not in self._steps:
                made = steps(plan, code, function)
                for step in made:
                    for old in self._earlier.get(name, ()):
                        if old.kind == step.kind:
                            _hand_over(old, step)
                self._steps[name] = made
            return self._steps[name]


def _hand_over(old: Step, new: Step) -> None:
    """Let *new* take over the state of *old*, and so its stand-in."""
    new.inherit(old)
    if new.otherwise is not None and old.otherwise is not None:
        new.otherwise.inherit(old.otherwise)
