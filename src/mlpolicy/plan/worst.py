"""The longest that rules can make a call last, with the sum that gives it."""

from __future__ import annotations

from typing import Any

from mlpolicy.core.quantity import Duration
from mlpolicy.core.words import many
from mlpolicy.plan.plan import Plan
from mlpolicy.rules.retry.check import worst_asked, worst_pause


def worst_case(plan: Plan) -> list[str]:
    """Return what `explain` says of the longest time that rules add to a call; no lines if none."""
    parts: list[str] = []
    calls, pauses, asked, waits = 1, 0.0, None, 0.0
    retry, memory = _holds(plan, "retry"), _holds(plan, "memory")
    wait = getattr(memory, "wait", None)
    if retry is not None:
        calls = retry.max_attempts
        pauses, asked = worst_pause(retry), worst_asked(retry)
        parts.append(f"pauses {_time(pauses)}{_bound(retry, pauses)}")
        if asked is not None and asked > pauses:
            each = f"{calls - 1} x {retry.retry_after.max} (retry_after.max)"
            told = f"pauses asked for by Retry-After: up to {_time(asked)}, {each}"
            parts.append(f"{told}{_bound(retry, asked)}")
    if wait:
        waits = float(wait) * calls
        parts.append(f"waits for memory {f'{calls} x {wait}' if calls > 1 else wait}")
    if not parts:
        return []
    own, most = _within(plan, pauses + waits), _within(plan, (asked or 0.0) + waits)
    more = f", up to {_time(most)} where the other side asks by Retry-After" if most > own else ""
    lines = [f"  worst case: {many(calls, 'call')} + {_time(own)}{more}"]
    lines += [f"    {text}" for text in parts]
    if plan.deadline is not None:
        lines.append(f"    deadline {_time(plan.deadline)}: no pause and no wait goes beyond it")
    return lines


def _holds(plan: Plan, kind: str) -> Any:
    rule = plan.rule(kind)
    return rule.rule if rule is not None and rule.mode == "enforce" else None


def _bound(retry: Any, pauses: float) -> str:
    bound = retry.max_elapsed is not None and pauses >= float(retry.max_elapsed)
    return " (max_elapsed bounds them)" if bound else ""


def _within(plan: Plan, seconds: float) -> float:
    return seconds if plan.deadline is None else min(seconds, plan.deadline)


def _time(seconds: float) -> str:
    return str(Duration.worked_out(seconds))
