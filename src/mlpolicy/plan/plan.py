"""The resolved rules of one target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlpolicy.core.site import Mode
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target

Placement = Literal["auto", "inner", "outer"]


@dataclass(frozen=True, slots=True)
class Value:
    """One setting that holds, and where it was set; no span means that it is built in."""

    value: Any
    source: Span | None = None
    policy: str = ""
    """The policy that set it, `defaults`, or nothing for what is built in."""
    key: Span | None = None
    """Where its key stands."""


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """One rule of a plan."""

    kind: str
    mode: Mode
    rule: Any
    """The frozen model of the kind, complete; None for a rule that is off and lacks a setting."""
    values: Mapping[str, Value]
    source: Span
    """Where the rule stands in the policy that ranks highest among those that wrote it."""
    policy: str
    keys: Mapping[str, Span] = field(default_factory=dict)
    """Where the keys of its blocks of settings stand."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for one target: its rules in the order in which a call meets them."""

    target: Target
    mode: Mode
    rules: tuple[PlannedRule, ...]
    placement: Placement = "auto"
    policies: tuple[str, ...] = ()
    """The policies that took part, the highest-ranked first."""
    exact: bool = True
    """Whether a policy names the target itself, not only by a glob."""
    sources: tuple[Span, ...] = field(default=())
    """Where those policies stand, in the same order."""

    def __str__(self) -> str:
        """Return what `mlpolicy explain` prints."""
        from mlpolicy.plan.text import describe

        return describe(self)

    @property
    def active(self) -> tuple[PlannedRule, ...]:
        """The rules that are not disabled; without any, the function is left as it is."""
        return tuple(rule for rule in self.rules if rule.mode != "disabled")

    def rule(self, kind: str) -> PlannedRule | None:
        """Return the rule of that kind, if there is one."""
        return next((rule for rule in self.rules if rule.kind == kind), None)
