"""What `mlpolicy doctor` says of this machine's memory, and of limits that it cannot keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlpolicy.core.kind import MachineCheck
from mlpolicy.core.quantity import ByteSize
from mlpolicy.rules.memory.limits import LIMIT_VARIABLE, Limits


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
