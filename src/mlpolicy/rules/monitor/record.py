"""The record: events in an SQLite file that all workers of a service share.

`mlpolicy events` reads it. Each process writes in batches on a thread of its own, so that a slow
disk or a locked file holds up neither calls nor other sinks.

No connection of SQLite may be open while a process forks: a child would take the locks of its
parent for its own, and ruin the file. A fork waits for the batch under way, and closes it.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import threading
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from mlpolicy.core.metrics import METERS, Sum
from mlpolicy.core.report import say_once, told
from mlpolicy.core.threads import Background, Lock
from mlpolicy.rules.monitor.record_file import Unusable, identity, opened
from mlpolicy.rules.monitor.sinks import (
    AT_EXIT,
    EXPORTER,
    MOST_QUEUED,
    Sink,
    Work,
    as_line,
    dropping,
)

_INSERT: Final = "INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OLDEST: Final = "DELETE FROM events WHERE id IN (SELECT id FROM events {} ORDER BY time LIMIT ?)"

BATCH: Final = 0.1
"""Seconds between batches."""
_TIDY: Final = 10.0
"""Seconds between looks for events that are too old."""
_ROWS: Final = 500
"""Events in one transaction; fewer where the file may hold few."""
_LONGEST_PAUSE: Final = 30.0
_PATIENCE: Final = 2.0
"""Seconds that the file may be locked before that is said."""
_LEAST: Final = 1 << 18


class RecordSink(Sink):
    """Writes events to the SQLite file of its settings."""

    name = "record"

    def __init__(self, settings: Any) -> None:
        self._settings = settings
        self._path = os.path.abspath(settings.path)  # (a program may change its folder later)
        self._writer = Writer(self._path, settings, self._finish)
        _sinks.append(self)

    def begin(self) -> None:
        """Have a program that SIGTERM would end at once write first what it has."""
        for reason in ("age", "size"):
            _deleted(reason)
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _terminated)

    def way(self, name: str) -> RecordSink:
        """Have events put into a queue of its own, whose thread no fork finds with a file open."""
        return self

    def put(self, event: Mapping[str, Any]) -> None:
        """Put *event* where the thread finds it."""
        self._writer.put(event)

    write = put

    def _finish(self) -> None:
        if not EXPORTER.runs_here():  # (that is at the end of the process)
            self._writer.finish()

    def before_fork(self) -> None:
        """Let no connection be open."""
        self._writer.pause()

    def after_in_parent(self) -> None:
        """Go on."""
        self._writer.go_on()

    def after_in_child(self) -> None:
        """Begin anew: what was queued is the parent's to write."""
        usable = self._writer.paused
        self._writer = Writer(self._path, self._settings, self._finish)
        if not usable:
            self._writer.broken = Unusable("the process was forked in the middle of a batch")


class Writer:
    """A queue, and the thread that empties it into the file."""

    def __init__(self, path: str, settings: Any, at_end: Work) -> None:
        self._at_end = at_end
        self._path, self._keep = path, float(settings.keep)
        self._most = max(int(settings.max_size), _LEAST)
        self._rows = min(self._most >> 16, _ROWS)
        self._queue: deque[Mapping[str, Any]] = deque()
        self._gates: deque[Any] = deque()
        self._thread = Background("mlpolicy-record", self._turn)
        self._starting = Lock()
        self._in_use = allocate_lock()
        """Held while SQLite is at work."""
        self._connection: sqlite3.Connection | None = None
        self._identity: object = None
        self._idle = False
        self._tidy_at = self._retry_at = self._pause = 0.0
        self._locked_since: float | None = None
        self.paused = False
        """Whether a fork is under way, and no connection open."""
        self.broken: Exception | None = None
        """Why this process must not touch the file."""

    def put(self, event: Mapping[str, Any]) -> None:
        """Take one event; where there are too many, the oldest is dropped and counted."""
        if len(self._queue) >= MOST_QUEUED:
            self._drop(1, "queue_full")
        self._queue.append(event)
        if self._idle:
            self._idle = False
            self._thread.sooner()
        if not self._thread.is_alive():
            self._start()

    def _start(self) -> None:
        # (a finalizer or a signal handler may come while this very thread starts it)
        if not self._starting.held():
            with self._starting:
                if not self._thread.is_alive():
                    try:
                        self._thread.start()
                    except RuntimeError:  # no thread can be had: at the end of the interpreter, say
                        return
                    EXPORTER.every_round(self._at_end)
                    _outlive_multiprocessing()

    def _drop(self, most: int, reason: str) -> None:
        count = dropping("record", reason).add
        for _ in range(most):
            try:
                self._queue.popleft()
            except IndexError:
                return
            count()

    # --- the thread -------------------------------------------------------------------

    def _turn(self) -> float:
        now, is_any = time.monotonic(), bool(self._queue)
        if now < self._retry_at and not self._gates:
            return self._retry_at - now
        try:
            with self._in_use:
                self._write()
        except Exception as error:  # noqa: BLE001 (a disk may fail in any way, and no call sees it)
            return self._failed(error, now)
        self._retry_at = self._pause = 0.0
        self._locked_since = None
        self._open_gates()
        self._idle = not is_any
        # (what comes before that rings no bell, and is seen here)
        return _TIDY if self._idle and not self._queue else BATCH

    def _open_gates(self) -> None:
        for _ in range(len(self._gates)):
            self._gates.popleft().release()

    def _write(self) -> None:
        if self.broken is not None:
            raise self.broken
        if self._connection is not None and identity(self._path) != self._identity:
            self._close()  # (somebody has taken the file away)
        if self._connection is None:
            self._connection = opened(self._path, self._most)
            self._identity = identity(self._path)
        connection = self._connection
        for _ in range(MOST_QUEUED // self._rows):
            if not self._queue:
                break
            try:
                self._batch(connection)
            except sqlite3.Error as error:
                if _code(error) != sqlite3.SQLITE_FULL:
                    raise
                self._bound(connection, full=True)
                self._batch(connection)
            self._bound(connection)
        if time.monotonic() >= self._tidy_at:
            self._tidy(connection)

    def _batch(self, connection: sqlite3.Connection) -> None:
        """Write some events in one transaction; where that fails, they are in the queue again."""
        events = [self._queue.popleft() for _ in range(min(self._rows, len(self._queue)))]
        try:
            rows = [_row(event) for event in events]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, rows)
            connection.execute("COMMIT")
        except BaseException:
            self._queue.extendleft(reversed(events))
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _failed(self, error: Exception, now: float) -> float:
        """Say what is wrong, once, and return when to try again; what waits is dropped.

        It stays where the file is but locked: whoever has it will let it go.
        """
        if _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            self._locked_since = now if self._locked_since is None else self._locked_since
            if now - self._locked_since < _PATIENCE:
                return BATCH * random.uniform(0.2, 1.0)  # nosec B311
            error = Unusable("it is locked by another process")
        else:
            self._drop(len(self._queue), "failed")
            with self._in_use:
                self._close()
            self._open_gates()
        self._pause = min(max(2 * self._pause, 1.0), _LONGEST_PAUSE)
        self._retry_at = now + self._pause
        what = str(error) if isinstance(error, Unusable | OSError) else told(error)
        text = f"the record {self._path} cannot be written: {what}"
        say_once(f"record:{self._path}", f"{text}; events are dropped, and it is tried again")
        return self._pause

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                return

    # --- age and size -----------------------------------------------------------------

    def _tidy(self, connection: sqlite3.Connection) -> None:
        """Delete what is too old, and give back the room that nobody will need soon."""
        oldest = time.time() - self._keep
        gone = _delete(connection, "age", "WHERE time < ?", oldest, 4 * _ROWS)
        pages, free, _ = _pages(connection)
        if free > pages // 4:
            connection.execute(f"PRAGMA incremental_vacuum({4 * _ROWS})").fetchall()
        self._tidy_at = time.monotonic() + (_TIDY if gone < 4 * _ROWS else BATCH)

    def _bound(self, connection: sqlite3.Connection, *, full: bool = False) -> None:
        """Delete the oldest where the file is about as large as it may be."""
        pages, free, limit = _pages(connection)
        if full or pages - free > 0.95 * limit:
            [(first, last)] = connection.execute("SELECT min(id), max(id) FROM events").fetchall()
            surplus = 1 - min(0.9 * limit / max(pages - free, 1), 0.5 if full else 0.95)
            rows = int(surplus * ((last or 0) - (first or 0) + 1)) + 1
            _delete(connection, "size", "", min(rows, 20 * _ROWS))
        log = f"{self._path}-wal"
        if _size(log) > self._most // 4:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if _size(log) > self._most // 4:
                raise Unusable("somebody has been reading it for long, and it cannot grow further")

    # --- forks, and the end -----------------------------------------------------------

    def pause(self) -> None:
        """Wait for the batch under way, and close the file until `go_on`."""
        self.paused = self._in_use.acquire(timeout=AT_EXIT)
        if self.paused:
            self._close()

    def go_on(self) -> None:
        """Let batches be written again."""
        if self.paused:
            self.paused = False
            self._in_use.release()

    def finish(self) -> None:
        """Write what is queued, within a second, and close the file."""
        if self._queue or self._connection is not None:
            gate = allocate_lock()
            gate.acquire()
            self._gates.append(gate)
            self._thread.sooner()
            gate.acquire(timeout=AT_EXIT)
        self._drop(len(self._queue), "failed")
        if self._in_use.acquire(timeout=BATCH):
            self._close()
            self._in_use.release()


# --- rows ------------------------------------------------------------------------------


def _row(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        datetime.fromisoformat(event["time"]).timestamp(),
        *(event[name] for name in ("function", "outcome", "severity", "call_id", "own_id")),
        event.get("error", {}).get("type"),
        event["duration_s"],
        os.getpid(),
        event["sample_rate"],
        as_line(event),
    )


def _delete(connection: sqlite3.Connection, reason: str, which: str, *values: float) -> int:
    """Delete the oldest events, the last of *values* at most, and count them."""
    gone = connection.execute(_OLDEST.format(which), values).rowcount
    _deleted(reason).add(gone)
    return gone


def _deleted(reason: str) -> Sum:
    name, help = "mlpolicy_record_deleted_total", "Events that left the record, by why."
    return METERS.total(name, help, reason=reason)


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # (more bits tell variants)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _pages(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return how many pages there are, how many of them are free, and how many there may be."""
    names = ("page_count", "freelist_count", "max_page_count")
    pages, free, limit = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return pages, free, limit


# --- the process ----------------------------------------------------------------------


def _terminated(number: int, _: object) -> None:
    """Write what there is, and end as the signal would have."""
    EXPORTER.finish()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _outlive_multiprocessing() -> None:
    """Have a child of `multiprocessing`, which ends without `atexit`, write what it has."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, EXPORTER.finish, exitpriority=0)


def _in_child() -> None:
    # A pool ends its workers by SIGTERM, and waits: one that is deep in C would not hear ours.
    if signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for sink in _sinks:
        sink.after_in_child()


_sinks: list[RecordSink] = []
"""All of this process; there is one for each setting of a policy, for good."""


def _before_fork() -> None:
    for sink in _sinks:
        sink.before_fork()


def _after_in_parent() -> None:
    for sink in _sinks:
        sink.after_in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_in_child
    )
