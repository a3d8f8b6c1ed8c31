"""Tables of libraries other than pandas."""

from __future__ import annotations

import math
from importlib import import_module

import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

TABLE = {"a": [1.0, None, 99.0, math.nan], "s": ["x", "y", None, "z"]}
COLUMNS = {
    "a": {"dtype": "float64", "nullable": True, "range": [0, 10]},
    "s": {"dtype": "string", "categories": ["x", "z"]},
    "q": {},
}


def failures(value, **spec):
    look = Look()
    checker(Spec.model_validate(spec), None).look(value, "x", look)
    return [f"{one.check}: {one}" for one in look.failures]


@pytest.mark.parametrize("make", ["polars:DataFrame", "pyarrow:table"])
def test_tables_are_looked_at_by_column(make):
    """In these NaN is no null, but outside of every range."""
    library, _, name = make.partition(":")
    table = getattr(import_module(library), name)

    assert failures(table(TABLE), type="dataframe", columns=COLUMNS) == [
        "range: x.a[2] is 99.0 (and 1 more), expected between 0 and 10",
        "nullable: x.s[2] is null, expected no nulls",
        "categories: x.s is 'y', expected one of 'x', 'z'",
        "columns: x.q is missing, expected one column",
    ]
    whole = table({"a": [1.0], "s": ["x"], "q": [1]})
    assert failures(whole, columns=COLUMNS, required=["q"], min_len=1, max_bytes="1kB") == []
