"""A memory rule in a plan: beside a deadline, at worst, and in place of an older one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlpolicy.core.kind import Clash, Worst
from mlpolicy.core.quantity import Duration

if TYPE_CHECKING:
    from mlpolicy.rules.memory.rule import MemoryRule


def clashes(rule: MemoryRule, _: Mapping[str, Any], deadline: float | None) -> Iterator[Clash]:
    """Yield a wait that is longer than the deadline."""
    if deadline is not None and rule.wait is not None and rule.wait > deadline:
        yield Clash(
            "MP803",
            f"a call may wait {rule.wait} for memory, the deadline is {Duration(deadline)}",
            ("wait",),
            "wait for less than the deadline",
            with_deadline=True,
        )


def worst(rule: MemoryRule, calls: int) -> Worst:
    """Return the wait before each of the calls."""
    if not rule.wait:
        return Worst()
    each = f"{calls} x {rule.wait}" if calls > 1 else f"{rule.wait}"
    wait = float(rule.wait) * calls
    return Worst(1, wait, wait, (f"waits for memory {each}",))


def risks(old: MemoryRule, new: MemoryRule) -> Iterator[str]:
    """Yield what to look at twice: calls that are held back earlier, or later."""
    for name in ("act_at", "reject_at"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after and before is not None and after is not None:
            when = "earlier" if after < before else "later"
            yield f"{name} {before} → {after}: calls are held back {when}"
