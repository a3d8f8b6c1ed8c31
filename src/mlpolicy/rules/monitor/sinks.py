"""Where numbers and events go: what a sink is, ours or a plugin's, and the way there.

Calls only put events into a bounded queue: one daemon thread a process carries them on.
"""

from __future__ import annotations

import atexit
import json
import logging
import sys
from _thread import allocate_lock, get_ident
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, ClassVar, Final, cast

from mlpolicy.core import clock
from mlpolicy.core.kind import load
from mlpolicy.core.metrics import METERS, Counter
from mlpolicy.core.plugins import Extensions
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.threads import Background, Forked, Lock

MOST_QUEUED = 10_000
ROUND = 0.25
"""Seconds between rounds of periodic work."""
AT_EXIT = 1.0
"""Seconds that the end of the process may wait for the queue."""
_NO_SINK = ""

Work = Callable[[], object]


class Sink:
    """Takes the numbers, the events, or both.

    There is one object a process.
    What it raises is said once and counted in `mlpolicy_dropped_events_total`; no call sees it.
    """

    api: ClassVar[int | None] = None
    """The version of the interface that a plugin is made for."""
    events: ClassVar[bool] = True
    """Whether it takes events; their JSON is `mlpolicy.event/1`."""

    def begin(self) -> None:
        """Get ready for numbers; called when a rule that counts and names this sink is placed.

        It may be called often, and in a forked child anew.
        """

    def write(self, event: Mapping[str, Any]) -> None:
        """Take one event; called on a thread of mlpolicy's, one at a time."""


class Exporter:
    """Runs what was put into its queue, and periodic work, on a thread of its own."""

    def __init__(self) -> None:
        self._periodic: dict[Work, None] = {}
        self._lock = Lock()
        self.begin()

    def begin(self) -> None:
        """Begin, or begin anew in a forked child: what was queued is the parent's to carry out."""
        self._queue: deque[tuple[str, Work]] = deque()
        self._thread = Background("mlpolicy-exporter", self._turn)
        self._identity = 0
        if self._periodic:
            self._wake()

    def put(self, sink: str, work: Work) -> None:
        """Run *work* soon; where the queue is full, the oldest in it is dropped and counted."""
        if len(self._queue) >= MOST_QUEUED:
            try:
                oldest, overdue = self._queue.popleft()
            except IndexError:
                pass
            else:
                dropping(oldest, "queue_full").add() if oldest else overdue()
        self._queue.append((sink, work))
        self._wake()

    def every_round(self, work: Work) -> None:
        """Run *work* in every round, and at the end of the process."""
        if work not in self._periodic:
            self._periodic[work] = None
            self._wake()

    def runs_here(self) -> bool:
        """Whether this is the thread that carries events out: it makes none."""
        return get_ident() == self._identity

    def _wake(self) -> None:
        # (a finalizer or a signal handler may come while this very thread starts it)
        if not self._thread.is_alive() and not self._lock.held():
            with self._lock:
                if not self._thread.is_alive():
                    try:
                        self._thread.start()
                    except RuntimeError:  # no thread can be had: at the end of the interpreter, say
                        self._drain()
        self._thread.sooner()

    def _turn(self) -> float:
        self._identity = get_ident()
        self._drain()
        for work in list(self._periodic):
            self._carry_out(work)
        return ROUND if self._periodic else -1  # (-1 waits until there is more)

    def _drain(self) -> None:
        while self._queue:
            try:
                sink, work = self._queue.popleft()
            except IndexError:
                break
            self._carry_out(work, sink)

    def _carry_out(self, work: Work, sink: str = _NO_SINK) -> None:
        """Do *work*, and tell what it raised, even if that would end our thread."""
        try:
            work()
        except BaseException as error:
            if not self.runs_here() and (not isinstance(error, Exception) or interrupts(error)):
                raise
            if sink:
                dropping(sink, "failed").add()
            name = f"the sink `{sink}`" if sink else "a sink"
            say_once(f"sink:{sink}", f"{name} failed", error=error)

    def flush(self, at_most: float = AT_EXIT) -> bool:
        """Wait until everything put so far was carried out, *at_most* seconds."""
        gate = allocate_lock()
        gate.acquire()
        self._queue.append((_NO_SINK, gate.release))  # (an event must not make room for it)
        self._wake()
        return gate.acquire(timeout=at_most)

    def finish(self) -> None:
        """Carry everything out at the end of the process."""
        if self._thread.is_alive() or self._queue:
            self.flush()
        for work in list(self._periodic):
            self._carry_out(work)


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
_json: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class LogSink(Sink):
    """Writes events as JSON lines: to that logger, or to stderr where it has no handler."""

    def write(self, event: Mapping[str, Any]) -> None:
        """Write one line: a message may hold line breaks, the JSON does not."""
        text = _json(event)
        level = getattr(logging, event["severity"])
        if LOGGER.level == logging.NOTSET:
            # The level of a parent, WARNING by default, is about messages; these are asked for.
            LOGGER.setLevel(logging.DEBUG)
        if LOGGER.hasHandlers():
            LOGGER.log(level, "%s", text)
        elif LOGGER.isEnabledFor(level):
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
    },
    _vet,
)
"""Every sink that a policy may name."""


WITH_SETTINGS: Final[Mapping[str, str]] = {
    "record": "mlpolicy.rules.monitor.record:RecordSink",
}
"""Classes of sinks that are made of settings, the model of which is in `rule.SinkBlock`."""


def chosen(named: str | Any) -> tuple[str, Sink]:
    """Return the name of a sink and the sink: for equal settings there is one object a process."""
    if isinstance(named, str):
        return named, SINKS[named]
    if named not in _made:
        name, settings = named.chosen
        _made.setdefault(named, (name, cast("Any", load(WITH_SETTINGS[name]))(settings)))
    return _made[named]


_made: dict[Any, tuple[str, Sink]] = {}


def begin(sinks: Iterable[tuple[str, Sink]]) -> None:
    """Let each get ready for numbers; what fails is said, and no rule is left out for it."""
    for name, sink in sinks:
        try:
            sink.begin()
        except Exception as error:
            if interrupts(error):
                raise
            say_once(f"sink:{name}", f"the sink `{name}` failed", error=error)
