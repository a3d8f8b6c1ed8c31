"""What a memory rule means: by itself, beside a deadline, at worst, and in place of an older one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlpolicy.core.kind import Clash, Worst
from mlpolicy.core.quantity import Duration, oddest
from mlpolicy.rules.memory.levels import ORDER

if TYPE_CHECKING:
    from mlpolicy.rules.memory.rule import MemoryRule

_SHORTEST_INTERVAL = 1.0


def check(rule: MemoryRule) -> Iterator[tuple[str, str, str]]:
    """Yield (code, field, message) for each doubt about *rule*."""
    # Those that are not written find a place between the others, if there is one.
    written = [name for name in ORDER if name in rule.model_fields_set]
    for lower, upper in pairwise(written):
        low, high = getattr(rule, lower), getattr(rule, upper)
        if low > high:
            text = f"`{upper}` of {high} is below `{lower}`, {low}"
            yield "MP801", oddest(rule, high=[lower], low=[upper]), text
    given, on_pressure = "default" in rule.model_fields_set, rule.on_pressure
    if on_pressure == "default" and not given:
        yield "MP011", "on_pressure", "`memory` needs `default`, which refused calls are to get"
    if given and on_pressure != "default":
        text = f"a `default` is given with `on_pressure: default` alone, this is `{on_pressure}`"
        yield "MP010", "default", text
    if rule.relieve and rule.relieve_interval < _SHORTEST_INTERVAL:
        text = f"relief every {rule.relieve_interval} stops the process again and again"
        yield "MP804", "relieve_interval", f"{text}: 1s or more is expected"


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
