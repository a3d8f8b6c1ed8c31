"""What a monitor does at a call: a number, two readings of the clock, one append."""

from __future__ import annotations

import math
import sys
from _thread import get_ident
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from time import time
from typing import Any, ClassVar, Final

from mlpolicy.core import chance, clock
from mlpolicy.core.classes import promises
from mlpolicy.core.metrics import METERS, NOTHING
from mlpolicy.core.site import GENERATORS, Site
from mlpolicy.core.step import Lines, Loom, Step, indented
from mlpolicy.core.threads import Forked
from mlpolicy.errors import CallRefused
from mlpolicy.rules.monitor import drift, streams
from mlpolicy.rules.monitor.counts import Counts
from mlpolicy.rules.monitor.drift.watches import TOGETHER
from mlpolicy.rules.monitor.event import (
    SEVERITY,
    WATCHERS,
    Draft,
    Ids,
    Numbered,
    calls_around,
    current_trace,
    frames,
    ids_of,
    stamp,
    tell_id,
    trace_ids,
)
from mlpolicy.rules.monitor.inputs import Inputs, Values, log_of, logged
from mlpolicy.rules.monitor.lanes import EXPORTER, dropping
from mlpolicy.rules.monitor.rate import Rate
from mlpolicy.rules.monitor.rule import LogBlock, MonitorRule
from mlpolicy.rules.monitor.sinks import begin, chosen, lanes_to
from mlpolicy.rules.monitor.summary import Seen, described, seen

FOLD_EVERY: Final = 2048
"""Calls after which the recorded durations are folded into buckets."""
NEVER: Final = math.inf
FAILURES: Final = (10.0, 50.0)
"""Failed calls a second that are logged, and how many at once."""
SAMPLES: Final = (100.0, 200.0)
"""The same of sampled calls: a share of a million calls a second would be a flood."""
AT_ONCE: Final = 16
"""Samples that are dropped together with one that there is no room for."""

Said = Mapping[str, Any] | tuple[Mapping[str, Any], Any] | None
"""What an event says of values: parts of it, or what was seen of arguments and result."""
Which = Ids | tuple[tuple[int, int], tuple[Numbered, ...]]
"""The ids of a call, or the call and those around it by their numbers."""


class MonitorStep(Step):
    """Counts, times and logs the calls of one function."""

    kind: ClassVar[str] = "monitor"
    number_in: str = ""
    """The local of the driver that holds the number of the call, 0 until it has one."""
    due: float = NEVER
    """The number of the call at which something more is to be done."""
    first: int = 0
    """The number of the first call of this process; calls before it began in one that forked."""
    usual: type = type(None)
    """The class of most results, which is none of a stream."""
    _next_fold: int = TOGETHER
    _inherited: int = 0
    """How many of those are under way: in the thread that forked, and in no other."""

    def __init__(
        self,
        rule: MonitorRule,
        site: Site,
        *,
        draw: Callable[[], float] = chance.draw,
        now: clock.Clock = clock.REAL,
    ) -> None:
        super().__init__(rule, site)
        self.serial = next(_serials)
        """What tells it from others of this process: targets of one name are numbered apart."""
        self._draw = draw
        self._now = now
        log = self._log = log_of(rule)
        self._logged = logged(log)
        self._sample = float(log.sample) if log else 0.0
        self._spread = math.log1p(-self._sample) if self._sample < 1.0 else NEVER
        self._slow = NEVER if log is None or log.slow is None else float(log.slow)
        self._always = log is not None and log.errors == "always"
        self._inputs = Inputs(log or LogBlock(), site)
        sinks = [chosen(named) for named in rule.sinks]
        self._takers = lanes_to(sinks)
        drops = [dropping(lane.name, "rate").add for lane in self._takers]
        self._noted = any(lane.name == "record" for lane in self._takers)
        self._failures = Rate(*FAILURES, drops, now=now)
        self._samples = Rate(*SAMPLES, drops, now=now)
        self._counts = Counts(rule, site)
        self.first = self._counts.begun.first
        self._hits_unsaid = "cache" in site.kinds and site.modes.get("cache") == "enforce"
        """Whether there is a cache, which notes everything but its hits."""
        self._notes = site.notes
        self._next_sample = self._gap()
        self._next_due()
        if rule.metrics and site.meters is METERS:
            begin(sinks)
        self._drift = drift.watch(rule.drift, site, sinks)
        _alive.add(self)

    def close(self) -> None:
        """Let the watch on drift go, if nobody else has it."""
        drift.let_go(self._drift, self.site)

    # --- at a call --------------------------------------------------------------------

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return *inner*, numbered, timed and watched.

        Signals are handled after calls, and their handlers may raise there: a call is numbered
        within the `try`, and recorded by the very last call of each way out.
        """
        if not self.rule.metrics and self._log is None and self._drift is None:
            return inner
        number = self.number_in = loom.call
        error, elapsed = loom.local("error"), loom.local("elapsed")
        failed = loom.method("monitor_failed", self.call_failed, streams.UNKNOWN)
        taken = loom.local("taken")
        record = loom.constant("record", self._counts.durations.record)
        arguments = "None"
        if self._log is not None and self._log.inputs != "none":
            pairs = (f"{name!r}: {local}" for name, local in loom.arguments.items())
            arguments = f"{{{', '.join(pairs)}}}"
        labelled: Lines = []
        if self._counts.predictions is not None:
            count_label = loom.method("monitor_labelled", self._counts.predictions)
            labelled = [f"    {count_label}({loom.result})"]
        may_stream = self.site.function not in GENERATORS and not promises(self.site.returns)
        call = f"({number}, {loom.now()}, {arguments}), {failed}"
        ended = loom.constant("ended", self.call_ended)
        ended = f"{ended}({number}, {elapsed}, {loom.result}, {arguments})"
        return [
            "try:",
            f"    {number} = {loom.constant('next_call', self._counts.begun.add)}()",
            *indented(inner),
            *indented(self._handing_out(call, loom) if may_stream else []),
            f"    {elapsed} = {loom.clock()}() - {loom.now()}",
            *labelled,
            f"    if {' or '.join(self._occasions(number, elapsed, loom))}:",
            *indented(indented(loom.guarded(ended, taken))),
            f"        {elapsed} = {taken} or {elapsed}",
            *indented(drift.lines(self._drift, elapsed, loom)),
            f"except {loom.constant('BaseException', BaseException)} as {error}:",
            f"    {elapsed} = {loom.constant('unknown', streams.UNKNOWN)}",
            "    try:",
            f"        {elapsed} = {failed}({error}, {number}, {loom.now()}, {arguments})",
            "    finally:",
            f"        {record}({elapsed})",
            "    raise",
            f"{record}({elapsed})",
        ]

    def _handing_out(self, call: str, loom: Loom) -> Lines:
        """Return lines that hand out a result which is a stream, and leave its end to record."""
        stream, result = loom.local("stream"), loom.result
        holders = f"{loom.constant('getrefcount', sys.getrefcount)}({result})"
        opened = loom.method("monitor_opened", self.call_opened)
        call += f", {loom.method('monitor_ended', self.call_ended)}"
        kind = f"{loom.constant('type', type)}({result})"
        usual, plain = f"{loom.constant('step', self)}.usual", loom.constant("plain", streams.PLAIN)
        return [
            "try:",
            f"    if {kind} is not {usual} and {kind} not in {plain}:",
            f"        {stream} = {opened}({holders}, {result}, {call})",
            f"        if {stream} is not None:",
            # One store, which nothing can interrupt: until then the call is recorded here.
            f"            {stream}.ending.armed = True",
            f"            return {stream}.given",
            # A metaclass may take the hash of its classes away.
            f"except {loom.constant('TypeError', TypeError)}:",
            "    pass",
        ]

    def _occasions(self, number: str, elapsed: str, loom: Loom) -> Lines:
        """Return the conditions under which there is more to do when a call has gone well."""
        step = loom.constant("step", self)
        conditions = [f"{number} >= {step}.due"]
        if self.site.function != "function":  # (what is suspended has no frame that a fork finds)
            conditions.append(f"{number} < {step}.first")
        if self.site.notes is not None and self.site.kinds - {self.kind}:
            notes = loom.constant("notes", self.site.notes)
            conditions.append(f"{notes} and {number} in {notes}")
        if self._slow < NEVER:
            conditions.append(f"{elapsed} >= {self._slow!r}")
        return conditions

    def call_opened(
        self,
        holders: int,
        result: object,
        call: tuple[int, float, Values],
        failed: Callable[..., streams.Record],
        ended: Callable[..., streams.Record | None],
    ) -> streams.Opened | None:
        """Return what stands in for a *result* that is a stream: the call lasts until its end."""
        found = streams.stream_of(result, holders)
        if found is None:
            return None
        number, started, arguments = call

        def end(error: BaseException | None) -> streams.Record:
            if number < self.first:
                return self._ended_inherited()
            if error is not None:
                return failed(error, number, started, arguments, ids)
            elapsed = self._now() - started
            return ended(number, elapsed, None, arguments, shown, ids) or elapsed

        shown, ids = seen(result), ids_of(*self._which(number))
        return streams.opened(
            result, found, streams.Ending(end, self._counts.durations.record, ids)
        )

    def call_ended(
        self,
        number: int,
        elapsed: float,
        result: object,
        arguments: Values,
        shown: Seen | None = None,
        ids: Ids | None = None,
    ) -> streams.Record | None:
        """Do what is due after a call that raised nothing; return its record where it bears a tag.

        Of a stream that has ended, *shown* and *ids* are what was known when it was handed out.
        """
        if number < self.first:
            return self._ended_inherited()
        if type(result) is not self.usual:
            self._know_usual(result)
        facts = self._facts(number)
        outcome = facts.get("outcome", "ok")
        fallback = outcome == "fallback"
        certain = elapsed >= self._slow or (fallback and self._always)
        if (self._is_sampled(number) or certain) and outcome in self._logged:
            stands_for = (self._failures if fallback else self._samples).take()
            if stands_for:
                share = max(self._sample, certain) / stands_for
                said = self._said_of(result, arguments, shown)
                which: Which = ids or (
                    (self.serial, number),
                    calls_around(_caller(1).f_back, MonitorStep),
                )
                self._write((outcome, elapsed, facts), which, share, said)
            elif not certain:
                self._drop_ahead()
        return (elapsed, outcome) if fallback else None

    def _said_of(self, result: object, arguments: Values, shown: Seen | None) -> Said:
        if arguments is None:
            return None
        output = shown or self._inputs.of_result(result, arguments)
        return self._inputs.of_arguments(arguments), output

    def call_failed(
        self,
        error: BaseException,
        number: int,
        started: float,
        arguments: Values,
        ids: Ids | None = None,
    ) -> streams.Record:
        """Log a call that raised *error*, and return its record."""
        elapsed = self._now() - started
        if 0 < number < self.first:
            return self._ended_inherited()
        facts = self._facts(number)
        cls = type(error)
        if issubclass(cls, GeneratorExit):  # its reader wanted no more: that is no failure
            return elapsed
        own: Any = error  # (a refusal of this function's, or one from within)
        refused = issubclass(cls, CallRefused) and own.target == self.site.target
        outcome = "refused" if refused else "error"
        if outcome in self._logged and (self._always or self._is_drawn()):
            stands_for = self._failures.take()
            if stands_for:
                ids = ids or ids_of(*self._which(number))
                share = max(self._sample, self._always) / stands_for
                said = self._inputs.of_failure(error, arguments)
                self._write((outcome, elapsed, facts), ids, share, said)
                tell_id(error, ids["call_id"], in_note=self._noted)
        return (elapsed, outcome) if refused else (elapsed, outcome, self._counts.error_tag(cls))

    def _is_drawn(self) -> bool:
        log = self._log
        return log is not None and log.errors == "sampled" and self._draw() < self._sample

    def _know_usual(self, result: object) -> None:
        """Let results of this one's class pass with one look, if they are no streams."""
        with suppress(TypeError):  # (a metaclass may take the hash of its classes away)
            if type(result) in streams.PLAIN:
                self.usual = type(result)

    def _next_due(self) -> None:
        """Leave alone the calls before the next that is sampled or folds.

        While calls that are the parent's are under way in a forked child, each is looked at.
        """
        self.due = 0 if self._inherited else min(self._next_sample, self._next_fold)

    def _facts(self, number: int) -> dict[str, Any]:
        """Take out what rules noted of the call, and fold the recorded durations if that is due."""
        if number >= self._next_fold:
            self._next_fold = number + (FOLD_EVERY if self._drift is None else TOGETHER)
            self._counts.durations.fold()
            if self._drift is not None:
                self._drift.fold()
            self._next_due()
        facts: dict[str, Any] = (self._notes.pop(number, {}) if self._notes else None) or {}
        if self._hits_unsaid and "cache" not in facts and "rules" not in facts:
            facts["cache"] = "hit"
        return facts

    def _is_sampled(self, number: int) -> bool:
        """Whether the call is sampled; of calls at one time one is, unless all are."""
        sampled = number >= self._next_sample
        if sampled and self._sample < 1.0:
            self._next_sample = number + self._gap()
            self._next_due()
        return sampled

    def _drop_ahead(self) -> None:
        """Leave out by now the samples to come that there will hardly be room for.

        A function that is called a million times a second would look at ten thousand samples.
        """
        if self._sample < 1.0:
            self._next_sample += sum(self._gap() for _ in range(AT_ONCE))
            self._next_due()
            self._samples.pass_over(AT_ONCE)

    def _gap(self) -> float:
        """Return after how many calls the next is sampled: drawn so that each has the same chance."""
        if not 0.0 < self._sample < 1.0:
            return 1 if self._sample else NEVER
        return 1 + int(math.log1p(-self._draw()) / self._spread)

    def _which(self, number: int) -> tuple[tuple[int, int], tuple[Numbered, ...]]:
        """Return which call of this step it is that ends here, and which are around it."""
        for frame in frames(_caller(1)):
            if any(one is self for one in frame.f_code.co_consts):
                return (self.serial, number), calls_around(frame.f_back, MonitorStep)
        return (self.serial, number), ()

    def _write(
        self,
        ended: tuple[str, float, dict[str, Any]],
        which: Which,
        sample_rate: float,
        said: Said,
    ) -> None:
        """Hand the sinks the event of a call, in the making: how it ended, how long it took, facts.

        It holds what is *said* of an error, not the object, which holds the arguments of the call.
        """
        if get_ident() in EXPORTER.threads:
            return  # (a handler of the log calls a function that is logged)
        made_of = (time(), ended, which, current_trace(), sample_rate, said)
        draft = Draft(self._event, made_of)
        for watch in WATCHERS:
            watch(draft)
        for lane in self._takers:
            lane.put(draft)

    def _event(
        self,
        at: float,
        ended: tuple[str, float, dict[str, Any]],
        which: Which,
        trace: Any,
        sample_rate: float,
        said: Said,
    ) -> dict[str, Any]:
        outcome, elapsed, facts = ended
        modes = {mode for kind, mode in self.site.modes.items() if kind != self.kind}
        event: dict[str, Any] = {
            "schema": "mlpolicy.event/1",
            "time": stamp(at),
            "severity": SEVERITY[outcome],
            "event": "call",
            "function": self.site.target,
            **(ids_of(*which) if isinstance(which, tuple) else which),
            "outcome": outcome,
            "duration_s": round(elapsed, 9),
            "attempts": facts.get("attempts", 1),
            "rules": facts.get("rules", [])[:100],
            "mode": "shadow" if modes == {"shadow"} else "enforce",
            "sample_rate": sample_rate,
        }
        if facts.get("cache") is not None:
            event["cache"] = facts["cache"]
        if isinstance(said, tuple):
            given, output = said
            event["input"] = {name: described(one) for name, one in given.items()}
            event["output"] = described(output)
        else:
            event |= said or {}
        return {**event, **trace_ids(trace)}

    def after_fork(self) -> None:
        """Number calls anew in a forked child; those of the parent are the parent's."""
        self._counts.begun.restart()
        self.first = self._counts.begun.first
        codes = (frame.f_code for frame in frames(_caller(1)))
        self._inherited = sum(any(value is self for value in code.co_consts) for code in codes)
        self._next_due()
        if self.site.notes is not None:
            self.site.notes.clear()

    def _ended_inherited(self) -> streams.Record:
        """Return the record of a call that the parent counts."""
        self._inherited = max(0, self._inherited - 1)
        self._next_due()
        return NOTHING


_caller = sys._getframe
_serials = count()
_alive = Forked(MonitorStep.after_fork)
