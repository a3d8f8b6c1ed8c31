"""What is wrong with the meaning of a `monitor` rule."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from mlpolicy.core.kind import Lacking
from mlpolicy.rules.monitor.rule import LogBlock, MonitorRule

if TYPE_CHECKING:
    from mlpolicy.core.diagnostic import Diagnostic
    from mlpolicy.core.site import Function


def check(rule: MonitorRule) -> Iterator[tuple[str, ...]]:
    """Yield (code, field, message), perhaps with a remedy, for each thing that is wrong."""
    if not rule.buckets:
        yield "MP902", "buckets", "`buckets` must hold at least one bound"
        return
    for number, (low, high) in enumerate(pairwise(rule.buckets), 1):
        if low >= high:
            text = f"`buckets` must ascend: {high} stands after {low}"
            yield "MP902", f"buckets.{number}", text
            return
    p99 = rule.slo.p99 if rule.slo is not None else None
    if p99 is not None and not rule.buckets[0] <= p99 <= rule.buckets[-1]:
        span = f"{rule.buckets[0]} to {rule.buckets[-1]}"
        text = f"a p99 of {p99} cannot be told from buckets of {span}"
        yield "MP907", "slo.p99", text, "widen `buckets`, or correct the unit"
    log = rule.log if isinstance(rule.log, LogBlock) else LogBlock()
    if log.inputs == "full" and not log.redact and not log.redact_patterns:
        text = (
            "`inputs: full` writes arguments as they are: name what must not be written in `redact`"
        )
        yield Lacking(("MP903", "log.inputs", text))
    if rule.drift is not None:
        from mlpolicy.rules.monitor.drift.place import check as of_drift

        yield from of_drift(rule.drift)


def lint(rule: MonitorRule, function: Function) -> Iterator[Diagnostic]:
    """Yield what is wrong with the profile that drift of *function* is measured by."""
    if rule.drift is not None:
        from mlpolicy.rules.monitor.drift.place import lint as of_drift

        yield from of_drift(rule, function)
