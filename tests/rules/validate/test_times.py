"""Dates, times and durations, whichever library they are of."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.checks import dtypes
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

DAY = dt.datetime(2024, 5, 1)
ZONED = pd.Series([DAY]).dt.tz_localize("Europe/Paris")


def failures(value, **spec):
    look = Look()
    checker(Spec.model_validate(spec), None).look(value, "x", look)
    return [f"{one.check}: {one}" for one in look.failures]


THERE = [
    DAY,
    DAY.date(),
    DAY.time(),
    dt.timedelta(1),
    np.datetime64("2024-05"),
    np.timedelta64(3, "s"),
    pd.Timestamp(DAY),
    pd.Period("2024"),
    [DAY, DAY.date()],
    *(np.array(["2024-05-01"], f"M8[{unit}]") for unit in ("Y", "D", "s", "us", "ns")),
    *(np.array([[5, 6]], f"m8[{unit}]") for unit in ("D", "ns")),
    np.array([DAY, dt.timedelta(1)], object),
    np.array("2024", "M8[s]"),
    pd.Series([DAY]),
    ZONED,
    pd.DatetimeIndex(ZONED),
    pd.to_timedelta(pd.Series([1, 2])),
    pd.Series(pd.period_range("2024", periods=2)),
    pd.array([DAY]),
    pd.Series([DAY], dtype="timestamp[us][pyarrow]"),
    pd.DataFrame({"a": [DAY], "b": [0.5]}),
    pl.Series([DAY]),
    pl.Series([DAY.date()]),
    pl.Series([DAY.time()]),
    pl.Series([dt.timedelta(1)]),
    pl.DataFrame({"a": [DAY], "b": [1]}),
    pa.array([DAY]),
    pa.chunked_array([[DAY.date()], [DAY.date()]]),
    pa.array([dt.timedelta(1)]),
    pa.table({"a": [DAY.time()]}),
]
LACKING = [
    (np.datetime64("NaT", "s"), "x is NaT"),
    (np.timedelta64("NaT", "s"), "x is NaT"),
    (pd.NaT, "x is NaT"),
    ([DAY, pd.NaT], "x[1] is NaT"),
    (np.array(["2024", "NaT", "NaT"], "M8[ns]"), "x[1] is NaT (and 1 more)"),
    (np.array([[1, 2], [3, "NaT"]], "m8[s]"), "x[1, 1] is NaT"),
    (np.array([DAY, pd.NaT], object), "x[1] is NaT"),
    (np.array("NaT", "M8[s]"), "x is NaT"),
    (pd.Series([DAY, None]), "x[1] is NaT"),
    (pd.concat([ZONED, pd.Series([pd.NaT])]), "x[1] is NaT"),
    (pd.DatetimeIndex([DAY, None], tz="UTC"), "x[1] is null"),
    (pd.to_timedelta(pd.Series([1, None])), "x[1] is NaT"),
    (pd.Series(pd.PeriodIndex(["2024", None], freq="Y")), "x[1] is null"),
    (pd.Series([DAY, None], dtype="timestamp[us][pyarrow]"), "x[1] is null"),
    (pd.DataFrame({"a": [0.5, 0.5], "b": [DAY, None]}), "x[1, 1] is NaT"),
    (pl.Series([DAY, None, None]), "x[1] is null (and 1 more)"),
    (pl.DataFrame({"a": [1, 2], "b": [None, DAY]}), "x[0, 1] is null"),
    (pa.array([dt.timedelta(1), None]), "x[1] is null"),
    (pa.table({"a": [DAY, None]}), "x[1, 0] is null"),
]


@pytest.mark.parametrize("value", THERE, ids=repr)
def test_times_that_are_there_are_finite_and_in_no_range(value):
    """A range is one of numbers, and the number behind a time depends on its unit."""
    assert failures(value, finite=True) == []
    for ends in ([0, None], [None, 10**30], [0, 10]):
        [message] = failures(value, range=ends)
        assert message.startswith("range: x")
        assert "expected a number" in message


@pytest.mark.parametrize(("value", "found"), LACKING, ids=lambda one: repr(one)[:40])
def test_finite_refuses_a_time_that_is_none(value, found):
    """`NaT` is told with its place, and others like it are counted."""
    assert failures(value, finite=True) == [f"finite: {found}, expected a number or a time"]


def test_a_mask_hides_a_time_that_is_none():
    """What a mask hides is not there."""
    x = np.ma.array(np.array(["2024", "NaT", "NaT"], "M8[s]"), mask=[False, True, False])

    assert failures(x, finite=True) == ["finite: x[2] is NaT, expected a number or a time"]
    assert failures(x[:2], finite=True) == []


def test_a_duration_is_no_whole_number():
    """numpy's durations are among its integers, and are none."""
    assert failures(np.timedelta64(3, "s"), type="int") != []
    assert failures(np.timedelta64(3, "s"), type="float", range=[0, 5]) != []


@pytest.mark.parametrize(
    ("asked", "dtype"),
    [
        ("datetime64", pl.Datetime("ms", "UTC")),
        ("datetime64[ms, UTC]", pl.Datetime("ms", "UTC")),
        ("datetime64[us]", pl.Datetime("us")),
        ("timedelta64[us]", pl.Duration("us")),
        ("date", pl.Date()),
        ("time", pl.Time()),
        ("datetime64[ns]", pa.timestamp("ns")),
        ("datetime64[us, UTC]", pa.timestamp("us", "UTC")),
        ("timedelta64", pa.duration("s")),
        ("date", pa.date32()),
        ("time", pa.time64("us")),
        ("decimal", pa.decimal128(9, 2)),
        ("decimal", pl.Decimal(9, 2)),
        ("category", pa.dictionary(pa.int8(), pa.string())),
        ("category", pl.Enum(["a"])),
        ("category", pl.Categorical()),
        ("datetime64[ns, Europe/Paris]", pd.DatetimeTZDtype("ns", "Europe/Paris")),
        ("datetime64", pd.ArrowDtype(pa.timestamp("ns"))),
        ("float64", pd.ArrowDtype(pa.float64())),
        ("datetime64[ms]", np.dtype("M8[ms]")),
    ],
    ids=str,
)
def test_a_dtype_has_one_name_in_all_libraries(asked, dtype):
    """A policy says `datetime64`, whichever library the column is of."""
    assert dtypes.same(asked, dtype)
    assert dtypes.known(asked)
    assert not dtypes.same("string", dtype)


def test_units_and_zones_of_times_differ():
    """A dtype that names them asks for them."""
    assert not dtypes.same("datetime64[ns]", pl.Datetime("us"))
    assert not dtypes.same("datetime64[us]", pa.timestamp("us", "UTC"))
    assert not dtypes.same("timedelta64", pa.timestamp("us"))
