"""What is wrong with the meaning of a `monitor` rule."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mlpolicy.rules.monitor.rule import LogBlock, MonitorRule


def check(rule: MonitorRule) -> Iterator[tuple[str, str, str]]:
    """Yield (code, field, message) for each thing that is wrong."""
    if not rule.buckets or any(low >= high for low, high in pairwise(rule.buckets)):
        yield "MP902", "buckets", "`buckets` must ascend, and hold at least one bound"
    if isinstance(rule.log, LogBlock) and rule.log.inputs == "full" and not rule.log.redact:
        yield (
            "MP903",
            "log.inputs",
            "`inputs: full` writes arguments as they are: name what must not be written in `redact`",
        )
