"""What is counted of the calls of one function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mlpolicy.core.durations import UNTAGGED
from mlpolicy.core.metrics import Meters
from mlpolicy.rules.monitor.summary import name_of

if TYPE_CHECKING:
    from mlpolicy.core.site import Site
    from mlpolicy.rules.monitor.rule import MonitorRule

CALLS: Final = "mlpolicy_calls_total"
CALLS_HELP: Final = "Calls that ended, by how."
ERRORS_HELP: Final = "Calls that raised, by the class of what they raised."
SLO: Final = "mlpolicy_slo_target"
SLO_HELP: Final = "What is expected: seconds for p99, a share for error_rate."
MOST_ERROR_TYPES: Final = 50
OTHER: Final = "other"


class Counts:
    """The series of one function.

    One record of `durations` is all that is kept of the end of a call: its seconds, tagged
    with how it ended unless well, and with the class of its error.
    Without `metrics` everything is counted all the same, where nobody reads it.
    """

    def __init__(self, rule: MonitorRule, site: Site) -> None:
        meters = self._meters = site.meters if rule.metrics else Meters()
        labels = {name: site.hide(value) for name, value in rule.labels.items()}
        self._labels = {"function": site.target, **labels}
        self._error_tags: dict[str, str] = {}
        self.begun = meters.counter(
            "mlpolicy_calls_begun_total", "Calls, counted when they begin.", **self._labels
        )
        self.begun.number_from_one()
        buckets = [float(bound) for bound in rule.buckets]
        self.durations = meters.durations(
            "mlpolicy_call_duration_seconds", "Seconds that calls took.", buckets, **self._labels
        )
        for outcome in ("ok", "error", "refused", "fallback"):
            tag = UNTAGGED if outcome == "ok" else outcome
            series = {**self._labels, "outcome": outcome}
            meters.tally(CALLS, CALLS_HELP, self.durations, tag=tag, **series)
        name, help = "mlpolicy_in_flight", "Calls under way."
        meters.gauge(name, help, self._in_flight, shared=False, **self._labels)
        self._show_target("p99", rule.slo.p99 if rule.slo else None)
        self._show_target("error_rate", rule.slo.error_rate if rule.slo else None)

    def _show_target(self, objective: str, wanted: float | None) -> None:
        labels = {**self._labels, "objective": objective}
        if wanted is None:
            self._meters.drop(SLO, **labels)  # (a policy before this one may have shown it)
        else:
            shown = float(wanted)
            self._meters.gauge(SLO, SLO_HELP, lambda: shown, shared=True, **labels)

    def _in_flight(self) -> float:
        ended = self.durations.count()  # (first: what begins meanwhile is in flight at least)
        return max(0, self.begun.value() - ended)

    def error_tag(self, cls: type[BaseException]) -> str:
        """Return the tag of the records of that class, which is a series from then on."""
        name = name_of(cls)
        tag = self._error_tags.get(name)
        if tag is None:
            label = name if len(self._error_tags) < MOST_ERROR_TYPES else OTHER
            tag = f"error_type={label}"
            series = {**self._labels, "error_type": label}
            self._meters.tally(
                "mlpolicy_errors_total", ERRORS_HELP, self.durations, tag=tag, **series
            )
            if label != OTHER:
                self._error_tags[name] = tag
        return tag
