"""Steps and drivers of one policy: made once for each target, and put on its functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import CodeType, FunctionType

from mlpolicy.core.step import Step
from mlpolicy.install import registry
from mlpolicy.install.first_call import FirstCalls
from mlpolicy.install.status import Placed
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import Driver, from_code, twin_of
from mlpolicy.runtime.stub import Stub
from mlpolicy.runtime.template import kind_of


class Placing:
    """Makes the drivers of one engine."""

    def __init__(self, *, closed: bool) -> None:
        self._closed = closed
        self._steps: dict[str, list[Step]] = {}
        self._earlier: dict[str, list[Step]] = {}
        self.first_calls = FirstCalls(self)

    def take_over(self, earlier: Placing) -> None:
        """Let steps inherit the state of those of *earlier*."""
        self._earlier = earlier._steps

    def close(self) -> None:
        """Let every step go."""
        for made in list(self._steps.values()):
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
        """Put *functions* under the rules of *placed*; most wait for their first call.

        What a reload finds is taken over before the old steps go.
        """
        for function in functions:
            if kind_of(function.__code__) == "async_generator":
                driver = self.woven(placed, function)
                registry.swap(function, driver)
                placed.hold(function, driver)
            else:
                at_once = str(placed.target) in self._earlier
                self.first_calls.wait(placed, function, at_once=at_once)
        placed.state, placed.placement = "applied", "inner"

    def early(self, placed: Placed, code: CodeType, *, lasting: bool) -> CodeType:
        """Return the code that a module gets for a function that it will make.

        It is replaced once the module has run, unless it is *lasting*.
        """
        if lasting or kind_of(code) == "async_generator":
            return self.born(placed, code).code
        return Stub(code, self.first_calls, placed=placed).code()

    def prepare(self, placed: Placed, function: FunctionType) -> None:
        """Make the steps of a function, with the zeros of their metrics."""
        entry = registry.record(function)
        self._steps_for(with_decorated(placed.plan, entry.decorated), entry.own, function)

    def woven(self, placed: Placed, function: FunctionType) -> Driver:
        """Return the driver of a function."""
        entry = registry.record(function)
        plan = with_decorated(placed.plan, entry.decorated)
        twin = entry.outer or twin_of(function, entry.base)
        placed.driver = self.driver(plan, entry.own, function, twin=twin)
        return placed.driver

    def born(self, placed: Placed, code: CodeType) -> Driver:
        """Return a driver for any function of that code."""
        placed.driver = self.driver(placed.plan, code)
        return placed.driver

    def _steps_for(
        self, plan: Plan, code: CodeType, function: FunctionType | None = None
    ) -> list[Step]:
        """Return the steps of a target: one set for all the functions that bear its name."""
        name = str(plan.target)
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
