"""What became of each target."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Literal
from weakref import WeakKeyDictionary

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.report import say_once, told, words
from mlpolicy.core.target import Target
from mlpolicy.install import registry
from mlpolicy.install.outer import Replaced
from mlpolicy.plan.plan import Plan
from mlpolicy.runtime.driver import Driver

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
    drivers: WeakKeyDictionary[FunctionType, Driver | None] | None = None
    """What stands on its functions; None on one whose decorators it switches off.

    Most functions wait for a call that never comes, and have none.
    """
    outer: Replaced | None = None
    coded: Plan | None = None
    """The plan with what decorators say under it, where there are any."""
    found: tuple[Diagnostic, ...] = ()
    """What is wrong between the policies and the decorators."""

    @property
    def holds(self) -> Plan:
        """What holds: the plan of the policies, over what decorators say."""
        return self.coded or self.plan

    def hold(self, function: FunctionType, driver: Driver | None) -> None:
        """Remember what to take off *function* again."""
        if self.drivers is None:
            self.drivers = WeakKeyDictionary()
        self.drivers[function] = driver

    def let_go(self, function: FunctionType) -> None:
        """Leave what stands on *function* to another target, or to the next policy."""
        if self.drivers is not None:
            self.drivers.pop(function, None)

    def yield_to(self, function: FunctionType, winner: Target, *, others: bool) -> None:
        """Leave *function* to another target that leads to it; *others* tells whether it has more."""
        self.let_go(function)
        self.detail = f"{winner} is the same function, and its rules hold"
        if not others:
            # A pattern that meets a function under two names has it all the same.
            self.state, self.driver = "skipped" if self.plan.exact else "excluded", None
        if self.plan.exact:
            say_once(f"same:{self.target}", f"{self.target}: {self.detail}")

    def fail(self, error: Exception) -> None:
        """Say once that it could not be placed, by a bug of ours."""
        self.state, self.detail = "error", told(error)
        message = f"{self.target} could not be placed: {words(error)}"
        say_once(f"error:{self.target}", message, error=error)

    def skip(self) -> None:
        """Leave it alone: it would see the driver."""
        self.state, self.detail = "skipped", "looks at its caller"

    def exclude(self, why: str) -> None:
        """Leave it alone: no policy is meant for it."""
        self.state, self.detail = "excluded", why

    def leave(self) -> None:
        """Leave the function as it is: every rule is disabled, and costs nothing."""
        self.state, self.detail = "applied", "every rule is disabled"

    def take_off(self) -> None:
        """Put back what stood there, and take the driver off every function that carries it."""
        if self.outer is not None:
            try:
                if not self.outer.restore():
                    self.detail = "the attribute was replaced by someone else"
            except (AttributeError, TypeError) as error:
                self.detail = f"the attribute could not be put back: {error}"
            self.outer = None
        for function, driver in list((self.drivers or {}).items()):
            registry.take_off(function, driver)
        self.drivers = self.driver = None
