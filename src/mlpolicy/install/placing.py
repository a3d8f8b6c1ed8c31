"""Steps and drivers of one policy: made once for each target, and put on its functions."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from types import CodeType, FunctionType

from mlpolicy.core.step import Step
from mlpolicy.install import registry
from mlpolicy.install.status import Placed
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import Driver, from_code, twin_of


class Placing:
    """Makes the drivers of one engine."""

    def __init__(self, *, closed: bool) -> None:
        self._closed = closed
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
        """Swap the driver of *placed* into *functions*."""
        for function in functions:
            entry = registry.record(function)
            plan = with_decorated(placed.plan, entry.decorated)
            twin = entry.outer or twin_of(function, entry.base)
            driver = self.driver(plan, entry.own, function, twin=twin)
            registry.swap(function, driver)
            placed.hold(function, driver)
        placed.state, placed.placement = "applied", "inner"

    def _steps_for(
        self, plan: Plan, code: CodeType, function: FunctionType | None = None
    ) -> list[Step]:
        """Return the steps of a target: one set for all the functions that bear its name."""
        name = str(plan.target)
        with self._lock:
            if name not in self._steps:
                made = steps(plan, code, function)
                for step in made:
                    for old in self._earlier.get(name, ()):
                        if old.kind == step.kind:
                            _hand_over(old, step)
                self._steps[name] = made
            return self._steps[name]


def with_decorated(plan: Plan, decorated: dict[str, PlannedRule]) -> Plan:
    """Return *plan* with the rules of decorators beside it; the policy wins for its kinds."""
    mine = {rule.kind for rule in plan.rules}
    others = tuple(rule for kind, rule in decorated.items() if kind not in mine)
    return replace(plan, rules=(*plan.rules, *others)) if others else plan


def _hand_over(old: Step, new: Step) -> None:
    """Let *new* take over the state of *old*, and so its stand-in."""
    new.inherit(old)
    if new.otherwise is not None and old.otherwise is not None:
        new.otherwise.inherit(old.otherwise)
