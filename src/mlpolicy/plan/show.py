"""A plan for people and programs: what holds, where each value comes from, and what changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import many
from mlpolicy.core.quantity import Duration, Ratio
from mlpolicy.core.report import HIDDEN, redacted, without
from mlpolicy.core.target import path_of
from mlpolicy.model.policy import CODE
from mlpolicy.rules import KINDS

if TYPE_CHECKING:
    from mlpolicy.model.policy import Settings
    from mlpolicy.plan.plan import Plan, PlannedRule, Value

Change = Literal["added", "removed", "changed"]
SCHEMA: Final = "mlpolicy.plan/1"
COMMAND_LINE = "--set"
_WIDEST = 44
_RANKS = (
    "the other is final",
    "imported policies rank lower",
    "lower priority",
    "an exact target beats a pattern",
    "fewer literal components",
    "fewer literal characters",
    "fewer further conditions",
)
"""Why a value lost, by the first part of the rank in which it is lower."""
_WORDS = {None: "null", True: "true", False: "false"}


# --- for people -----------------------------------------------------------------------


def describe(plan: Plan) -> str:
    """Return what `mlpolicy explain` prints of *plan*."""
    order = " > ".join(rule.kind for rule in plan.rules) or "no rules"
    lines = [str(plan.target), f"  {order}  ({plan.mode})"]
    for name, span in zip(plan.policies, plan.sources, strict=False):
        who = "the code" if name == CODE else f"policy {name}"
        lines.append(f"  from {who} at {span.place}")
    for rule in plan.rules:
        lines += ["", *_rule(rule)]
    worst = worst_case(plan)
    return "\n".join([*lines, *(["", *worst] if worst else ())])


def _rule(rule: PlannedRule) -> Iterator[str]:
    yield f"  {rule.kind}{without(_mode(rule), rule.secrets)}  {rule.source.place}"
    rows = [(path, text(value), origin(value)) for path, value in rule.values.items()]
    wide = [min(max((len(row[at]) for row in rows), default=0), _WIDEST) for at in (0, 1)]
    for path, value, source in rows:
        yield f"    {path:<{wide[0]}}  {value:<{wide[1]}}  {source}".rstrip()
        for lost in reversed(rule.lost.get(path, ())):
            loser = f"{origin(lost)} ({_why(lost, rule.values.get(path))})"
            yield f"      {'beats':>{wide[0] - 2}}  {text(lost):<{wide[1]}}  {loser}"


def _mode(rule: PlannedRule) -> str:
    """Return how a rule holds, where that is not simply so."""
    control = rule.control
    parts: list[str] = [] if rule.mode == "enforce" else [rule.mode]
    if control is not None and control.mode != rule.mode and control.mode == "enforce":
        end = control.ends()
        expired = end is not None and end <= datetime.now(UTC)
        parts = [f"{rule.mode}: {'expired' if expired else 'switched off'}"]
    rollout = rule.rollout
    if rollout is not None:
        by = f" by {rollout.by}" if rollout.by else ""
        parts.append(f"{Ratio(rollout.percent)} of the calls{by}, else {rollout.otherwise}")
    if control is not None and control.expires is not None:
        parts.append(f"until {control.expires}")
    return f"  ({', '.join(parts)})" if parts else ""


def _why(lost: Value, winner: Value | None) -> str:
    """Return why *lost* lost against *winner*."""
    if winner is None or lost.rank is None or winner.rank is None:
        return "set again"
    if lost.rank[0] < -1:
        return "what the code says only fills in"
    if lost.rank[0] < 0:
        return "defaults only fill in" if winner.rank[0] >= 0 else "defaults of an import"
    if winner.rank[0] > 1:
        return "set on the command line"
    ranks = zip(_RANKS, lost.rank, winner.rank, strict=True)
    differing = (reason for reason, low, high in ranks if low != high)
    return next(differing, "equal rank, the same value")


def text(value: Value) -> str:
    """Return a value as a policy file would write it, secrets left out."""
    return HIDDEN if value.secret else redacted(shown(value.value))


def shown(value: Any) -> str:
    """Return *value* as a policy file would write it, on one line."""
    if hasattr(value, "model_dump") and not isinstance(value, type):
        value = dict(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return str(value) if isinstance(value, str | int | float | date) else path_of(value)


def origin(value: Value) -> str:
    """Return where *value* was set: place, part of the file, and the variables in it."""
    if value.source is None:
        return "built in"
    span, layer = value.source, value.layer or value.policy
    if span.file.startswith(COMMAND_LINE):
        return redacted(span.file)
    return redacted(" ".join(part for part in (str(span), layer, value.written) if part))


def worst_case(plan: Plan) -> list[str]:
    """Return what `explain` says of the longest time that rules add to a call; no lines if none."""
    calls, seconds, asked = 1, 0.0, 0.0
    parts: list[str] = []
    for rule in plan.rules:
        if rule.rule is not None and rule.mode == "enforce":
            worst = KINDS[rule.kind].worst_case(rule.rule, calls)
            calls *= worst.calls
            seconds += worst.seconds
            asked += worst.asked
            parts += worst.lines
    if not parts:
        return []
    if plan.deadline is not None:
        seconds, asked = min(seconds, plan.deadline), min(asked, plan.deadline)
        deadline = Duration.worked_out(plan.deadline)
        parts.append(f"deadline {deadline}: no pause and no wait goes beyond it")
    time, most = Duration.worked_out(seconds), Duration.worked_out(asked)
    more = f", up to {most} where the other side asks by Retry-After" if asked > seconds else ""
    sum = f"  worst case: {many(calls, 'call')} + {time}{more}"
    return [sum, *(f"    {part}" for part in parts)]


# --- for programs ---------------------------------------------------------------------


def content(rule: PlannedRule) -> dict[str, Any]:
    """Return *rule* as plain values, with where each comes from and what it beats."""
    values = {path: _sourced(value) for path, value in rule.values.items()}
    for path, value in rule.values.items():
        lost = rule.lost.get(path, ())
        values[path]["beats"] = [{**_sourced(one), "why": _why(one, value)} for one in lost]
    source = rule.source.place
    return {"kind": rule.kind, "mode": rule.mode, "source": source, "values": values}


def _sourced(value: Value) -> dict[str, Any]:
    span = value.source
    return {
        "value": text(value),
        "from": origin(value),
        "file": span.file if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "layer": value.layer or ("built in" if span is None else value.policy),
        "policy": value.policy or None,
    }


def compiled(plans: Iterable[Plan], *, environment: str | None = None) -> dict[str, Any]:
    """Return *plans* with a hash of what holds, and where each value comes from.

    The hash is of targets, rules and settings alone: moving a line or a file does not change it.
    """
    targets = [target(plan) for plan in plans]
    held: list[tuple[Any, ...]] = []
    for one in targets:
        rules = [[rule["kind"], rule["mode"], rule["settings"]] for rule in one["rules"]]
        held.append((one["target"], one["placement"], rules))
    hashed = json.dumps(sorted(held), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = f"sha256:{hashlib.sha256(hashed.encode()).hexdigest()}"
    return {"schema": SCHEMA, "environment": environment, "hash": digest, "targets": targets}


def target(plan: Plan) -> dict[str, Any]:
    """Return *plan* as plain values."""
    rules: list[dict[str, Any]] = []
    for rule in plan.rules:
        values = {path: value for path, value in sorted(rule.values.items()) if path != "mode"}
        settings = {path: text(value) for path, value in values.items()}
        sources = {path: str(value.source) for path, value in values.items() if value.source}
        row = {"kind": rule.kind, "mode": rule.mode, "settings": settings, "sources": sources}
        rules.append(row)
    return {
        "target": str(plan.target),
        "mode": plan.mode,
        "placement": plan.placement,
        "policies": list(plan.policies),
        "rules": rules,
    }


# --- what changes from one policy to another ------------------------------------------


@frozen()
class Difference:
    """What changes for one function."""

    target: str
    change: Change
    lines: tuple[tuple[str, str | None, str | None], ...]
    """Each setting that is another than it was, or a kind as a whole: its path (as in
    `retry.max_attempts`), the old value and the new one; None where there is none."""
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
            risks = tuple(risk for pair in pairs for risk in (*_risks(*pair), *_new_code(*pair)))
            found.append(Difference(name, change, lines, risks))
    return tuple(found)


def of_settings(old: Settings, new: Settings) -> tuple[Difference, ...]:
    """Return what changes in the code that rules may import and call."""
    lists = [[{str(one) for one in each} for each in side.allowed] for side in (old, new)]
    before, after = lists
    if before == after:
        return ()
    was, now = (
        " and ".join(f"[{', '.join(sorted(one))}]" for one in side) or "own package"
        for side in lists
    )
    # (a list less is more, a pattern more too; and no list has what the own package has)
    narrowed = all(any(one <= each for one in after) for each in before or [set[str]()])
    risk = "`settings.allow_call` was widened: rules may import and call more code"
    line = ("allow_call", was, now)
    return (Difference("settings", "changed", (line,), () if narrowed else (risk,)),)


def _by_target(plans: Iterable[Plan]) -> dict[str, dict[str, PlannedRule]]:
    return {str(plan.target): {rule.kind: rule for rule in plan.rules} for plan in plans}


def _lines(
    old: PlannedRule | None, new: PlannedRule | None
) -> Iterator[tuple[str, str | None, str | None]]:
    if old is None or new is None:
        kinds = [rule.kind for rule in (old, new) if rule is not None]
        yield kinds[0], _summed(old), _summed(new)
        return
    if old.mode != new.mode:
        yield f"{new.kind}.mode", old.mode, new.mode
    for path in dict.fromkeys((*old.values, *new.values)):
        before, after = (side.values.get(path) for side in (old, new))
        was, now = (text(value) if value else None for value in (before, after))
        if was != now and path != "mode":
            yield f"{new.kind}.{path}", was, now


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
        risks = KINDS[after.kind].ask("risk", before.rule, after.rule)
        yield from (without(one, (*before.secrets, *after.secrets)) for one in risks)


def _new_code(*sides: PlannedRule | None) -> Iterator[str]:
    had, has = ({text for text, *_ in one.imported()} if one else set() for one in sides)
    yield from (f"calls or imports `{text}`, which is new" for text in sorted(has - had))
