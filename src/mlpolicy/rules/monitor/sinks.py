"""Where numbers and events go: what a sink is, ours or a plugin's, and the way there.

Calls only put events into bounded queues, one a sink: daemon threads carry them on, one a sink too,
so that one that hangs holds up itself alone.
"""

from __future__ import annotations

import atexit
import json
import logging
import sys
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import count
from typing import Any, ClassVar, Final, Protocol, cast

from mlpolicy.core import clock
from mlpolicy.core.kind import load
from mlpolicy.core.metrics import METERS, Counter
from mlpolicy.core.plugins import Extensions
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.threads import Background, Forked, Lock, Waiter

MOST_QUEUED = 10_000
"""Events that wait for one sink."""
ROUND = 0.25
"""Seconds between rounds of periodic work."""
AT_EXIT = 1.0
"""Seconds that the end of the process may wait for all queues together."""

Work = Callable[[], object]


class Way(Protocol):
    """Where events for one sink are put, on the threads of calls."""

    name: str

    def put(self, event: Mapping[str, Any]) -> None:
        """Take *event*, at once."""


class Sink:
    """Takes the numbers, the events, or both.

    There is one object a process.
    What it raises is said once and counted in `mlpolicy_dropped_events_total`; no call sees it.
    """

    api: ClassVar[int | None] = None
    """The version of the interface that a plugin is made for."""
    events: ClassVar[bool] = True
    """Whether it takes events; their JSON is `mlpolicy.event/1`."""
    together: ClassVar[int] = 1
    """How many events it is given at once, at most."""

    def begin(self) -> None:
        """Get ready for numbers; called when a rule that counts and names this sink is placed.

        It may be called often, and in a forked child anew.
        """

    def write(self, event: Mapping[str, Any]) -> None:
        """Take one event; called on a thread of mlpolicy's for this sink, one at a time."""

    def write_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Take several, up to `together`; if it raises, all of them count as lost."""
        for event in events:
            self.write(event)

    def finish(self) -> None:
        """Write what was held back: the process ends. Called on the same thread, perhaps again."""

    def way(self, name: str) -> Way:
        """Return where its events are put: a queue and a thread of ours, unless it has its own."""
        return EXPORTER.lane(name, self)


class Lane:
    """The way to one sink: its queue, and the thread that carries out what is in it."""

    def __init__(self, name: str, sink: Sink) -> None:
        self.name = name
        self._sink = sink
        self._periodic: dict[Work, None] = {}
        self._lock = Lock()
        self.dropped: Callable[[], object] = int
        self.begin()

    def begin(self) -> None:
        """Begin, or begin anew in a forked child: what was queued is the parent's to carry out."""
        self._queue: deque[Any] = deque()
        self._thread = Background(f"mlpolicy-{self.name}", self._turn)
        self._idle = False
        self.identity = 0
        """That of its thread."""
        self._end = Waiter()
        self._end.wake()
        if self._periodic:
            self._wake()

    def put(self, event: Mapping[str, Any]) -> None:
        """Carry *event* out soon; where the queue is full, the oldest is dropped and counted."""
        queue = self._queue
        if len(queue) >= MOST_QUEUED:
            self._drop()
        queue.append(event)
        # (the thread looks once more after it has said that it is idle)
        if self._idle or not self._thread.is_alive():
            self._wake()

    def _drop(self) -> None:
        try:
            oldest = self._queue.popleft()
        except IndexError:
            return
        if callable(oldest):
            oldest()  # (somebody waits for it, not for the sink)
        else:
            self.dropped()

    def every_round(self, work: Work) -> None:
        """Run *work* in every round on the thread of this sink, and at the end of the process."""
        if work not in self._periodic:
            self._periodic[work] = None
            self._wake()

    def _wake(self) -> None:
        self._idle = False
        # (a finalizer or a signal handler may come while this very thread starts it)
        if not self._thread.is_alive() and not self._lock.held():
            with self._lock:
                if not self._thread.is_alive():
                    try:
                        self._thread.start()
                    except RuntimeError:  # no thread can be had: at the end of the interpreter, say
                        self._drain()
                    # What is registered last runs first: before what a sink needs is shut down.
                    atexit.unregister(EXPORTER.finish)
                    atexit.register(EXPORTER.finish)
        self._thread.sooner()

    def _turn(self) -> float:
        self.identity = get_ident()
        self._drain()
        self.carry_out_rounds()
        self._idle = True
        self._drain()
        return ROUND if self._periodic else -1  # (-1 waits until there is more)

    def _drain(self) -> None:
        queue = self._queue
        batch: list[Mapping[str, Any]] = []
        while queue or batch:
            try:
                following = queue.popleft() if len(batch) < self._sink.together else None
            except IndexError:
                following = None
            if following is not None and not callable(following):
                batch.append(following)
                continue
            if batch:
                self.carry_out(partial(self._sink.write_all, batch), len(batch))
                batch = []
            if following is not None:
                following()

    def carry_out(self, work: Work, events: int = 0) -> None:
        """Do *work*, and tell what it raised, even if that would end our thread."""
        try:
            work()
        except BaseException as error:
            if get_ident() != self.identity and (
                not isinstance(error, Exception) or interrupts(error)
            ):
                raise
            for _ in range(events):
                dropping(self.name, "failed").add()
            say_once(f"sink:{self.name}", f"the sink `{self.name}` failed", error=error)

    def carry_out_rounds(self) -> None:
        """Do the periodic work."""
        for work in list(self._periodic):
            self.carry_out(work)

    def mark(self, work: Work | None = None) -> Waiter:
        """Return what is woken when all that was put so far, and *work*, was carried out."""
        reached = Waiter()

        def pass_by() -> None:
            if work is not None:
                self.carry_out(work)
            reached.wake()

        self._queue.append(pass_by)  # (an event must not make room for it)
        self._wake()
        return reached

    def ending(self) -> Waiter | None:
        """Return what is woken at the end of all that there is; None where nothing would come of it.

        One that was waited for in vain is not waited for again.
        """
        if not self._end.woken or not (self._thread.is_alive() or self._queue):
            return None
        self._end = self.mark(self._finish)
        return self._end

    def _finish(self) -> None:
        self.carry_out_rounds()
        self._sink.finish()


class Exporter:
    """The lanes of a process, and one more for periodic work that is no sink's."""

    def __init__(self) -> None:
        self._own = Lane("exporter", Sink())
        self._lanes = {0: self._own}

    def begin(self) -> None:
        """Begin anew in a forked child."""
        for lane in self.lanes():
            lane.begin()

    def lanes(self) -> list[Lane]:
        """Return every lane there is."""
        return list(self._lanes.copy().values())

    def lane(self, name: str, sink: Sink) -> Lane:
        """Return the way to *sink*: one an object."""
        # (it keeps the object: no other has its `id`, and a plugin's may have no hash)
        key = id(sink)
        lane = self._lanes.get(key) or self._lanes.setdefault(key, Lane(name, sink))
        lane.dropped = dropping(name, "queue_full").add
        return lane

    def put(self, name: str, sink: Sink, event: Mapping[str, Any]) -> None:
        """Hand *event* to *sink* soon, off this thread."""
        self.lane(name, sink).put(event)

    def soon(self, work: Work) -> None:
        """Run *work* once, off this thread."""
        self._own.mark(work)

    def every_round(self, work: Work, sink: Sink | None = None, name: str = "") -> None:
        """Run *work* in every round, and at the end; on the thread of *sink* if it is one's."""
        (self._own if sink is None else self.lane(name, sink)).every_round(work)

    def runs_here(self) -> bool:
        """Whether this is a thread that carries events out: it makes none."""
        here = get_ident()
        return any(lane.identity == here for lane in self.lanes())

    def flush(self, at_most: float = AT_EXIT) -> bool:
        """Wait until everything put so far was carried out, *at_most* seconds."""
        return _reached([lane.mark() for lane in self.lanes()], at_most)

    def finish(self) -> None:
        """Carry everything out at the end of the process; a second in all for all sinks."""
        ends = [lane.ending() for lane in self.lanes() if lane is not self._own]
        _reached([end for end in ends if end is not None], AT_EXIT)
        # The numbers are exact at the end, however long another sink took.
        self._own.carry_out_rounds()


def _reached(marks: Iterable[Waiter], at_most: float) -> bool:
    """Whether all *marks* are reached within so many seconds."""
    end = clock.REAL() + at_most
    reached = [mark.wait(end - clock.REAL()) for mark in marks]  # (each of them is waited for)
    return all(reached)


def dropping(sink: str, reason: str) -> Counter:
    """Return the counter of events that were not carried out."""
    name, help = "mlpolicy_dropped_events_total", "Events that did not reach their sink."
    return METERS.counter(name, help, sink=sink, reason=reason)


class Rate:
    """Lets through so many events a second, after a burst; those left out are counted by *drops*."""

    def __init__(
        self,
        per_second: float,
        burst: float,
        drops: Sequence[Callable[[], object]],
        *,
        now: Callable[[], float] = clock.REAL,
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._drops = drops
        self._now = now
        self._lock = Lock()
        self._offers = count(1)
        self._written = 0
        """The number of the offer that was taken last."""
        self._left = (burst, now())

    def take(self) -> int:
        """Return how many events one more stands for, 0 if it may not be written.

        It stands for itself, and for those left out before it.
        """
        if self._lock.held():
            self.pass_over(1)
            return 0
        with self._lock:
            now = self._now()
            left, seen = self._left
            left = min(self._burst, left + (now - seen) * self._per_second)
            if left >= 1.0:
                self._left = (left - 1.0, now)
                offer = next(self._offers)
                stands_for, self._written = offer - self._written, offer
                return stands_for
            self._left = (left, now)
        self.pass_over(1)
        return 0

    def pass_over(self, events: int) -> None:
        """Leave out so many: the next that is taken stands for them too."""
        for _ in range(events):
            next(self._offers)
            for drop in self._drops:
                drop()


EXPORTER = Exporter()
Forked(Exporter.begin).add(EXPORTER)
atexit.register(EXPORTER.finish)

LOGGER = logging.getLogger("mlpolicy.events")
as_line: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class LogSink(Sink):
    """Writes events as JSON lines: to that logger, or to stderr where it has no handler."""

    def write(self, event: Mapping[str, Any]) -> None:
        """Write one line: a message may hold line breaks, the JSON does not."""
        text = as_line(event)
        level = getattr(logging, event["severity"])
        if LOGGER.level == logging.NOTSET:
            # The level of a parent, WARNING by default, is about messages; these are asked for.
            LOGGER.setLevel(logging.DEBUG)
        if not LOGGER.isEnabledFor(level):
            return
        record = LOGGER.makeRecord(LOGGER.name, level, __file__, 0, "%s", (text,), None)
        if LOGGER.hasHandlers():
            LOGGER.handle(record)
        elif LOGGER.filter(record):  # (one that takes the events elsewhere lets none through)
            sys.stderr.write(text + "\n")
            sys.stderr.flush()


LOG = LogSink()


def _vet(_: str, sink: Any) -> str | None:
    return None if isinstance(sink, Sink) else f"it is no `Sink`, but {type(sink).__name__}"


SINKS: Extensions[Sink] = Extensions(
    "sinks",
    {
        "prometheus": "mlpolicy.rules.monitor.prometheus:SINK",
        "log": "mlpolicy.rules.monitor.sinks:LOG",
        "otel": "mlpolicy.rules.monitor.otel:SINK",
        "dogstatsd": "mlpolicy.rules.monitor.dogstatsd:SINK",
    },
    _vet,
)
"""Every sink that a policy may name."""


WITH_SETTINGS: Final[Mapping[str, str]] = {
    "file": "mlpolicy.rules.monitor.file:FileSink",
    "otel": "mlpolicy.rules.monitor.otel:OtelSink",
    "dogstatsd": "mlpolicy.rules.monitor.dogstatsd:DogstatsdSink",
    "record": "mlpolicy.rules.monitor.record:RecordSink",
}
"""Classes of sinks that are made of settings, the model of which is in `rule.SinkBlock`."""
_LIBRARIES: Final = {
    "otel": ("opentelemetry.trace", "opentelemetry-api", "otel"),
    "dogstatsd": ("datadog", "datadog", "datadog"),
}


def lacking(name: str) -> str:
    """Return what the sink of that name lacks here; nothing if it can be used."""
    module, package, extra = _LIBRARIES.get(name, ("sys", "", ""))
    top = module.partition(".")[0]
    if find_spec(top) is not None and find_spec(module) is not None:
        return ""
    return f'the sink `{name}` needs {package}: pip install "mlpolicy[{extra}]"'


def chosen(named: str | Any) -> tuple[str, Sink]:
    """Return the name of a sink and the sink: for equal settings there is one object a process."""
    if isinstance(named, str):
        return named, SINKS[named]
    name, settings = named.chosen
    if not settings.model_dump(exclude_defaults=True):
        return name, SINKS[name]  # (with its name alone it is the same)
    if named not in _made:
        _made.setdefault(named, (name, cast("Any", load(WITH_SETTINGS[name]))(settings)))
    return _made[named]


_made: dict[Any, tuple[str, Sink]] = {}


def ways_to(sinks: Iterable[tuple[str, Sink]]) -> list[Way]:
    """Return the ways to those that take events."""
    return [sink.way(name) for name, sink in sinks if sink.events]


def begin(sinks: Iterable[tuple[str, Sink]]) -> None:
    """Let each get ready for numbers; what fails is said, and no rule is left out for it."""
    for name, sink in sinks:
        try:
            sink.begin()
        except Exception as error:
            if interrupts(error):
                raise
            say_once(f"sink:{name}", f"the sink `{name}` failed", error=error)
