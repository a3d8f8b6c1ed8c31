"""Rules placed on functions directly, without files: `place(function, retry={...})`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import pytest

from mlpolicy.core.allowed import ANY
from mlpolicy.core.metrics import Meters
from mlpolicy.core.report import forget
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.world import REAL, World
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.rules import KINDS
from mlpolicy.runtime import assemble
from mlpolicy.runtime.driver import Driver, from_code, twin_of


@dataclass
class VirtualWorld:
    """A clock that moves when someone sleeps, and only then."""

    time: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self.time += seconds


class Place:
    """Swaps a driver into a function until the test ends."""

    def __init__(self) -> None:
        self.meters = Meters()
        self._placed: list[tuple[FunctionType, Any, Driver]] = []

    def __call__(self, function: Any, *, world: Any = None, **rules: dict[str, Any]) -> Any:
        plan = _plan(function, rules)
        steps = assemble.steps(plan, function.__code__, function, meters=self.meters)
        world = World(world.now, world.sleep, world.sleep_async) if world else REAL
        code, twin = function.__code__, twin_of(function)
        driver = from_code(code, steps, target=str(plan.target), twin=twin, world=world)
        self._placed.append((function, function.__code__, driver))
        function.__code__ = driver.code
        return function

    def step(self, function: Any, kind: str) -> Any:
        return next(step for step in self._driver(function).steps if step.kind == kind)

    def source(self, function: Any) -> str:
        return self._driver(function).source

    def _driver(self, function: Any) -> Driver:
        return next(driver for one, _, driver in reversed(self._placed) if one is function)

    def remove(self) -> None:
        for function, code, driver in reversed(self._placed):
            function.__code__ = code
            driver.close()


def _plan(function: Any, rules: dict[str, dict[str, Any]]) -> Plan:
    target = Target(function.__module__, function.__qualname__)
    span = Span("policy.yaml", 3, 5, 3, 9)
    planned = []
    for kind, fields in rules.items():
        fields = dict(fields)
        mode = fields.pop("mode", "enforce")
        rule = KINDS[kind].rule_model().model_validate(fields)
        planned.append(PlannedRule(kind, mode, rule, {}, span, "test"))
    return Plan(target, "enforce", tuple(planned), lists=((ANY,),))


@pytest.fixture
def place() -> Iterator[Place]:
    forget()
    placing = Place()
    yield placing
    placing.remove()


@pytest.fixture
def world() -> VirtualWorld:
    return VirtualWorld()
