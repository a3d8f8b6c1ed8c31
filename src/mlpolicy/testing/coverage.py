"""How much of the policies the tests have seen: rules, modes, and what each does at its worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mlpolicy.core.control import KILL_SWITCH, effective_mode
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.plan import PlannedRule
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.testing.run import Result, Seen

Branches = dict[str, tuple[str, ...]]

BRANCHES: Final[dict[str, Branches]] = {
    "retry": {"again": ("retry",), "given up": ("retry.",)},
    "validate": {"refused": ("validate.reject", "validate.warn")},
    "cache": {"hit": ("cache.hit", "cache.stale"), "miss": ("cache.miss", "cache.bypass")},
    "memory": {"short": ("memory.wait", "memory.reject", "memory.proceed")},
    "monitor": {"failed": ("error", "refused", "default")},
}
"""What a rule does besides letting a call through: its name, and the events that show it."""
SHADOWED: Final[Branches] = {"would": (".would_",)}
"""The same of a rule in shadow."""


class Rule(NamedTuple):
    """One rule of one policy."""

    policy: str
    kind: str


class Point(NamedTuple):
    """One thing that a test may show: a mode of a rule, or a branch in that mode."""

    rule: Rule
    mode: str
    branch: str = ""


@dataclass(slots=True)
class Coverage:
    """What there is to see, and what was seen."""

    known: dict[Point, bool] = field(default_factory=dict)
    called: set[Point] = field(default_factory=set)

    def add(self, loaded: Loaded) -> None:
        """Take in every rule of the policies, with the mode that it has there."""
        for rule, mode in _rules(loaded.rulebook):
            for point in _points(rule, mode):
                self.known.setdefault(point, False)

    def take(self, result: Result) -> None:
        """Take in what a test has shown; one that failed has shown it too."""
        for seen in result.seen:
            for planned in seen.plan.rules:
                self._take_rule(planned, seen)

    def _take_rule(self, planned: PlannedRule, seen: Seen) -> None:
        writers = {value.policy for value in planned.values.values()} | {planned.policy}
        for policy in writers:
            rule = Rule(policy, planned.kind)
            for point in _points(rule, planned.mode):
                if point in self.known and _shows(point, seen):
                    self.known[point] = True
                    if seen.happened is not None:
                        self.called.add(point)

    # --- figures ----------------------------------------------------------------------

    @property
    def share(self) -> float:
        """The part of it all that was seen, from 0 to 1; all of nothing is 1."""
        return sum(self.known.values()) / len(self.known) if self.known else 1.0

    def rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Yield policy, rule, mode, how it was seen, and its branches: `+` seen, `-` not."""
        for point, seen in sorted(self.known.items()):
            if point.branch:
                continue
            branches = {
                one.branch: held
                for one, held in self.known.items()
                if one.rule == point.rule and one.mode == point.mode and one.branch
            }
            shown = ", ".join(f"{'+' if held else '-'}{name}" for name, held in branches.items())
            how = "called" if point in self.called else "resolved" if seen else "no"
            policy, kind = point.rule
            yield policy, kind, point.mode, how, shown or "-"


def _rules(rulebook: Rulebook) -> Iterator[tuple[Rule, str]]:
    """Yield each rule that a policy writes, with the mode that it has by itself.

    What the kill switch of a test turns off is not a mode of the rule.
    """
    environ = {key: value for key, value in rulebook.environ.items() if key != KILL_SWITCH}
    for policy in rulebook.policies:
        if not policy.match:
            continue
        for planned in rulebook.plan_alone(policy).rules:
            if planned.control is None:
                continue
            mode = effective_mode(planned.control, now=rulebook.now, environment=environ)
            yield Rule(policy.name, planned.kind), mode


def _points(rule: Rule, mode: str) -> Iterator[Point]:
    yield Point(rule, mode)
    for name in _branches(rule.kind, mode):
        yield Point(rule, mode, name)


def _branches(kind: str, mode: str) -> Branches:
    if mode == "disabled":
        return {}
    return SHADOWED if mode == "shadow" else BRANCHES.get(kind, {})


def _shows(point: Point, seen: Seen) -> bool:
    if not point.branch:
        return True
    if seen.happened is None:
        return False
    wanted = _branches(point.rule.kind, point.mode)[point.branch]
    if point.mode == "shadow":
        wanted = tuple(f"{point.rule.kind}{one}" for one in wanted)
    return any(_is_event(event, wanted) for event in seen.happened.events)


def _is_event(event: str, wanted: Iterable[str]) -> bool:
    """Whether *event* is one of those; one that ends in a dot or `_` stands for all below it."""
    return any(
        event.startswith(one) if one.endswith((".", "_")) else event == one for one in wanted
    )
