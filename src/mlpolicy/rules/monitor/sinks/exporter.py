"""One daemon thread a process carries events out; calls only put them into a bounded queue."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import say_once

MOST_QUEUED = 10_000
ROUND = 0.25
"""Seconds between rounds of periodic work."""
AT_EXIT = 1.0
"""Seconds that the end of the process may wait for the queue."""

Work = Callable[[], None]


class Exporter:
    """Runs what was put into its queue, and periodic work, on a thread of its own."""

    def __init__(self) -> None:
        self._periodic: list[Work] = []
        self._begin()

    def _begin(self) -> None:
        self._queue: deque[tuple[str, Work]] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None

    def put(self, sink: str, work: Work) -> None:
        """Run *work* soon; where the queue is full, the oldest in it is dropped and counted."""
        self._idle.clear()
        if len(self._queue) >= MOST_QUEUED:
            try:
                self._queue.popleft()
            except IndexError:
                pass
            else:
                dropped(sink, "queue_full")
        self._queue.append((sink, work))
        self._wake.set()
        self._start()

    def every_round(self, work: Work) -> None:
        """Run *work* in every round, and at the end of the process."""
        self._periodic.append(work)
        self._start()

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name="mlpolicy-exporter", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no thread can be had: at the end of the interpreter, say
                    self._drain()
                    return
                self._thread = thread

    def _run(self) -> None:
        while True:
            self._wake.wait(ROUND if self._periodic else None)
            self._wake.clear()
            self._drain()
            self._do_periodic()

    def _drain(self) -> None:
        while self._queue:
            try:
                sink, work = self._queue.popleft()
            except IndexError:
                break
            try:
                work()
            except Exception as error:  # noqa: BLE001 (the edge to a sink)
                dropped(sink, "failed")
                say_once(f"sink:{sink}:{error}", f"the sink `{sink}` failed: {error}", error=error)
        self._idle.set()

    def _do_periodic(self) -> None:
        for work in list(self._periodic):
            try:
                work()
            except Exception as error:  # noqa: BLE001 (the edge to a sink)
                say_once(f"sink:{error}", f"a sink failed: {error}", error=error)

    def flush(self, at_most: float = AT_EXIT) -> bool:
        """Wait until everything put so far was carried out, *at_most* seconds."""
        end = time.monotonic() + at_most
        while self._queue and time.monotonic() < end:
            self._wake.set()
            self._start()
            self._idle.wait(0.01)
        return self._idle.wait(max(0.0, end - time.monotonic()))

    def finish(self) -> None:
        """Carry everything out at the end of the process."""
        self.flush()
        self._do_periodic()

    def restart(self) -> None:
        """Begin anew in a forked child: what was queued is the parent's to carry out."""
        periodic = self._periodic
        self._begin()
        self._periodic = periodic
        if periodic:
            self._start()


def dropped(sink: str, reason: str) -> None:
    """Count an event that was not carried out."""
    METERS.counter(
        "mlpolicy_dropped_events_total",
        "Events that did not reach their sink.",
        sink=sink,
        reason=reason,
    ).add()


EXPORTER = Exporter()
os.register_at_fork(after_in_child=EXPORTER.restart)
atexit.register(EXPORTER.finish)
