"""How many series of metrics a policy makes, against what a service can bear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.plan.against.about import About

BUDGET = 10_000
"""Series of one process; a scrape of more takes a tenth of a second, and every one is kept."""
OF_A_HISTOGRAM = 3
"""Its sum, its count and the bucket without a bound."""
BESIDES = 6
"""Four outcomes, calls begun, calls under way."""


def look(each: Iterable[About]) -> Iterator[Diagnostic]:
    """Yield the monitor rule of the most functions, where all make more series than the budget."""
    series: Counter[Span] = Counter()
    functions: Counter[Span] = Counter()
    for about in each:
        rule = about.rule("monitor")
        if rule is not None and rule.rule.metrics:
            series[rule.source] += len(rule.rule.buckets) + OF_A_HISTOGRAM + BESIDES
            functions[rule.source] += 1
    total = sum(series.values())
    if total > BUDGET:
        span, most = max(series.items(), key=lambda one: (one[1], one[0]))
        yield Diagnostic(
            "MP901",
            f"{total:,} series of metrics, {most:,} of them for the {functions[span]:,} functions "
            f"of this rule: more than {BUDGET:,}",
            span,
            "warning",
            help="name fewer functions, give fewer `buckets`, or say `metrics: false`",
        )
