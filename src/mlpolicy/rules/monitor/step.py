"""What a monitor does at a call: a number, two readings of the clock, one append."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from mlpolicy.core import chance, clock
from mlpolicy.core.block import Lines, Loom, indented
from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import say_once
from mlpolicy.core.step import Step
from mlpolicy.errors import CallRefused
from mlpolicy.rules.monitor.event import SEVERITY, Happened, Outcome, current_trace, event
from mlpolicy.rules.monitor.rate import Rate
from mlpolicy.rules.monitor.sinks import SINKS
from mlpolicy.rules.monitor.sinks.exporter import EXPORTER, dropped
from mlpolicy.rules.monitor.sinks.sink import Sink
from mlpolicy.rules.monitor.summary import content, summaries, summary

if TYPE_CHECKING:
    from mlpolicy.core.metrics import Counter
    from mlpolicy.core.site import Site
    from mlpolicy.rules.monitor.rule import LogBlock, MonitorRule

FOLD_EVERY: Final = 4096
"""Calls after which the recorded durations are folded into buckets."""
MOST_ERROR_TYPES: Final = 50
OTHER: Final = "other"
NEVER: Final = math.inf
FAILURES: Final = (10.0, 50.0)
"""Failed calls a second that are logged, and how many at once."""
THINNED: Final = 64
SAMPLES: Final = (100.0, 200.0)
"""The same of sampled calls: a share of a million calls a second would be a flood."""
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


class MonitorStep(Step):
    """Counts, times and logs the calls of one function."""

    kind: ClassVar[str] = "monitor"
    due: float = NEVER
    """The number of the call at which something more is to be done."""

    def __init__(
        self,
        rule: MonitorRule,
        site: Site,
        *,
        draw: Callable[[], float] = chance.draw,
        now: clock.Clock = clock.now,
    ) -> None:
        super().__init__(rule, site)
        self._draw = draw
        self._now = now
        self._lock = threading.Lock()
        self._failures = Rate(*FAILURES, now=now)
        self._samples = Rate(*SAMPLES, now=now)
        self._log = _log_of(rule)
        self._sample = float(self._log.sample) if self._log else 0.0
        self._register()
        self._next_sample = self._gap()
        self._next_fold: float = FOLD_EVERY if rule.metrics else NEVER
        self.due = min(self._next_sample, self._next_fold)
        self._sinks = {name: SINKS[name] for name in dict.fromkeys(rule.sinks)}
        if rule.metrics and site.meters is METERS:
            for name, sink in self._sinks.items():
                _begin(name, sink)

    def _register(self) -> None:
        meters, rule = self.site.meters, self.rule
        labels = {name: self.site.hide(value) for name, value in rule.labels.items()}
        self._labels = {"function": self.site.target, **labels}
        self._begun = meters.counter(
            "mlpolicy_calls_begun_total", "Calls, counted when they begin.", **self._labels
        )
        self._begun.number_from_one()
        buckets = [float(bound) for bound in rule.buckets]
        self._durations = meters.durations(
            "mlpolicy_call_duration_seconds", "Seconds that calls took.", buckets, **self._labels
        )
        self._outcomes: dict[str, Counter] = {
            outcome: meters.counter(CALLS, CALLS_HELP, **self._labels, outcome=outcome)
            for outcome in ("error", "refused", "fallback")
        }
        self._error_types: dict[str, Counter] = {}
        meters.counted(CALLS, CALLS_HELP, self._went_well, **self._labels, outcome="ok")
        name, help_ = "mlpolicy_in_flight", "Calls under way."
        meters.gauge(name, help_, self._in_flight, shared=False, **self._labels)
        self._show_target("p99", rule.slo and rule.slo.p99)
        self._show_target("error_rate", rule.slo and rule.slo.error_rate)

    def _show_target(self, objective: str, wanted: float | None) -> None:
        labels = {**self._labels, "objective": objective}
        if wanted is None:
            self.site.meters.drop(SLO, **labels)  # (a policy before this one may have shown it)
        else:
            shown = float(wanted)
            self.site.meters.gauge(SLO, SLO_HELP, lambda: shown, shared=False, **labels)

    def _went_well(self) -> float:
        """Return how many calls ended well: all that ended, less the others."""
        others = sum(counter.value() for counter in self._outcomes.values())
        return max(0, self._durations.count() - others)

    def _in_flight(self) -> float:
        return max(0, self._begun.value() - self._durations.count())

    # --- at a call --------------------------------------------------------------------

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return *inner*, numbered, timed and watched."""
        number = loom.number_calls(self._begun.add)
        error, elapsed = loom.local("error"), loom.local("elapsed")
        failed = loom.method("monitor_failed", self.call_failed)
        ended = loom.method("monitor_ended", self.call_ended)
        arguments = self._arguments(loom)
        return [
            "try:",
            *indented(inner),
            f"except {loom.constant('BaseException', BaseException)} as {error}:",
            f"    {failed}({error}, {number}, {loom.now()}, {arguments})",
            "    raise",
            f"{elapsed} = {loom.clock()}() - {loom.now()}",
            f"{loom.constant('record', self._durations.record)}({elapsed})",
            f"if {' or '.join(self._occasions(number, elapsed, loom))}:",
            f"    {ended}({number}, {elapsed}, {loom.result}, {arguments})",
        ]

    def _occasions(self, number: str, elapsed: str, loom: Loom) -> Lines:
        """Return the conditions under which there is more to do when a call has gone well."""
        found = [f"{number} >= {loom.constant('step', self)}.due"]
        if self.site.notes is not None and self.site.kinds - {self.kind}:
            notes = loom.constant("notes", self.site.notes)
            found.append(f"{notes} and {number} in {notes}")
        if self._log is not None and self._log.slow is not None:
            found.append(f"{elapsed} >= {float(self._log.slow)!r}")
        return found

    def _arguments(self, loom: Loom) -> str:
        if self._log is None or self._log.inputs == "none":
            return "None"
        pairs = (f"{name!r}: {local}" for name, local in loom.arguments.items())
        return f"{{{', '.join(pairs)}}}"

    def call_ended(
        self, number: int, elapsed: float, result: object, arguments: Mapping[str, Any] | None
    ) -> None:
        """Do what is due after a call that raised nothing."""
        facts = self._facts(number)
        outcome = cast("Outcome", facts.get("outcome", "ok"))
        if outcome == "fallback":
            self._outcomes["fallback"].add()
        sampled = number >= self.due and self._is_due(number)
        if self._log is None:
            return
        slow = self._log.slow is not None and elapsed >= self._log.slow
        if sampled or slow or (outcome == "fallback" and self._always()):
            self._write(
                (number, outcome, elapsed, facts),
                sample_rate=1.0 if slow or outcome == "fallback" else self._sample,
                inputs=None if arguments is None else summaries(arguments),
                output=None if arguments is None else summary(result),
            )

    def call_failed(
        self,
        error: BaseException,
        number: int,
        started: float,
        arguments: Mapping[str, Any] | None,
    ) -> None:
        """Count and log a call that raised *error*."""
        elapsed = self._now() - started
        facts = self._facts(number)
        if isinstance(error, GeneratorExit):  # its reader wanted no more: that is no failure
            self._durations.record(elapsed)
            return
        refused = isinstance(error, CallRefused) and error.target == self.site.target
        outcome: Outcome = "refused" if refused else "error"
        self._outcomes[outcome].add()
        if not refused:
            self._error_type(type(error).__name__).add()
        self._durations.record(elapsed)
        if self._log is not None and self._failure_is_logged():
            self._write(
                (number, outcome, elapsed, facts),
                sample_rate=1.0 if self._always() else self._sample,
                inputs=self._inputs(arguments),
                error=error,
            )

    def _facts(self, number: int) -> dict[str, Any]:
        """Take out what rules noted of the call."""
        notes = self.site.notes
        facts = (notes.pop(number, None) if notes else None) or {}
        cached = "cache" in self.site.kinds and self.site.modes.get("cache") == "enforce"
        if cached and "cache" not in facts and "rules" not in facts:
            facts["cache"] = "hit"  # a cache notes everything but its hits
        return facts

    def _is_due(self, number: int) -> bool:
        """Fold, and say whether the call is sampled; of calls at one time one is."""
        written = False
        with self._lock:
            sampled = number >= self._next_sample
            if sampled:
                written = self._samples.allows()
                # A flood is sampled more thinly: most of it would be dropped.
                self._next_sample = number + self._gap() * (1 if written else THINNED)
            fold = number >= self._next_fold
            if fold:
                self._next_fold = number + FOLD_EVERY
            self.due = min(self._next_sample, self._next_fold)
        if fold:
            self._durations.fold()
        if sampled and not written:
            dropped("log", "rate")
        return sampled and written

    def _gap(self) -> float:
        """Return after how many calls the next is sampled: drawn so that each has the same chance."""
        if self._sample <= 0.0:
            return NEVER
        if self._sample >= 1.0:
            return 1
        return 1 + int(math.log1p(-self._draw()) / math.log1p(-self._sample))

    def _error_type(self, name: str) -> Counter:
        known = self._error_types.get(name)
        if known is None:
            label = name if len(self._error_types) < MOST_ERROR_TYPES else OTHER
            known = self.site.meters.counter(
                "mlpolicy_errors_total",
                "Calls that raised, by the class of what they raised.",
                **self._labels,
                error_type=label,
            )
            if label != OTHER:
                self._error_types[name] = known
        return known

    # --- events -----------------------------------------------------------------------

    def _always(self) -> bool:
        return self._log is not None and self._log.errors == "always"

    def _failure_is_logged(self) -> bool:
        if self._always():
            if self._failures.allows():
                return True
            dropped("log", "rate")
            return False
        assert self._log is not None
        return self._log.errors == "sampled" and self._draw() < self._sample

    def _inputs(self, arguments: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return what is said of the arguments of a call that failed."""
        if arguments is None or self._log is None:
            return None
        if self._log.inputs == "full":
            return content(arguments, self._log.redact)
        return summaries(arguments)

    def _mode(self) -> str:
        modes = [mode for kind, mode in self.site.modes.items() if kind != self.kind]
        return "shadow" if modes and all(mode == "shadow" for mode in modes) else "enforce"

    def _write(self, ended: tuple[int, Outcome, float, dict[str, Any]], **said: Any) -> None:
        """Hand the sinks the event of a call: its number, how it ended, how long it took, facts."""
        number, outcome, elapsed, facts = ended
        happened = Happened(
            self.site.target,
            number,
            outcome,
            elapsed,
            time.time(),
            facts,
            self._mode(),
            trace=current_trace(),
            **said,
        )
        if self._log and LEVELS.index(SEVERITY[outcome]) >= LEVELS.index(self._log.level):
            for name, sink in self._sinks.items():
                if sink.events:
                    EXPORTER.put(name, partial(_deliver, sink, happened))


def _deliver(sink: Sink, happened: Happened) -> None:
    sink.write(event(happened))


def _begin(name: str, sink: Sink) -> None:
    try:
        sink.begin()
    except Exception as error:  # noqa: BLE001 (the edge to a sink)
        say_once(f"sink:{name}:{error}", f"the sink `{name}` failed: {error}", error=error)


CALLS: Final = "mlpolicy_calls_total"
CALLS_HELP: Final = "Calls that ended, by how."
SLO: Final = "mlpolicy_slo_target"
SLO_HELP: Final = "What is expected: seconds for p99, a share for error_rate."


def _log_of(rule: MonitorRule) -> LogBlock | None:
    """Return what is logged, or None where nothing is."""
    from mlpolicy.rules.monitor.rule import LogBlock

    if isinstance(rule.log, LogBlock):
        return rule.log
    return LogBlock() if rule.log else None
