"""The series of one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mlpolicy.core.metrics import UNTAGGED, Meters
from mlpolicy.core.site import Site
from mlpolicy.rules.monitor.rule import MonitorRule
from mlpolicy.rules.monitor.summary import name_of

MOST_ERROR_TYPES: Final = 50


class Counts:
    """The series of one function.

    One record of `durations` is all that is kept of the end of a call: its seconds, tagged
    with how it ended unless well, and with the class of its error.
    Without `metrics` everything is counted all the same, where nobody reads it.
    """

    def __init__(self, rule: MonitorRule, site: Site) -> None:
        meters = self._meters = site.meters if rule.metrics else Meters()
        labels = {name: site.hide(value) for name, value in rule.labels.items()}
        labels = self._labels = {"function": site.target, **labels}
        self._error_tags: dict[str, str] = {}
        name, help = "mlpolicy_calls_begun_total", "Calls, counted when they begin."
        self.begun = meters.counter(name, help, **labels)
        self.begun.number_from_one()
        buckets = [float(bound) for bound in rule.buckets]
        name, help = "mlpolicy_call_duration_seconds", "Seconds that calls took."
        self.durations = meters.durations(name, help, buckets, **labels)
        name, help = "mlpolicy_calls_total", "Calls that ended, by how."
        for outcome in ("ok", "error", "refused", "fallback"):
            tag = UNTAGGED if outcome == "ok" else outcome
            meters.tally(name, help, self.durations, tag=tag, **labels, outcome=outcome)
        self.predictions: Callable[[object], None] | None = None
        """Counts a result by its label, where that is asked for."""
        if rule.labels_from is not None:
            from mlpolicy.rules.monitor.labels import Predictions

            self.predictions = Predictions(rule.labels_from, meters, labels).count
        name, help = "mlpolicy_in_flight", "Calls under way."
        meters.gauge(name, help, self._in_flight, shared=False, **labels)
        name = "mlpolicy_slo_target"
        help = "What is expected: seconds for p99, a share for error_rate."
        for objective in ("p99", "error_rate"):
            wanted = getattr(rule.slo, objective, None)
            if wanted is None:  # (a policy before this one may have shown it)
                meters.drop(name, **labels, objective=objective)
            else:
                show = float(wanted).__float__
                meters.gauge(name, help, show, shared=True, **labels, objective=objective)

    def _in_flight(self) -> float:
        ended = self.durations.count()  # (first: what begins meanwhile is in flight at least)
        return max(0, self.begun.value() - ended)

    def error_tag(self, cls: type[BaseException]) -> str:
        """Return the tag of the records of that class, which is a series from then on."""
        error_type = name_of(cls)
        if error_type not in self._error_tags:
            if len(self._error_tags) >= MOST_ERROR_TYPES:
                error_type = "other"
            tag, labels = f"error_type={error_type}", {**self._labels, "error_type": error_type}
            name, help = (
                "mlpolicy_errors_total",
                "Calls that raised, by the class of what they raised.",
            )
            self._meters.tally(name, help, self.durations, tag=tag, **labels)
            self._error_tags[error_type] = tag
        return self._error_tags[error_type]
