"""A retry rule in a plan: beside other rules and a deadline, at worst, and in place of an older one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlpolicy.core.kind import Clash, Worst
from mlpolicy.core.quantity import Duration
from mlpolicy.rules.retry.check import OF_PAUSES, worst_asked, worst_pause

if TYPE_CHECKING:
    from mlpolicy.rules.retry.rule import RetryRule


def clashes(rule: RetryRule, beside: Mapping[str, Any], deadline: float | None) -> Iterator[Clash]:
    """Yield pauses beyond the deadline, and a retry of refusals that adds to the pressure."""
    if deadline is not None and (pauses := worst_pause(rule)) > deadline:
        yield Clash(
            "MP601",
            f"{rule.max_attempts} attempts may pause for {_time(pauses)} together, "
            f"the deadline is {Duration(deadline)}",
            OF_PAUSES,
            "fewer attempts, shorter delays, or `max_elapsed` below the deadline",
            with_deadline=True,
        )
    if "memory" not in beside or rule.retry_after.respect:
        return
    if any(text.rpartition(".")[2] == "MemoryPressure" for text in rule.retry_on):
        yield Clash(
            "MP806",
            "calls that were refused for memory are made again, and their pause is not respected",
            ("retry_on",),
            "write `retry_after: {respect: true}`, or leave MemoryPressure out",
        )


def worst(rule: RetryRule, calls: int) -> Worst:
    """Return the attempts of a call and the pauses between them."""
    pauses, asked = worst_pause(rule), worst_asked(rule)
    lines = [f"pauses {_time(pauses)}{_bound(rule, pauses)}"]
    if asked is not None and asked > pauses:
        each = f"{rule.max_attempts - 1} x {rule.retry_after.max} (retry_after.max)"
        text = f"pauses asked for by Retry-After: up to {_time(asked)}, {each}"
        lines.append(f"{text}{_bound(rule, asked)}")
    return Worst(rule.max_attempts, pauses * calls, (asked or 0.0) * calls, tuple(lines))


def risks(old: RetryRule, new: RetryRule) -> Iterator[str]:
    """Yield what to look at twice: more calls, longer pauses, more errors that are retried."""
    before, after = worst_pause(old), worst_pause(new)
    if new.max_attempts > old.max_attempts or after > before:
        attempts = f"max_attempts {old.max_attempts} → {new.max_attempts}"
        raised = f"the worst case {_time(before)} → {_time(after)}"
        changed = f"{attempts} " if new.max_attempts != old.max_attempts else "a longer pause "
        yield f"{changed}raises {raised}" if after > before else f"{attempts}: more calls for each"
    more = [name for name in new.retry_on if name not in old.retry_on]
    if more:
        yield f"retries more: {', '.join(more)}"


def _bound(rule: RetryRule, pauses: float) -> str:
    bound = rule.max_elapsed is not None and pauses >= float(rule.max_elapsed)
    return " (max_elapsed bounds them)" if bound else ""


def _time(seconds: float) -> str:
    return str(Duration.worked_out(seconds))
