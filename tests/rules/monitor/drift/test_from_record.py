"""What an event tells of a signal is what the signal is where drift is watched."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some

from mlpolicy.rules.monitor.drift.build import build
from mlpolicy.rules.monitor.drift.from_record import ROWS, UNKNOWN, batches, cell
from mlpolicy.rules.monitor.drift.signals import SUMMARIES, SignalPath, is_null, plain
from mlpolicy.rules.monitor.recorded import Wanted
from mlpolicy.rules.monitor.statistics import statistics
from mlpolicy.rules.monitor.summary import summary

NAN, INF = float("nan"), float("inf")
VALUES = [
    *(1, 1.5, True, None, NAN, 2**60, np.float32(1.5), np.int8(3), np.True_, np.float64(NAN)),
    *([], [1, None, 2.5], (NAN, NAN), [True, False], list(range(1000)), [INF, 1.0], "text", {"a": 1}),
    *(np.arange(3.0), np.ones((40, 30)), np.array([1.0, NAN]), np.array([], "f8"), np.float16([1e4])),
    *(pd.Series([1.0, None, 3.0]), pl.Series([1, 2]), pa.array([1, None]), pa.chunked_array([[1.0], [2.0]]), range(9), {1, 2}, b"bytes"),
]  # fmt: skip


def event(value, *, result=None):
    made = {"input": {"v": statistics(value, str)}, "output": statistics(result, str, result=True)}
    return json.loads(json.dumps(made))


def same(told, read):
    """Whether both are in the same bin, whatever the bins."""
    read = plain(read)
    if is_null(read):
        return told is None
    return told == read


@pytest.mark.parametrize("summed", ["", *(f":{name}" for name in SUMMARIES)])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_an_event_tells_what_is_watched_or_nothing(value, summed):
    path = SignalPath.parse(f"v{summed}")
    told = cell(event(value), path)

    if told != UNKNOWN:
        assert same(told, path.read(value))
        assert summed or isinstance(told, bool) is isinstance(plain(value), bool)


@pytest.mark.parametrize(
    ("signal", "value", "told"),
    [
        ("v", 1.5, 1.5),
        ("v", False, False),
        ("v", NAN, None),
        ("v", INF, UNKNOWN),
        ("v", "text", UNKNOWN),
        ("v", [1.0], UNKNOWN),
        ("v:mean", [1.0, 2.0, None], 1.5),
        ("v:max", [1.0, INF], 1.0),
        ("v:nulls", [1.0, 2.0, None], 1 / 3),
        ("v:len", list(range(1000)), 1000),
        ("v:len", np.ones((40, 30)), 1200),
        ("v:len", pd.DataFrame({"a": [1, 2, 3]}), 3),
        ("v.a:nulls", pd.DataFrame({"a": [1, None, None], "b": 1}), 2 / 3),
        ("v.c:nulls", pd.DataFrame({"a": [1]}), UNKNOWN),
        ("v.a", {"a": 1}, UNKNOWN),
        ("v[0]", [1], UNKNOWN),
        ("other", 1, UNKNOWN),
    ],
)
def test_what_an_event_tells(signal, value, told):
    assert cell(event(value), SignalPath.parse(signal)) == told


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("spam", "spam"),
        (True, True),
        (np.True_, True),
        (np.str_("spam"), "spam"),
        (7, 7),
        (0.25, 0.25),
        (None, None),
        ([0.25, 0.75], UNKNOWN),
        ("x" * 65, UNKNOWN),
    ],
)
def test_a_result_is_its_number_or_its_label(result, told):
    found = cell(event(0, result=result), SignalPath.parse("result"))

    assert (found, type(found)) == (told, type(told))
    assert found == UNKNOWN or found == plain(result)


def test_what_was_not_recorded_is_not_told():
    """With `inputs: summary` there is a length, and no number."""
    found = {"input": {"v": summary([1.0]), "w": summary(1.0)}}

    assert cell(found, SignalPath.parse("v:len")) == 1
    assert cell(found, SignalPath.parse("v:mean")) == cell(found, SignalPath.parse("w")) == UNKNOWN


FLOATS = some.floats(-1e300, 1e300) | some.sampled_from([NAN, INF, -INF])


@given(some.lists(some.none() | FLOATS | some.integers(-(2**60), 2**60), max_size=600))
def test_numbers_of_lists_agree(values):
    """Shares of nulls to the last digit, though they are rounded in an event."""
    told = event(values)
    for name in SUMMARIES:
        path = SignalPath.parse(f"v:{name}")

        assert same(cell(told, path), path.read(values))


class Record:
    """A record in memory, which knows how much of it was asked for at a time."""

    path = "events.db"

    def __init__(self, values):
        self.events = [event(value) for value in values]
        self.most = 0

    def after(self, last, wanted):
        sql, bound = wanted.where
        stop = bound[0] if bound else last
        found = self.events[last:stop]
        self.most = max(self.most, len(found))
        return len(self.events), found


def test_a_record_is_read_by_parts():
    """In its order, twice, and nothing that comes meanwhile."""
    record = Record([*range(2 * ROWS + 5), None, "text"])
    read = batches(record, Wanted(("m:f",)), ["v"])
    record.events.append(event(1.0))
    first, second = ([one for batch in read() for one in batch["v"]] for _ in range(2))

    assert first == second == [*range(2 * ROWS + 5), None, UNKNOWN]
    assert record.most == ROWS


def test_what_is_in_the_last_part_alone_is_enough():
    """As where a setting was changed."""
    profile = build(
        batches(Record(["text"] * ROWS + [1.0, 2.0]), Wanted(), ["v"]), function="m:f", made=""
    )

    assert (profile.rows, profile.signals["v"].counts) == (ROWS + 2, (0, 1, 1))
