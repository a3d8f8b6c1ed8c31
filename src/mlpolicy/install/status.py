"""What became of each target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from weakref import WeakSet

from mlpolicy.core.target import Target
from mlpolicy.install.outer import NotWrappable, restore
from mlpolicy.install.registry import take_off
from mlpolicy.install.seek import Found
from mlpolicy.plan.plan import Plan
from mlpolicy.runtime.driver import Driver

State = Literal[
    "applied",
    "excluded",
    "skipped",
    "pending",
    "missing",
    "unwrappable",
    "bypassed",
    "error",
]
STATES: tuple[State, ...] = (
    "applied",
    "excluded",
    "skipped",
    "pending",
    "missing",
    "unwrappable",
    "bypassed",
    "error",
)


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
    functions: WeakSet[object] = field(default_factory=WeakSet)
    outer: Found | None = None

    def remove(self) -> None:
        """Take the driver off every function and close its steps."""
        for function in list(self.functions):
            take_off(function)  # type: ignore[arg-type]  # only functions are added
        if self.outer is not None:
            try:
                restore(self.outer)
            except (NotWrappable, AttributeError, TypeError):
                self.detail = "the attribute was removed by someone else"
        if self.driver is not None:
            self.driver.close()


def count(placed: Iterable[Placed], state: State) -> int:
    """Return how many targets are in *state*."""
    return sum(1 for one in placed if one.state == state)
