"""The record: events in an SQLite file that all workers of a service share.

`mlpolicy events` reads it. Each process writes in batches on the thread of the sink.

No connection of SQLite may be open while a process forks: a child would take the locks of its
parent for its own, and ruin the file. A fork waits for the batch under way, and closes it.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from _thread import allocate_lock
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from mlpolicy.core.metrics import METERS, Sum
from mlpolicy.core.report import say_once, told
from mlpolicy.rules.monitor.event import as_line
from mlpolicy.rules.monitor.lanes import AT_EXIT, BATCH, EXPORTER, Later, Sink
from mlpolicy.rules.monitor.record_file import Unusable, identity, opened

_INSERT: Final = "INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OLDEST: Final = "DELETE FROM events WHERE id IN (SELECT id FROM events {} ORDER BY time LIMIT ?)"

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

    gathers = BATCH

    def __init__(self, settings: Any) -> None:
        self._path = os.path.abspath(settings.path)  # (a program may change its folder later)
        self._keep, self._most = float(settings.keep), max(int(settings.max_size), _LEAST)
        self.together = min(self._most >> 16, _ROWS)  # (in one transaction)
        self._identity: object = None
        self._connection: sqlite3.Connection | None = None
        self._tidy_at = self._pause = 0.0
        self._locked_since: float | None = None
        self._broken: Exception | None = None
        """Why this process must not touch the file."""
        self._in_use = allocate_lock()
        """Held while SQLite is at work."""
        self._paused = False
        """Whether a fork is under way, and no connection open."""
        _sinks.append(self)

    def begin(self) -> None:
        """Count from the beginning what leaves."""
        for reason in ("age", "size"):
            _deleted(reason)

    def write_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Write *events* in one transaction, or say `Later`: they wait while others have the file."""
        try:
            with self._in_use:
                connection = self._open()
                rows = [_row(event) for event in events]
                try:
                    _insert(connection, rows)
                except sqlite3.Error as error:
                    if _code(error) != sqlite3.SQLITE_FULL:
                        raise
                    self._bound(connection, full=True)
                    _insert(connection, rows)
                self._bound(connection)
        except Exception as error:
            raise self._later(error) from error
        self._pause, self._locked_since = 0.0, None
        EXPORTER.every_round(self._look_after, self, "record")

    def finish(self) -> None:
        """Close the file: what it has is on the disk then."""
        with self._in_use:
            self._close()

    def _open(self) -> sqlite3.Connection:
        if self._broken is not None:
            raise self._broken
        if self._connection is not None and identity(self._path) != self._identity:
            self._close()  # (somebody has taken the file away)
        if self._connection is None:
            self._connection = opened(self._path, self._most)
            self._identity = identity(self._path)
        return self._connection

    def _later(self, error: Exception) -> Later:
        """Say what is wrong, once; return when to try again, and whether the events are lost.

        They are not where the file is but locked: whoever has it will let it go.
        """
        now = time.monotonic()
        locked = _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if locked:
            self._locked_since = now if self._locked_since is None else self._locked_since
            if now - self._locked_since < _PATIENCE:
                return Later(BATCH * random.uniform(0.2, 1.0))  # nosec B311
            error = Unusable("it is locked by another process")
        else:
            self.finish()
        self._pause = min(max(2 * self._pause, 1.0), _LONGEST_PAUSE)
        what = str(error) if isinstance(error, Unusable | OSError) else told(error)
        text = f"the record {self._path} cannot be written: {what}"
        fate = "wait" if locked else "are dropped"
        say_once(f"record:{self._path}", f"{text}; events {fate}, and it is tried again")
        return Later(self._pause, lost=not locked)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                return

    # --- age and size -----------------------------------------------------------------

    def _look_after(self) -> None:
        """Delete what is too old, and give back the room that nobody will need soon."""
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + _TIDY
        try:
            with self._in_use:
                connection = self._open()
                oldest = time.time() - self._keep
                gone = _delete(connection, "age", "WHERE time < ?", oldest, 4 * _ROWS)
                pages, free, _ = _pages(connection)
                if free > pages // 4:
                    connection.execute(f"PRAGMA incremental_vacuum({4 * _ROWS})").fetchall()
        except (sqlite3.Error, Unusable, OSError):
            return  # (that is said where events cannot be written)
        if gone == 4 * _ROWS:
            self._tidy_at = 0.0

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

    # --- forks ------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Wait for the batch under way, and close the file."""
        self._paused = self._in_use.acquire(timeout=AT_EXIT)
        if self._paused:
            self._close()

    def after_in_parent(self) -> None:
        """Go on."""
        if self._paused:
            self._paused = False
            self._in_use.release()

    def after_in_child(self) -> None:
        """Begin anew: what was queued is the parent's to write."""
        if not self._paused:
            # (not even to close it: that would give up the locks of the parent)
            _abandoned.append(self._connection)
            self._connection = None
            self._broken = Unusable("the process was forked in the middle of a batch")
        self._paused = False
        if self._in_use.locked():  # (the thread of the sink may wait for it by now)
            self._in_use.release()


_abandoned: list[sqlite3.Connection | None] = []


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


def _insert(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    """Write *rows* in one transaction."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, rows)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


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


def _in_child() -> None:
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
