"""A function under a plan: what the findings about it are made from."""

from __future__ import annotations

from collections.abc import Iterator

from mlpolicy.core.diagnostic import Related
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Defined, Survey
from mlpolicy.plan.survey.body import Body


@frozen()
class About:
    """One function, its plan, and what its source says."""

    plan: Plan
    looked: Defined
    rulebook: Rulebook
    survey: Survey

    @property
    def target(self) -> Target:
        """Its path, as the policy has it."""
        return self.plan.target

    @property
    def body(self) -> Body | None:
        """Its code, where that is known for sure."""
        return self.looked.body if self.looked.parameters is not None else None

    def rule(self, kind: str) -> PlannedRule | None:
        """Return its rule of that kind, unless that is switched off."""
        rule = self.plan.rule(kind)
        return (
            rule if rule is not None and rule.rule is not None and rule.mode != "disabled" else None
        )

    def rules(self) -> Iterator[PlannedRule]:
        """Yield its rules, those that are switched off too."""
        yield from self.plan.rules


def at(rule: PlannedRule, *paths: str) -> Span:
    """Return where the first of the settings *paths* that was written stands, else the rule.

    A number at the end of a path is an item of a list.
    """
    for path in paths:
        above, _, number = path.rpartition(".")
        value = rule.values.get(path) or (number.isdecimal() and rule.values.get(above)) or None
        span = (value.at(number) or value.key) if value is not None else None
        if span is not None:
            return span
    return rule.source


def key_of(rule: PlannedRule, path: str) -> Span:
    """Return where the key of the setting or block *path* stands, else the rule."""
    return rule.keys.get(path) or at(rule, path)


def in_source(message: str, looked: Defined) -> Related:
    """Return the line where a function is defined as a further place."""
    span = Span(looked.file, looked.line, looked.column, looked.line, looked.end_column)
    return Related(message, span)


def line_of(message: str, file: str, line: int) -> Related:
    """Return a whole line of a source file as a further place."""
    return Related(message, Span(file, line, 1, line, 2))
