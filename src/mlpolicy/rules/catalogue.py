"""Every metric of mlpolicy, for what is made from their names: dashboards, alerts, a page.

The steps name their own; a test holds that both say the same.
"""

from __future__ import annotations

from typing import Final, cast

from mlpolicy.core.classes import frozen
from mlpolicy.core.metrics import FamilyKind

# Name, `*` where a series begins with its first event; kind; labels; the rule that makes it; help.
_TABLE: Final = """
calls_begun_total | counter | function | monitor | Calls, counted when they begin.
calls_total | counter | function outcome | monitor | Calls that ended, by how.
call_duration_seconds | histogram | function | monitor | Seconds that calls took.
in_flight | gauge | function | monitor | Calls under way.
errors_total* | counter | function error_type | monitor | Calls that raised, by the class of what they raised.
slo_target | gauge | function objective | monitor | What is expected: seconds for p99, a share for error_rate.
predictions_total | counter | function label | monitor | Results of calls, by the label that `labels_from` finds in them.
dropped_events_total* | counter | sink reason | monitor | Events that did not reach their sink.
record_deleted_total* | counter | reason | monitor | Events that left the record, by why.
drift_score | gauge | function signal | monitor | How far the last window is from the profile.
drift_threshold | gauge | function signal | monitor | What the score of a drift is above.
drift_state | gauge | function signal | monitor | 0 ok, 1 warn, 2 drift.
drift_windows_total | counter | function signal state | monitor | Windows, by what each said of the signal.
drift_expected_false_alarms | gauge | function | monitor | False drifts that the windows so far have made, at most, on average.
attempts_total | counter | function outcome | retry | Attempts that failed, or succeeded after a failure.
retries_total | counter | function reason | retry | Calls whose first attempt failed, by how they ended.
cache_requests_total | counter | function result | cache | Calls of a function with a cache, by what the cache gave.
cache_evictions_total | counter | function reason | cache | Entries that a cache let go: for want of room, or because they had expired.
cache_entries | gauge | function | cache | Entries in a cache.
validation_failures_total | counter | function check field | validate | Checks that arguments or results did not pass.
memory_used_bytes | gauge | function | memory | Memory in use when it was last read, as the rule of the function measures it.
memory_limit_bytes | gauge | function | memory | Memory that there is, for the rule of the function.
memory_decisions_total | counter | function decision | memory | What memory rules decided, other than to let a call go on at once.
refusals_total | counter | function kind | | Calls that were refused, by the kind of rule.
shadow_total | counter | function kind would | | What rules in shadow mode would have done.
engine_errors_total* | counter | function | | Rules that stood aside by a bug.
targets | gauge | state | | Targets of the policy by what became of them.
"""


@frozen()
class Metric:
    """One family of series, as Prometheus has it."""

    name: str
    kind: FamilyKind
    help: str
    labels: tuple[str, ...]
    """Those of ours; `labels` of a monitor rule adds its own."""
    unit: str
    rule: str
    """The kind of rule that makes it; none where any does."""
    late: bool
    """Whether a series begins with its first event, and not as a zero when a function is placed."""

    @property
    def series(self) -> tuple[str, ...]:
        """The names of what Prometheus keeps of it."""
        parts = ("_bucket", "_sum", "_count") if self.kind == "histogram" else ("",)
        return tuple(f"{self.name}{part}" for part in parts)


def _metric(row: str) -> Metric:
    name, kind, labels, rule, help = (cell.strip() for cell in row.split("|"))
    full, last = f"mlpolicy_{name.rstrip('*')}", name.rpartition("_")[2]
    return Metric(
        full,
        cast("FamilyKind", kind),
        help,
        tuple(labels.split()),
        last if last in ("seconds", "bytes") else "",
        rule,
        name.endswith("*"),
    )


METRICS: Final = tuple(map(_metric, _TABLE.strip().splitlines()))
"""Each one that there is, or that a policy may ask for."""
