"""What became of each target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType
from typing import Any, Literal
from weakref import ref

from mlpolicy.core.report import say_once
from mlpolicy.core.target import Target
from mlpolicy.install import registry
from mlpolicy.install.outer import Replaced
from mlpolicy.plan.plan import Plan
from mlpolicy.runtime.driver import Driver

State = Literal[
    "applied", "excluded", "skipped", "pending", "missing", "unwrappable", "bypassed", "error"
]
STATES: tuple[State, ...] = State.__args__  # type: ignore[attr-defined]  # (of a Literal)


@dataclass(slots=True)
class Placed:
    """One target of the policy in this process."""

    target: Target
    plan: Plan
    state: State = "pending"
    placement: Literal["inner", "outer", "tree", "-"] = "-"
    detail: str = ""
    """Why it is in that state, where a person would ask."""
    driver: Driver | None = None
    """The last that was woven."""
    drivers: dict[ref[FunctionType], Driver] = field(default_factory=dict)
    """By functions, which are not kept alive."""
    makers: dict[ref[FunctionType], CodeType] = field(default_factory=dict)
    """Functions that make functions of this name, with the code that has its driver in it."""
    outer: Replaced | None = None

    def hold(self, function: FunctionType, driver: Driver) -> None:
        """Remember that *driver* stands on *function*."""
        self.drivers[ref(function, partial(_let_go, self.drivers))] = driver

    def hold_maker(self, function: FunctionType, code: CodeType) -> None:
        """Remember that *function* runs *code*, which has the driver in it."""
        self.makers[ref(function, partial(_let_go, self.makers))] = code

    def skip(self) -> None:
        """Leave it alone: it would see the driver."""
        self.state, self.detail = "skipped", "looks at its caller"

    def leave(self) -> None:
        """Leave the function as it is: every rule is disabled, and costs nothing."""
        self.state, self.detail = "applied", "every rule is disabled"

    def fail(self, error: Exception) -> None:
        """Say once that it could not be placed, by a bug of ours."""
        self.state, self.detail = "error", f"{type(error).__name__}: {error}"
        message = f"{self.target} could not be placed: {error}"
        say_once(f"error:{self.target}", message, error=error)

    def restore(self) -> None:
        """Put the attribute back where placement was outer."""
        if self.outer is None:
            return
        try:
            if not self.outer.restore():
                self.detail = "the attribute was replaced by someone else"
        except (AttributeError, TypeError) as error:
            self.detail = f"the attribute could not be put back: {error}"
        self.outer = None

    def take_off(self) -> None:
        """Take the driver off every function that still carries it."""
        for reference, driver in list(self.drivers.items()):
            if (function := reference()) is not None:
                registry.take_off(function, driver)
        for reference, code in list(self.makers.items()):
            if (function := reference()) is not None:
                registry.debase(function, code)
        self.drivers.clear()
        self.makers.clear()


def _let_go(held: dict[ref[FunctionType], Any], function: ref[FunctionType]) -> None:
    held.pop(function, None)


def count(placed: Iterable[Placed], state: State) -> int:
    """Return how many targets are in *state*."""
    return sum(1 for one in placed if one.state == state)
