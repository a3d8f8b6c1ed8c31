"""What a record tells: events that fit a condition, those of one call, what fails most.

The file is opened to be read alone, while services write it, or long after they are gone.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote

from mlpolicy.core.quantity import Duration, QuantityError
from mlpolicy.rules.monitor.record_file import APPLICATION, VERSION
from mlpolicy.rules.monitor.search import answers, connected
from mlpolicy.rules.monitor.where import SQL

Event = dict[str, Any]
_ID: Final = re.compile("[0-9a-f]{1,32}")
_STRIDE: Final = 25_000
"""Events that are looked through at a time."""


class NoRecord(Exception):
    """There is no record in that file, or it cannot be read."""


@dataclass(frozen=True)
class Wanted:
    """What events are asked for."""

    functions: tuple[str, ...] = ()
    """Function paths; `*` is any text."""
    outcomes: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    where: SQL | None = None


class RecordFile:
    """The events in one file."""

    _connection: sqlite3.Connection = None  # type: ignore[assignment]  # (until it is opened)

    def __init__(self, path: str, stride: int = _STRIDE) -> None:
        self.path, self._stride = path, stride
        if not os.path.isfile(path):
            raise NoRecord(f"there is no record `{path}`")
        try:
            version, application = self._open("mode=ro")
        except sqlite3.OperationalError:
            # It lies where nobody may write: without writers it is read as it is.
            self._connection.close()
            version, application = self._open("immutable=1")
        if application != APPLICATION:
            raise NoRecord(f"`{path}` is an SQLite file of something else")
        if version > VERSION:
            raise NoRecord(
                f"`{path}` is of schema {version}: update mlpolicy, which knows {VERSION}"
            )

    def __del__(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _open(self, how: str) -> tuple[int, int]:
        """Open the file that way; return its version, and what application it is of."""
        self._name = f"file:{quote(os.path.abspath(self.path))}?{how}"
        self._connection = connected(self._name)
        names = ("user_version", "application_id")
        try:
            version, application = (self._rows(f"PRAGMA {name}")[0][0] for name in names)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise NoRecord(f"`{self.path}` is no record: {error}") from None
        return version, application

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    def newest(self, wanted: Wanted, most: int) -> list[Event]:
        """Return the newest events that are *wanted*, the oldest of them first."""
        if wanted.where is None:
            condition, values = self._condition(wanted)
            sql = f"SELECT id FROM events WHERE {condition} ORDER BY time DESC LIMIT ?"  # nosec B608  # noqa: S608 (values are bound)
            return self._events([one for (one,) in reversed(self._rows(sql, (*values, most)))])
        found: list[tuple[Any, ...]] = []
        older = "SELECT 1 FROM events WHERE time > ? AND id < ? LIMIT 1"
        order = "ORDER BY +time DESC, id DESC LIMIT ?"
        for first, rows in self._searched(wanted, "time, id", order, most):
            found = sorted((*found, *map(tuple, rows)))[-most:]
            # (what ended late may have been written early)
            if len(found) == most and not self._rows(older, (found[0][0], first)):
                break
        return self._events([one for _, one in found])

    def end(self) -> int:
        """Return the id of the last event."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM events")[0][0])

    def after(self, last: int, wanted: Wanted) -> tuple[int, list[Event]]:
        """Return the id of the last event, and what was written since the one with the id *last*."""
        condition, values = self._condition(wanted)
        end = self.end()
        sql = f"SELECT id FROM events NOT INDEXED WHERE id > ? AND id <= ? AND {condition}"  # nosec B608  # noqa: S608 (values are bound)
        return end, self._events([one for (one,) in self._rows(sql, (last, end, *values))])

    def of_call(self, call_id: str) -> list[Event]:
        """Return all events of the calls that have that id, or one that begins so."""
        if not _ID.fullmatch(call_id):
            return []
        span = (call_id, f"{call_id}g")
        sql = "SELECT DISTINCT call_id FROM events WHERE {0} >= ? AND {0} < ? LIMIT 2"
        calls = self._rows(sql.format("call_id"), span) or self._rows(sql.format("own_id"), span)
        if len(calls) > 1:
            raise NoRecord(f"`{call_id}` is the beginning of several ids: write more of it")
        sql = "SELECT id FROM events WHERE call_id = ? ORDER BY id LIMIT 10000"
        return self._events([one for call in calls for (one,) in self._rows(sql, call)])

    def worst(self, wanted: Wanted, most: int) -> list[dict[str, Any]]:
        """Return what ended badly by function and class of error, the most frequent first.

        Each event counts for the calls that it stands for.
        """
        calls = "sum(1 / max(sample_rate, 1e-9))"
        what = f"function, outcome, error_type, {calls}, count(*), max(time), own_id"
        names = ("function", "outcome", "error_type", "calls", "events", "last", "example")
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        for _, rows in self._searched(wanted, what, "GROUP BY 1, 2, 3"):
            for row in rows:
                one = dict(zip(names, row, strict=True))
                held = found.setdefault(tuple(row[:3]), one | {"calls": 0, "events": 0})
                counts = {name: held[name] + one[name] for name in ("calls", "events")}
                held |= (one if one["last"] > held["last"] else {}) | counts
        worst = sorted(found.values(), key=lambda one: -one["calls"])[:most]
        return [one | {"calls": round(one["calls"]), "last": as_time(one["last"])} for one in worst]

    def _searched(
        self, wanted: Wanted, what: str, how: str, *more: Any
    ) -> Iterator[tuple[int, list[Any]]]:
        """Yield the first id of each range of events, and *what* is *wanted* in it; the last first.

        Within a range the file is read forwards: systems read ahead in that direction alone, and
        what is not in memory comes ten times as fast.
        """
        condition, values = self._condition(wanted)
        outcomes = () if wanted.functions else wanted.outcomes
        indexed, bound = self._condition(replace(wanted, outcomes=outcomes, where=None))
        if indexed == "1":
            sql = "SELECT 9e9, (SELECT min(id) FROM events), (SELECT max(id) FROM events)"
        else:
            sql = f"SELECT count(*), min(id), max(id) FROM events WHERE {indexed}"  # nosec B608  # noqa: S608 (values are bound)
        [(count, first, last)] = self._rows(sql, bound)
        if not count or first is None:
            return
        if count > 2 * self._stride:
            which, bound = "id BETWEEN ? AND ?", ()
            ends = range(last, first - 1, -self._stride)
            ranges = [(max(first, end - self._stride + 1), end) for end in ends]
        else:
            which = f"+id BETWEEN ? AND ? AND id IN (SELECT id FROM events WHERE {indexed})"  # nosec B608  # noqa: S608 (values are bound)
            ranges = [(first, last)]
        sql = f"SELECT {what} FROM events NOT INDEXED WHERE {which} AND {condition} {how}"  # nosec B608  # noqa: S608 (values are bound)
        found = answers(self._name, sql, (*bound, *values, *more), ranges)
        for one, rows in zip(ranges, found, strict=True):
            yield one[0], rows

    def _events(self, ids: Iterable[int]) -> list[Event]:
        sql = "SELECT id, pid, event FROM events WHERE id = ?"
        found = (row for one in ids for row in self._rows(sql, (one,)))
        return [{"id": one, "pid": pid, **json.loads(event)} for one, pid, event in found]

    def _condition(self, wanted: Wanted) -> SQL:
        parts: list[SQL] = [("1", ())]
        if wanted.functions:
            # (each name is one look into the index)
            known = self._rows(
                "WITH RECURSIVE names (name) AS (SELECT min(function) FROM events UNION ALL SELECT"
                " (SELECT min(function) FROM events WHERE function > name) FROM names WHERE name"
                " IS NOT NULL) SELECT name FROM names WHERE name IS NOT NULL"
            )
            fits = {name for (name,) in known for one in wanted.functions if fnmatchcase(name, one)}
            if len(fits) < len(known):
                parts.append((f"function IN ({', '.join('?' * len(fits))})", tuple(fits)))
        if wanted.outcomes:
            marks = ", ".join("?" * len(wanted.outcomes))
            parts.append((f"outcome IN ({marks})", wanted.outcomes))
        bounds = ((wanted.since, "time >= ?"), (wanted.until, "time < ?"))
        parts += [(sql, (bound,)) for bound, sql in bounds if bound is not None]
        parts += [wanted.where] if wanted.where else []
        return " AND ".join(sql for sql, _ in parts), sum((each for _, each in parts), ())


# --- times ----------------------------------------------------------------------------


def as_time(seconds: float) -> str:
    """Return a moment as people of this place write it."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "milliseconds")


def moment(text: str, now: datetime, *, after: float | None = None) -> float:
    """Return the moment that *text* says: `03:00`, a date with or without a time, `10m` ago.

    A time of day is the last one before *now*, or, where it is to lie *after* another moment, the
    first one then. ValueError where it says none.
    """
    try:
        return now.timestamp() - float(Duration.of(text))
    except QuantityError:
        pass
    clock = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text)
    if clock is None:
        return datetime.fromisoformat(text).timestamp()
    hour, minute, second = (int(part or 0) for part in clock.groups())
    day = (now if after is None else datetime.fromtimestamp(after)).replace(tzinfo=None)
    at = day.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if after is None:
        return (at if at <= day else at - timedelta(days=1)).timestamp()
    return (at if at > day else at + timedelta(days=1)).timestamp()
