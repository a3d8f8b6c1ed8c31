"""What changes for each function between two policies, and what to look at twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.show import text
from mlpolicy.rules import KINDS

Change = Literal["added", "removed", "changed"]


@frozen()
class Line:
    """One setting that is another than it was; None where there is none."""

    path: str
    """The kind and the setting: `retry.max_attempts`, or the kind alone."""
    old: str | None
    new: str | None


@frozen()
class Difference:
    """What changes for one function."""

    target: str
    change: Change
    lines: tuple[Line, ...]
    risks: tuple[str, ...] = ()
    """What to look at twice, in words."""


def differences(old: Iterable[Plan], new: Iterable[Plan]) -> tuple[Difference, ...]:
    """Return what changes from the plans *old* to the plans *new*, by target."""
    before, after = _by_target(old), _by_target(new)
    found: list[Difference] = []
    for name in sorted({*before, *after}):
        low, high = before.get(name, {}), after.get(name, {})
        pairs = [(low.get(kind), high.get(kind)) for kind in dict.fromkeys((*low, *high))]
        lines = tuple(line for pair in pairs for line in _lines(*pair))
        if lines:
            change: Change = "changed" if low and high else "added" if high else "removed"
            risks = tuple(risk for pair in pairs for risk in _risks(*pair))
            found.append(Difference(name, change, lines, risks))
    return tuple(found)


def _by_target(plans: Iterable[Plan]) -> dict[str, dict[str, PlannedRule]]:
    return {str(plan.target): {rule.kind: rule for rule in plan.rules} for plan in plans}


def _lines(old: PlannedRule | None, new: PlannedRule | None) -> Iterator[Line]:
    if old is None or new is None:
        kind = old.kind if old is not None else new.kind if new is not None else ""
        yield Line(kind, _summed(old), _summed(new))
        return
    if old.mode != new.mode:
        yield Line(f"{new.kind}.mode", old.mode, new.mode)
    for path in dict.fromkeys((*old.values, *new.values)):
        before, after = (side.values.get(path) for side in (old, new))
        was, now = (text(value) if value else None for value in (before, after))
        if was != now and path != "mode":
            yield Line(f"{new.kind}.{path}", was, now)


def _summed(rule: PlannedRule | None) -> str | None:
    """Return what was written of a rule, on one line."""
    if rule is None:
        return None
    parts = [] if rule.mode == "enforce" else [f"mode: {rule.mode}"]
    for path, value in rule.values.items():
        if value.source is not None and path != "mode":
            parts.append(f"{path}: {text(value)}")
    return "{" + ", ".join(parts) + "}"


def _risks(old: PlannedRule | None, new: PlannedRule | None) -> Iterator[str]:
    before, after = (rule if rule is not None and rule.live else None for rule in (old, new))
    if after is None:
        if before is not None:
            yield f"`{before.kind}` no longer holds"
    elif before is None:
        if after.mode == "enforce" and KINDS[after.kind].shadowable:
            yield f"MP506: `{after.kind}` is enforced at once, and was never in shadow"
    else:
        if (before.mode, after.mode) == ("enforce", "shadow"):
            yield f"`{after.kind}` only watches from now on"
        yield from KINDS[after.kind].risks(before.rule, after.rule)
