"""What changes for each function between two policies, and what to look at twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    before = {str(plan.target): plan for plan in old}
    after = {str(plan.target): plan for plan in new}
    found = (_of(name, before.get(name), after.get(name)) for name in sorted({*before, *after}))
    return tuple(one for one in found if one is not None)


def _of(name: str, old: Plan | None, new: Plan | None) -> Difference | None:
    lines = tuple(_lines(_rules(old), _rules(new)))
    if not lines:
        return None
    change: Change = "changed" if old and new else "added" if new else "removed"
    return Difference(name, change, lines, tuple(_risks(_rules(old), _rules(new))))


def _rules(plan: Plan | None) -> dict[str, PlannedRule]:
    return {rule.kind: rule for rule in plan.rules} if plan else {}


def _lines(old: Mapping[str, PlannedRule], new: Mapping[str, PlannedRule]) -> Iterator[Line]:
    for kind in dict.fromkeys((*old, *new)):
        before, after = old.get(kind), new.get(kind)
        if before is None or after is None:
            yield Line(kind, _summed(before), _summed(after))
            continue
        if before.mode != after.mode:
            yield Line(f"{kind}.mode", before.mode, after.mode)
        yield from _settings(kind, before, after)


def _summed(rule: PlannedRule | None) -> str | None:
    """Return what was written of a rule, on one line."""
    if rule is None:
        return None
    written = {path: value for path, value in rule.values.items() if value.source is not None}
    parts = [f"{path}: {text(value)}" for path, value in written.items() if path != "mode"]
    mode = [] if rule.mode == "enforce" else [f"mode: {rule.mode}"]
    return "{" + ", ".join([*mode, *parts]) + "}"


def _settings(kind: str, old: PlannedRule, new: PlannedRule) -> Iterator[Line]:
    for path in dict.fromkeys((*old.values, *new.values)):
        if path == "mode":
            continue
        before, after = old.values.get(path), new.values.get(path)
        was = text(before) if before else None
        is_now = text(after) if after else None
        if was != is_now:
            yield Line(f"{kind}.{path}", was, is_now)


# --- risks ----------------------------------------------------------------------------


def _risks(old: Mapping[str, PlannedRule], new: Mapping[str, PlannedRule]) -> Iterator[str]:
    old, new = ({kind: one for kind, one in side.items() if one.live} for side in (old, new))
    for kind in dict.fromkeys((*old, *new)):
        before, after = old.get(kind), new.get(kind)
        if before is not None and after is None:
            yield f"`{kind}` no longer holds"
        elif after is not None and before is None:
            if after.mode == "enforce" and KINDS[kind].shadowable:
                yield f"MP506: `{kind}` is enforced at once, and was never in shadow"
        elif before is not None and after is not None:
            if (before.mode, after.mode) == ("enforce", "shadow"):
                yield f"`{kind}` only watches from now on"
            yield from KINDS[kind].risks(before.rule, after.rule)
