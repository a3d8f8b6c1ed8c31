"""The longest that rules can make a call last, with the sum that gives it."""

from __future__ import annotations

from typing import Any

from mlpolicy.core.quantity import Duration
from mlpolicy.core.words import many
from mlpolicy.plan.plan import Plan
from mlpolicy.rules.retry.check import worst_pause


def worst_case(plan: Plan) -> list[str]:
    """Return what `explain` says of the longest time that rules add to a call; no lines if none."""
    parts: list[tuple[str, float]] = []
    calls = 1
    retry, memory = _holds(plan, "retry"), _holds(plan, "memory")
    wait = getattr(memory, "wait", None)
    if retry is not None:
        calls = retry.max_attempts
        pauses = worst_pause(retry)
        bound = " (max_elapsed bounds them)" if _is_bound(retry, pauses) else ""
        parts.append((f"pauses {_time(pauses)}{bound}", pauses))
    if wait:
        total = float(wait) * calls
        counted = f"{calls} x {wait}" if calls > 1 else str(wait)
        parts.append((f"waits for memory {counted}", total))
    if not parts:
        return []
    added = sum(length for _, length in parts)
    if plan.deadline is not None:
        added = min(added, plan.deadline)
    lines = [f"  worst case: {many(calls, 'call')} + {_time(added)}"]
    lines += [f"    {text}" for text, _ in parts]
    if plan.deadline is not None:
        lines.append(f"    deadline {_time(plan.deadline)}: no pause and no wait goes beyond it")
    return lines


def _holds(plan: Plan, kind: str) -> Any:
    rule = plan.rule(kind)
    return rule.rule if rule is not None and rule.mode == "enforce" else None


def _is_bound(retry: Any, pauses: float) -> bool:
    return retry.max_elapsed is not None and pauses >= float(retry.max_elapsed)


def _time(seconds: float) -> str:
    return str(Duration.worked_out(seconds))
