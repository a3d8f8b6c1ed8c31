"""Dataframes: columns, their dtypes, nulls and values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec


def failures(value, **spec):
    look = Look()
    checker(Spec.model_validate(spec), None).look(value, "frame", look)
    return [f"{one.check}: {one}" for one in look.failures]


def frame(**columns):
    return pd.DataFrame(columns)


def test_a_dataframe_is_known_by_its_protocol():
    """A dataframe is no mapping, and an array no dataframe."""
    assert failures(frame(a=[1]), type="dataframe") == []
    assert failures(frame(a=[1]), type="pandas.DataFrame") == []
    assert len(failures(np.zeros((2, 2)), type="dataframe")) == 1
    assert len(failures({"a": [1]}, type="dataframe")) == 1
    assert len(failures({"a": [1]}, columns={"a": {}})) == 1


def test_columns_must_be_there_once():
    """A column that is missing, or there twice, is told."""
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])

    assert failures(frame(a=[1]), columns={"a": {}}) == []
    assert failures(frame(a=[1]), columns={"b": {}}) == [
        "columns: frame.b is missing, expected one column"
    ]
    assert failures(twice, columns={"a": {}}) == [
        "columns: frame.a is there 2 times, expected one column"
    ]
    assert failures(frame(a=[1]), required=["a", "b"]) == [
        "required: frame.b is missing, expected it to be there"
    ]


def test_a_column_has_its_dtype():
    """pandas' own dtypes go by the common names."""
    table = frame(
        i=[1], f=[1.5], s=["x"], c=pd.Categorical(["x"]), d=pd.to_datetime(["2024-01-01"])
    )
    table["n"] = pd.array([1], dtype="Int64")
    asked = {
        "i": "int64",
        "f": ["float32", "float64"],
        "c": "category",
        "d": "datetime64",
        "n": "int64",
    }

    assert failures(table, columns={name: {"dtype": dtype} for name, dtype in asked.items()}) == []
    assert failures(table, columns={"s": {"dtype": ["string", "object"]}}) == []
    assert failures(table, columns={"i": {"dtype": "float64"}}) == [
        "dtype: frame.i is of int64, expected float64"
    ]


def test_nulls_are_refused_unless_the_column_may_have_them():
    """NaN, None and NA are nulls; the first is shown, the others counted."""
    table = frame(a=[1.0, np.nan, None, 3.0])

    assert failures(table, columns={"a": {"nullable": True}}) == []
    assert failures(table, columns={"a": {}}) == [
        "nullable: frame.a[1] is null (and 1 more), expected no nulls"
    ]
    nullable = pd.DataFrame({"a": pd.array([1, None], dtype="Int64")})
    assert failures(nullable, columns={"a": {}}) == [
        "nullable: frame.a[1] is null, expected no nulls"
    ]


def test_values_of_a_column_are_in_the_range():
    """The row is told; nulls that are allowed are in every range."""
    table = frame(a=[1.0, np.nan, 99.0, -99.0])
    column = {"nullable": True, "range": [0, 10]}

    assert failures(frame(a=[0, 10]), columns={"a": {"range": [0, 10]}}) == []
    assert failures(table, columns={"a": column}) == [
        "range: frame.a[2] is 99.0 (and 1 more), expected between 0 and 10"
    ]
    nullable = pd.DataFrame({"a": pd.array([1, None, 11], dtype="Int64")})
    assert failures(nullable, columns={"a": column}) == [
        "range: frame.a[2] is 11, expected between 0 and 10"
    ]
    assert len(failures(frame(a=["x"]), columns={"a": {"range": [0, 10]}})) == 1


def test_values_of_a_column_are_among_the_categories():
    """One value that is none of them is shown."""
    table = frame(a=["x", "y", "z", "z", None])
    allowed = {"categories": ["x", "y", "z"], "nullable": True}

    assert failures(table, columns={"a": allowed}) == []
    assert failures(table, columns={"a": allowed | {"categories": ["x"]}}) == [
        "categories: frame.a is 'y' (and 1 more), expected one of 'x'"
    ]


def test_lengths_and_bytes_of_a_dataframe():
    """Its length is its rows."""
    table = frame(a=list(range(1000)))

    assert failures(table, min_len=1000, max_bytes="9kB", shape=[1000, 1]) == []
    assert len(failures(table, max_len=999)) == 1
    assert len(failures(table, max_bytes="1kB")) == 1


def test_a_service_that_gets_dataframes(place):
    """The rule holds for the arguments of a function."""

    def predict(frame):
        return len(frame)

    spec = {"type": "dataframe", "columns": {"age": {"dtype": "int64", "range": [0, 150]}}}
    place(predict, validate={"args": {"frame": spec}})

    assert predict(frame(age=[1, 2])) == 2
    with pytest.raises(ValueError, match=r"frame\.age\[1\] is 151, expected between 0 and 150"):
        predict(frame(age=[1, 151]))
