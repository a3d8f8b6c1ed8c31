"""What a memory rule means: by itself, beside others, and on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlpolicy.core.kind import Clash, MachineCheck, Worst
from mlpolicy.core.quantity import ByteSize, Duration, oddest
from mlpolicy.rules.memory.levels import ORDER
from mlpolicy.rules.memory.limits import LIMIT_VARIABLE, Limits

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


def doctor(rules: Mapping[str, Mapping[str, Any]]) -> Iterator[MachineCheck]:
    """Yield what is in use here, then what is wrong with the rules of each function."""
    reading = Limits().read()
    if reading is None:
        yield MachineCheck("memory", "warn", "nothing can be read", f"set {LIMIT_VARIABLE}=4GiB")
        return
    used, limit = _size(reading.used), _size(reading.limit)
    yield MachineCheck("memory", "ok", f"{used} of {limit} ({reading.share:.0%}), by {reading.of}")
    for target, by_kind in rules.items():
        if "memory" in by_kind:
            yield from _of_rule(target, by_kind["memory"], by_kind.get("cache"))


def _of_rule(target: str, rule: Any, cache: Any) -> Iterator[MachineCheck]:
    """Yield what the machine says of a limit (MP802), and of a cache beside the rule (MP708)."""
    reading = Limits(measure=rule.measure).read()
    if reading is None:
        return
    if isinstance(rule.limit, int) and rule.limit > reading.limit:
        of_machine = f"{ByteSize(reading.limit)}, {reading.of}"
        text = f"MP802: `limit: {ByteSize(rule.limit)}` is above {of_machine}"
        yield MachineCheck(target, "fail", text, "leave `limit` out, or write less")
    most = getattr(cache, "max_bytes", None)
    short = ByteSize(int(rule.act_at * reading.limit))
    if most is not None and rule.limit == "auto" and most >= short:
        text = f"MP708: the cache may hold {most}, and memory is short from {short} on"
        yield MachineCheck(target, "warn", text, "write a `max_bytes` that leaves room")


def _size(count: float) -> str:
    unit, name = (2**30, "GiB") if count >= 2**30 else (2**20, "MiB")
    return f"{count / unit:.1f}{name}"
