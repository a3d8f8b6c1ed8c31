"""Where the first wrong element is, told by the libraries' own passes over the data."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

ROWS = 300_000
MOST = 5_000
"""Calls that a check may make, in Python: far fewer than there are rows."""
RANGE = {"range": [0, 1]}
COLUMN = {"columns": {"a": {"range": [0, 1], "nullable": True}}}


def numbers(*wrong):
    x = np.linspace(0, 1, ROWS)
    x[list(wrong)] = 9
    return x


def halves(*wrong):
    """Every other row is null."""
    x = numbers(*wrong)
    x[::2] = np.nan
    return x


def reported(value, spec):
    """Return what is wrong, and how many calls of functions it took to find out."""
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1

    model = checker(Spec.model_validate(spec), None)
    look = Look()
    sys.setprofile(count)
    try:
        model.look(value, "x", look)
    finally:
        sys.setprofile(None)
    return [str(one) for one in look.failures], calls


LATE = f"[{ROWS - 1}] is 9.0, expected between 0 and 1"
ALL = np.arange(ROWS)
MANY = f"[0] is 9.0 (and {ROWS - 1} more), expected between 0 and 1"
CASES = [
    (numbers(-1), RANGE, "x" + LATE),
    (numbers(*ALL), RANGE, "x" + MANY),
    (np.full(ROWS, np.nan), {"finite": True}, f"x[0] is nan (and {ROWS - 1} more), expected a finite number"),
    (np.full(ROWS, "NaT", "M8[s]"), {"finite": True}, f"x[0] is NaT (and {ROWS - 1} more), expected a number or a time"),
    (np.full(ROWS, "a"), RANGE, f"x[0] is str 'a' (and {ROWS - 1} more), expected a number"),
    (np.full(ROWS, 1j), {"finite": True, "range": [0, 1]}, f"x[0] is 1j (and {ROWS - 1} more), expected between 0 and 1"),
    (np.ma.array(numbers(*ALL), mask=ALL < 5), RANGE, f"x[5] is 9.0 (and {ROWS - 6} more), expected between 0 and 1"),
    (pd.Series(numbers(-1)), RANGE, "x" + LATE),
    (pd.Series(numbers(*ALL)), RANGE, "x" + MANY),
    (pd.DataFrame({"a": numbers(*ALL)}), COLUMN, "x.a" + MANY),
    (pd.DataFrame({"a": halves(-1)}), COLUMN, "x.a" + LATE),
    (pd.DataFrame({"a": pd.array(halves(-1), "Float64")}), COLUMN, "x.a" + LATE),
    (pd.DataFrame({"a": [None] * ROWS}), {"columns": {"a": {}}}, f"x.a[0] is null (and {ROWS - 1} more), expected no nulls"),
    (pl.DataFrame({"a": halves(-1)}).fill_nan(None), COLUMN, "x.a" + LATE),
    (pl.DataFrame({"a": numbers(*ALL)}), COLUMN, "x.a" + MANY),
    (pa.table({"a": pa.array(halves(-1), from_pandas=True)}), COLUMN, "x.a" + LATE),
    (pa.table({"a": numbers(*ALL)}), RANGE, f"x[0, 0] is 9.0 (and {ROWS - 1} more), expected between 0 and 1"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "spec", "message"), CASES, ids=range(len(CASES)))
def test_the_first_wrong_element_is_found_without_a_loop(value, spec, message):
    """However many are wrong and wherever the first is, no row of them takes a step of ours."""
    messages, calls = reported(value, spec)

    assert messages == [message]
    assert calls < MOST


def test_a_wide_dataframe_of_numbers_is_one_array():
    """A row of a thousand features does not take a thousand checks."""
    messages, calls = reported(pd.DataFrame(np.zeros((2, 1000))), RANGE)

    assert messages == []
    assert calls < MOST


def test_places_in_masked_and_strided_arrays_are_those_of_the_array():
    """The index is the one that the caller would use."""
    strided = np.arange(12).reshape(3, 4).T[1:]
    masked = np.ma.array([9.0, 9.0, 0.5, 9.0], mask=[True, False, False, True])

    assert reported(strided, {"range": [0, 8]})[0] == [
        "x[0, 2] is 9 (and 2 more), expected between 0 and 8"
    ]
    assert reported(masked, RANGE)[0] == ["x[1] is 9.0, expected between 0 and 1"]
    whole = np.ma.array([9, 9, 9], mask=[True, False, True])
    assert reported(whole, RANGE)[0] == ["x[1] is 9, expected between 0 and 1"]
    assert reported(np.ma.array([9, 9], mask=True), RANGE)[0] == []
    assert reported(np.ma.array(["a"], mask=True), RANGE)[0] == []


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u1", "i8", "u8"])
def test_a_bound_that_no_element_can_reach_bounds_nothing(dtype):
    """A whole number of any length may stand in a policy."""
    x = np.ones(3, dtype)

    assert reported(x, {"range": [-(10**400), 10**400]})[0] == []
    assert reported(x, {"range": [-5, 10**30], "finite": True})[0] == []
    assert len(reported(x, {"range": [10**30, 10**400]})[0]) == 1


def test_whole_numbers_are_compared_as_they_are():
    """A float that is near a large whole number is not taken for it."""
    x = np.array([2**53 + 1])

    assert reported(x, {"range": [None, 2.0**53]})[0] == [
        f"x[0] is {2**53 + 1}, expected at most {2.0**53}"
    ]
    assert reported(x, {"range": [2.0**53, None]})[0] == []
