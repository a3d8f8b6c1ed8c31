"""Columns without a value: an empty feature refuses no batch."""

from __future__ import annotations

import io

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

ASKED = ("float64", "int64", "string", "datetime64", "category")
EMPTY = [
    pd.DataFrame({"a": []}),
    pd.DataFrame(columns=["a"]),
    pd.DataFrame({"a": pd.Series([], dtype=object)}),
    pl.DataFrame({"a": []}),
    pa.table({"a": pa.nulls(0)}),
]
ALL_NULL = [
    pd.DataFrame({"a": [None, None]}),
    pd.DataFrame({"a": [pd.NA, None]}, dtype=object),
    pd.read_csv(io.StringIO("a,b\n,1\n,2\n")),
    pd.DataFrame({"a": pd.Series([None, None], dtype=pd.ArrowDtype(pa.null()))}),
    pl.DataFrame({"a": [None, None]}),
    pa.table({"a": [None, None]}),
]


def failures(value, **column):
    look = Look()
    spec = Spec.model_validate({"columns": {"a": column}})
    checker(spec, None).look(value, "frame", look)
    return [f"{one.check}: {one}" for one in look.failures]


@pytest.mark.parametrize("dtype", ASKED)
@pytest.mark.parametrize("frame", EMPTY, ids=range(len(EMPTY)))
def test_a_column_without_rows_is_of_every_dtype(frame, dtype):
    """An empty batch is a batch, and has no nulls."""
    assert failures(frame, dtype=dtype) == []
    assert failures(frame, dtype=dtype, range=[0, 1], nullable=True) == []


@pytest.mark.parametrize("dtype", ASKED)
@pytest.mark.parametrize("frame", ALL_NULL, ids=range(len(ALL_NULL)))
def test_a_column_of_nulls_is_of_every_dtype(frame, dtype):
    """Where nulls may stand it passes; where not, the nulls are what is told."""
    assert failures(frame, dtype=dtype, range=[0, 1], nullable=True) == []
    assert failures(frame, dtype=dtype) == [
        "nullable: frame.a[0] is null (and 1 more), expected no nulls"
    ]


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (pd.DataFrame({"a": [None, "x"]}, dtype=object), "object"),
        (pd.DataFrame({"a": pd.Series([], dtype="int64")}), "int64"),
        (pd.DataFrame({"a": [None, 0.5]}), "float64"),
        (pl.DataFrame({"a": [None]}, {"a": pl.Int64}), "int64"),
        (pa.table({"a": pa.array([], pa.int64())}), "int64"),
    ],
    ids=range(5),
)
def test_a_column_that_has_a_value_or_a_dtype_is_held_to_it(frame, found):
    """A dtype that somebody chose is compared, with or without rows."""
    assert failures(frame, dtype="string", nullable=True) == [
        f"dtype: frame.a is of {found}, expected string"
    ]


def test_a_series_without_a_value_is_of_every_dtype_too():
    """What holds for a column holds for one that is an argument by itself."""
    spec = Spec.model_validate({"dtype": "float64"})

    assert checker(spec, None).passes(pd.Series([], dtype=object))
    assert checker(spec, None).passes(pl.Series([None]))
    assert not checker(spec, None).passes(pd.Series(["x"]))
