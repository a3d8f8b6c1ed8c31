"""What a record is asked: conditions, times, and a large file."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from mlpolicy.rules.monitor.record import _INSERT
from mlpolicy.rules.monitor.record_file import opened
from mlpolicy.rules.monitor.recorded import RecordFile, Wanted, moment
from mlpolicy.rules.monitor.where import WhereError, compiled

EVENTS = [
    {"n": 1, "input": {"user": {"country": "DE", "age": 20}, "a.b": [5, {"x": True}]}},
    {"n": 2, "input": {"user": {"country": "FR", "age": "NaN"}, "a.b": [7], "on": False}},
    {"n": 3, "input": {"user": {"country": None, "age": 40.5}}, "cache": 'O\'Brien "é"'},
    {"n": 4, "input": {"user": {"country": 5}}},
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('input.user.country = "DE"', [1]),
        ('input.user.country != "DE"', [2, 4]),
        ("input.user.country is null", [3]),
        ("input.user.age is not null and input.user.age >= 20", [1, 3]),
        ("input.user.age > 20", [3]),
        ("input.user.age < 1e9", [1, 3]),
        ('input.user.age < "a"', [2]),
        ("input.user.country < 'FR'", [1]),
        ("input.user.country <= 'FR'", [1, 2]),
        ("input.user.country ~ 'R'", [2]),
        ("input.'a.b'[0] = 7", [2]),
        ('input."a.b"[1].x = true or input.on = false', [1, 2]),
        ("input.on != true", [2]),
        (r"""cache = "O'Brien \"é\"" """, [3]),
        ("(n = 1 or n = 2) and (n = 2 or n = 3)", [2]),
        ("n = 1 or n = 2 and n = 3", [1]),
        ('function = "a:f" AND duration_s > 1.5', [3, 4]),
    ],
)
def test_a_condition_finds_what_it_says(tmp_path, text, found):
    """By columns and by what is in the JSON, each with values of one type."""
    connection = opened(str(tmp_path / "e.db"), 1 << 30)
    for event in EVENTS:
        known = (event["n"], "a:f", "ok", "INFO", "0", "0", None, float(event["n"] - 1), 1, 1.0)
        connection.execute(_INSERT, (*known, json.dumps(event)))

    newest = RecordFile(str(tmp_path / "e.db")).newest(Wanted(where=compiled(text)), 10)
    connection.close()

    assert [event["n"] for event in newest] == found


@pytest.mark.parametrize(
    ("text", "column", "remedy"),
    [
        ("input.x = DE", 10, 'a text stands in quotes: "DE"'),
        ("input.x 5", 8, "write one of = != <= >= < > ~"),
        ("= 5", 0, "write the path of a field first"),
        ("input. = 5", 7, "write the path of a field first"),
        ("a = 5 b = 6", 6, "join comparisons by `and`, `or`"),
        ("(a = 5", 6, "close what was opened"),
        ("a = null", 4, "write `is null`"),
        ("a is 5", 5, "write `is null`"),
        ("a[x] = 5", 2, "count the items of a list from 0"),
        ("a[0 = 5", 4, "close the index"),
        ("a > true", 8, "write = or !="),
        ("a = 5; DROP TABLE events", 5, "join comparisons by `and`, `or`"),
        ('a."b\\"c" = 5', 2, "compare the rest"),
        (" and ".join(["a = 1"] * 101), 1000, "ask in several commands"),
    ],
)
def test_what_does_not_parse_is_pointed_at(text, column, remedy):
    """With what to write instead."""
    with pytest.raises(WhereError) as raised:
        compiled(text)

    _, line, caret, help = str(raised.value).split("\n")
    assert (line[2:], caret.index("^") - 2) == (text, column)
    assert remedy in help


def test_nothing_that_was_written_is_sql():
    """All of it is a parameter."""
    sql, values = compiled("""input."x') --" = "'; DROP TABLE events" or pid > 5""")

    assert "x" not in sql.replace("extract", "")
    assert "DROP" not in sql
    assert values[1:3] == ('$."input"."x\') --"', "'; DROP TABLE events")


@pytest.mark.parametrize(
    ("text", "after", "found"),
    [
        ("03:00", None, "2026-05-05T03:00:00"),
        ("03:10", None, "2026-05-04T03:10:00"),
        ("03:10", "2026-05-05T03:00:00", "2026-05-05T03:10:00"),
        ("00:10:05", "2026-05-04T23:50:00", "2026-05-05T00:10:05"),
        ("1h30m", None, "2026-05-05T01:35:00"),
        ("2026-01-31", None, "2026-01-31T00:00:00"),
        ("2026-01-31T03:00:01", None, "2026-01-31T03:00:01"),
    ],
)
def test_a_time_is_what_people_mean(text, after, found):
    """A time of day is the last one, and the end of a span comes after its beginning."""
    now = datetime(2026, 5, 5, 3, 5)
    since = datetime.fromisoformat(after).timestamp() if after else None

    assert datetime.fromtimestamp(moment(text, now, after=since)).isoformat() == found


def test_the_sql_of_the_documentation_runs(tmp_path):
    """And finds what it says, through indices."""
    connection = opened(str(tmp_path / "e.db"), 1 << 30)
    name, now = "mypkg.serve:predict", time.time()
    event = json.dumps({"input": EVENTS[0]["input"], "error": {"message": "m"}})
    for own, function in (("b", "mypkg.serve:inner"), ("a", name)):
        known = (now, function, "refused", "WARNING", "a", own, "E", 0.1, 1, 0.5, event)
        connection.execute(_INSERT, known)
    page = Path(__file__).parents[3] / "docs/reference/record.md"
    asked = re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.S)

    found = [connection.execute(sql).fetchall() for sql in asked]
    plans = [connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in asked]
    connection.close()

    assert sorted(found[0]) == [("mypkg.serve:inner", "E", 2.0), (name, "E", 2.0)]
    assert [row[1:] for row in found[1]] == [(name, "m")]
    assert sorted(found[2]) == [("mypkg.serve:inner", 1), (name, 1)]
    assert all("USING INDEX" in plan[0][3] for plan in plans)


def test_a_large_record_is_asked_quickly(tmp_path):
    """Function, time and outcome are looked up, not searched: a million events take 20 times this."""
    path = str(tmp_path / "large.db")
    connection = opened(path, 1 << 30)
    countries, now = ("DE", "FR", "US", "IT"), time.time()

    def events():
        for number in range(50_000):
            bad = number % 50 == 0
            event = {"input": {"user": {"country": countries[number % 7 % 4]}}, "x": "x" * 300}
            name, error = f"recsys.m{number % 20}:predict", "ValueError" if bad else None
            known = (now - 50_000 + number, name, "error" if bad else "ok", "INFO")
            yield (
                *known,
                f"{number:032x}",
                f"{number:032x}",
                error,
                0.1,
                1,
                1.0,
                json.dumps(event),
            )

    connection.execute("BEGIN")
    connection.executemany(_INSERT, events())
    connection.execute("COMMIT")
    connection.close()
    record, where = RecordFile(path), compiled('input.user.country = "IT"')
    wanted = Wanted(("recsys.m1*",), ("error", "refused"), now - 40_000, now - 1000, where)

    began = time.perf_counter()
    found = record.newest(wanted, 1000)
    took = time.perf_counter() - began

    reader = sqlite3.connect(path)
    every = reader.execute(
        "SELECT count(*) FROM events WHERE function GLOB 'recsys.m1*' AND outcome = 'error' AND"
        " time >= ? AND time < ? AND json_extract(event, '$.input.user.country') = 'IT'",
        (now - 40_000, now - 1000),
    )
    expected = every.fetchone()
    reader.close()
    assert (len(found),) == expected != (0,)
    assert took < 0.2


CONDITIONS = (
    *('input.user.country = "DE"', "input.n > 990", "input.n < 3", "input.gone is not null"),
    *('input.user.country ~ "R" and n != 7', "n >= 0"),
)


@pytest.fixture
def many(tmp_path):
    """A record of 1000 events, in which some were written later than they ended, and all of them."""
    path, made = str(tmp_path / "many.db"), []
    connection = opened(path, 1 << 30)
    for n in range(1, 1001):
        country = ("FR", "IT", "DE")[(n % 7 == 0) + (n % 97 == 0)]
        outcome = ("ok", "error", "refused")[n % 3]
        event = {"n": n, "input": {"n": n, "user": {"country": country}}}
        known = (1000.0 + n - n * n % 50, f"a:f{n % 4}", outcome, "INFO", "c", f"{n:032x}", "E")
        connection.execute(_INSERT, (*known, 0.1, 1, 0.5, json.dumps(event)))
        made.append((known[0], n, known[1], outcome, country))
    connection.close()
    return path, sorted(made)


@pytest.mark.parametrize("text", CONDITIONS)
@pytest.mark.parametrize("terms", [{}, {"functions": ("a:f[12]",)}, {"since": 1200.0}])
@pytest.mark.parametrize("stride", [20, 300, 25_000])
def test_the_newest_are_found_whatever_the_ranges(many, text, terms, stride):
    """By several processes, range by range, as by one look at everything."""
    path, _ = many
    wanted, reader = Wanted(where=compiled(text), **terms), sqlite3.connect(path)
    sql, values = wanted.where
    kinds = "AND function IN ('a:f1', 'a:f2')" if "functions" in terms else ""
    asked = f"SELECT id FROM events WHERE {sql} {kinds} AND time >= ? ORDER BY time DESC, id DESC"

    found = [one["id"] for one in reversed(RecordFile(path, stride).newest(wanted, 12))]

    expected = reader.execute(f"{asked} LIMIT 12", (*values, wanted.since or 0)).fetchall()
    reader.close()
    assert found == [one for (one,) in expected]


def test_what_fails_most_is_counted_over_all_ranges(many):
    """With the newest of each kind as the example."""
    path, made = many
    wanted = Wanted(outcomes=("error", "refused"))

    found = RecordFile(path, 20).worst(wanted, 3)

    assert found == RecordFile(path).worst(wanted, 3)
    for one in found:
        same = [n for _, n, *kind, _ in made if kind == [one["function"], one["outcome"]]]
        assert (one["events"], one["calls"]) == (len(same), 2 * len(same))
        assert one["example"] == f"{same[-1]:032x}"


def test_a_process_that_fails_leaves_its_part(many, monkeypatch):
    """And none is started where the first ranges have what is wanted."""
    path, _ = many
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert len(RecordFile(path, 20).newest(Wanted(where=compiled("n < 3")), 9)) == 2

    monkeypatch.setattr(sys, "executable", "/none")
    assert len(RecordFile(path, 200).newest(Wanted(where=compiled("n > 3")), 9)) == 9


def test_a_number_that_sqlite_does_not_have_is_compared(many):
    """As one of floating point."""
    path, _ = many
    wanted = Wanted(where=compiled("n < 99999999999999999999 and n > -99999999999999999999"))

    assert len(RecordFile(path).newest(wanted, 9999)) == 1000
