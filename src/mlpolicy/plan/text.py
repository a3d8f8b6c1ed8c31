"""A plan in words: what holds, where each value comes from, what lost against it, and how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from mlpolicy.core.given import path_of
from mlpolicy.core.quantity import Ratio
from mlpolicy.core.redact import HIDDEN, redacted, without
from mlpolicy.model.policy import CODE
from mlpolicy.plan.plan import Plan, PlannedRule, Rank, Value
from mlpolicy.plan.worst import worst_case

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
    if worst:
        lines += ["", *worst]
    return "\n".join(lines)


def _rule(rule: PlannedRule) -> Iterator[str]:
    yield f"  {rule.kind}{without(_mode(rule), rule.secrets)}  {rule.source.place}"
    rows = [(path, text(value), origin(value)) for path, value in rule.values.items()]
    wide = _width(row[0] for row in rows), _width(row[1] for row in rows)
    for path, value, source in rows:
        yield f"    {path:<{wide[0]}}  {value:<{wide[1]}}  {source}".rstrip()
        for lost in reversed(rule.lost.get(path, ())):
            yield f"      {'beats':>{wide[0] - 2}}  {text(lost):<{wide[1]}}  {_loser(rule, path, lost)}"


def _mode(rule: PlannedRule) -> str:
    """Return how a rule holds, where that is not simply so."""
    control = rule.control
    parts: list[str] = [] if rule.mode == "enforce" else [rule.mode]
    if control is not None and control.mode != rule.mode and control.mode == "enforce":
        end = control.ends()
        expired = end is not None and end <= datetime.now(UTC)
        parts = [f"{rule.mode}: {'expired' if expired else 'switched off'}"]
    if rule.rollout is not None:
        by = f" by {rule.rollout.by}" if rule.rollout.by else ""
        parts.append(
            f"{Ratio(rule.rollout.percent)} of the calls{by}, else {rule.rollout.otherwise}"
        )
    if control is not None and control.expires is not None:
        parts.append(f"until {control.expires}")
    return f"  ({', '.join(parts)})" if parts else ""


def _loser(rule: PlannedRule, path: str, lost: Value) -> str:
    winner = rule.values.get(path)
    return f"{origin(lost)} ({why(lost, winner)})"


def why(lost: Value, winner: Value | None) -> str:
    """Return why *lost* lost against *winner*."""
    if winner is None or lost.rank is None or winner.rank is None:
        return "set again"
    if lost.rank[0] < -1:
        return "what the code says only fills in"
    if lost.rank[0] < 0:
        return "defaults only fill in" if winner.rank[0] >= 0 else "defaults of an import"
    if winner.rank[0] > 1:
        return "set on the command line"
    return _compared(lost.rank, winner.rank)


def _compared(lost: Rank, winner: Rank) -> str:
    for part, (one, other) in enumerate(zip(lost, winner, strict=True)):
        if one != other:
            return _RANKS[part]
    return "equal rank, the same value"


def _width(texts: Iterable[str]) -> int:
    return min(max((len(text) for text in texts), default=0), _WIDEST)


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


_WORDS = {None: "null", True: "true", False: "false"}


def origin(value: Value) -> str:
    """Return where *value* was set: place, part of the file, and the variables in it."""
    if value.source is None:
        return "built in"
    span, layer = value.source, value.layer or value.policy
    if span.file.startswith(COMMAND_LINE):
        return span.file
    return " ".join(part for part in (str(span), layer, value.written) if part)


def content(rule: PlannedRule) -> dict[str, Any]:
    """Return *rule* as plain values, with where each comes from and what it beats."""
    return {
        "kind": rule.kind,
        "mode": rule.mode,
        "source": rule.source.place,
        "values": {
            path: {
                **_value(value),
                "beats": [
                    {**_value(one), "why": why(one, value)} for one in rule.lost.get(path, ())
                ],
            }
            for path, value in rule.values.items()
        },
    }


def _value(value: Value) -> dict[str, Any]:
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
