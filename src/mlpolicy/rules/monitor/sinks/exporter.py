"""Events on their way out: one daemon thread a process carries them, to the log for one.

Calls only put them into a bounded queue.
"""

from __future__ import annotations

import atexit
import json
import logging
import sys
from _thread import allocate_lock, get_ident
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from mlpolicy.core.metrics import METERS, Counter
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.threads import Background, Forked, Lock
from mlpolicy.rules.monitor.sinks import Sink

MOST_QUEUED = 10_000
ROUND = 0.25
"""Seconds between rounds of periodic work."""
AT_EXIT = 1.0
"""Seconds that the end of the process may wait for the queue."""
_NO_SINK = ""

Work = Callable[[], object]


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


EXPORTER = Exporter()
Forked(Exporter.begin).add(EXPORTER)
atexit.register(EXPORTER.finish)

LOGGER = logging.getLogger("mlpolicy.events")


class LogSink(Sink):
    """Writes events as JSON lines: to that logger, or to stderr where it has no handler."""

    def write(self, event: Mapping[str, Any]) -> None:
        """Write one line: a message may hold line breaks, the JSON does not."""
        text = json.dumps(event, allow_nan=False, separators=(",", ":"))
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
