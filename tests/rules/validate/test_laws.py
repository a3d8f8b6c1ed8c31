"""Laws of checks, held against a plain reading of what they promise."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

INF = math.inf


def found(value, spec):
    """Return place and check of each failure, and how many more it stands for."""
    look = Look()
    checker(Spec.model_validate(spec), None).look(value, "x", look)
    more = (re.search(r"\(and (\d+) more\)$", one.found) for one in look.failures)
    return [
        (one.where, one.check, int(match[1]) if match else 0)
        for one, match in zip(look.failures, more, strict=True)
    ]


ends = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([0.5, -0.25, 2.0]))
bounds = st.tuples(ends, ends, st.booleans()).filter(
    lambda one: (one[0], one[1]) != (None, None) and (None in one[:2] or one[0] < one[1])
)
floats = st.one_of(
    st.sampled_from([0.0, 0.5, 1.0, 2.0, -2.0, 3.5, math.nan, INF, -INF]), st.floats(-4, 4)
)
whole = st.integers(-4, 4)
rows = st.one_of(st.lists(floats, max_size=6), st.lists(whole, max_size=6))


def spec_of(bound):
    low, high, finite = bound
    return {"range": [low, high], "finite": finite}


def outside(number, bound):
    """Return the setting that *number* breaks, if any: what the docs say, and no more."""
    low, high, finite = bound
    if finite and not math.isfinite(number):
        return "finite"
    if math.isnan(number) or number < (-INF if low is None else low):
        return "range"
    return "range" if number > (INF if high is None else high) else None


def first_of(numbers, bound):
    wrong = [(at, outside(one, bound)) for at, one in enumerate(numbers)]
    wrong = [(at, check) for at, check in wrong if check]
    return [(f"x[{wrong[0][0]}]", wrong[0][1], len(wrong) - 1)] if wrong else []


MAKERS = {
    "list": list,
    "tuple": tuple,
    "numpy": np.array,
    "objects": lambda one: np.array(one, dtype=object),
    "masked": lambda one: np.ma.array(one, mask=[False] * len(one)),
    "series": pd.Series,
    "index": pd.Index,
    "polars": lambda one: pl.Series(one, dtype=None if one else pl.Float64),
    "arrow": lambda one: pa.array(one, None if one else pa.float64()),
    "chunks": lambda one: (
        pa.chunked_array([pa.array(one[:2]), pa.array(one[2:])])
        if len(one) > 2
        else pa.array(one, pa.float64())
    ),
    "decimals": lambda one: [Decimal(x) for x in one],
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@settings(max_examples=150, deadline=None)
@given(rows, bounds)
def test_lists_arrays_and_columns_agree_on_numbers(make, numbers, bound):
    """The same numbers pass or fail, at the same place, whatever holds them."""
    said = found(make(numbers), spec_of(bound))

    expected = first_of(numbers, bound)
    if make is MAKERS["decimals"]:  # a Decimal's infinity is told by the range where there is one
        said = [(where, "", more) for where, _, more in said]
        expected = [(where, "", more) for where, _, more in expected]
    assert said == expected


@settings(max_examples=150, deadline=None)
@given(rows, st.booleans())
def test_finite_alone_takes_every_number_but_nan_and_infinity(numbers, nested):
    """Nested lists and arrays of two dimensions agree too."""
    wrong = [at for at, one in enumerate(numbers) if not math.isfinite(one)]
    for value, place in (([numbers], "x[0][{}]"), (np.array([numbers]), "x[0, {}]")):
        expected = [(place.format(wrong[0]), "finite", len(wrong) - 1)] if wrong else []
        assert found(value, {"finite": True}) == expected


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.none(), floats), min_size=1, max_size=6), bounds, st.booleans())
@pytest.mark.parametrize("library", ["pandas", "Float64", "polars", "arrow"])
def test_columns_pass_over_nulls_where_they_may_stand(library, numbers, bound, nullable):
    """The row that is told is one of the column, nulls counted; NaN is null in pandas alone."""
    table = {
        "pandas": lambda: pd.DataFrame({"a": pd.Series(numbers, dtype="float64")}),
        "Float64": lambda: pd.DataFrame({"a": pd.Series([_none(x) for x in numbers], dtype="Float64")}),
        "polars": lambda: pl.DataFrame({"a": pl.Series(numbers, dtype=pl.Float64, strict=False)}),
        "arrow": lambda: pa.table({"a": pa.array(numbers, pa.float64())}),
    }[library]()  # fmt: skip
    low, high, _ = bound
    column = {"range": [low, high], "nullable": nullable}

    if library in ("pandas", "Float64"):
        numbers = [_none(one) for one in numbers]
    nulls = [at for at, one in enumerate(numbers) if one is None]
    wrong = [
        at for at, one in enumerate(numbers) if one is not None and outside(one, (low, high, False))
    ]
    expected = []
    if nulls and not nullable:
        expected.append((f"x.a[{nulls[0]}]", "nullable", len(nulls) - 1))
    if wrong:
        expected.append((f"x.a[{wrong[0]}]", "range", len(wrong) - 1))
    assert found(table, {"columns": {"a": column}}) == expected


def _none(number):
    return None if number is None or math.isnan(number) else number


plain = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, math.nan]),
    st.sampled_from(["", "a", "ab"]),
)  # fmt: skip
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
leaves = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["int", "float", "str", "bool", "mapping", "sequence"]),
        "not_null": st.booleans(),
        "enum": st.lists(st.sampled_from([1, "a", True, None, 0.5]), min_size=1, max_size=3),
        "min_len": st.integers(0, 2),
        "required": st.lists(st.sampled_from("ab"), max_size=2),
    },
)
specs = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda leaf, items, fields: {**leaf, **items, **fields},
        leaves,
        st.one_of(st.just({}), inner.map(lambda one: {"items": one})),
        st.one_of(
            st.just({}),
            st.dictionaries(st.sampled_from("ab"), inner, min_size=1, max_size=2).map(
                lambda one: {"fields": one}
            ),
        ),
    ),
    max_leaves=4,
)
TYPES = {
    "int": lambda v: type(v) is int,
    "float": lambda v: type(v) in (int, float),
    "str": lambda v: type(v) is str,
    "bool": lambda v: type(v) is bool,
    "mapping": lambda v: type(v) is dict,
    "sequence": lambda v: type(v) is list,
}


def places(value, spec, where="x"):
    """Return (place, check) of everything that is wrong, as the docs tell it."""
    nullable = spec.get("not_null") is False
    if value is None and nullable:
        return []
    if value is None and (spec.get("not_null") or "type" in spec):
        return [(where, "not_null")]
    if "type" in spec and not TYPES[spec["type"]](value):
        return [(where, "type")]
    return [*_alone(value, spec, where), *_parts(value, spec, where)]


def _alone(value, spec, where):
    if "enum" in spec and not any(_same(value, one) for one in spec["enum"]):
        yield where, "enum"
    if "min_len" in spec and (
        not isinstance(value, str | list | dict) or len(value) < spec["min_len"]
    ):
        yield where, "min_len"
    for key in spec.get("required", ()):
        if not isinstance(value, dict) or key not in value:
            yield f"{where}.{key}", "required"


def _same(value, allowed):
    if isinstance(value, bool) != isinstance(allowed, bool):
        return False
    return value is allowed if allowed is None else value == allowed


def _parts(value, spec, where):
    for key, inner in spec.get("fields", {}).items():
        if isinstance(value, dict) and key in value:
            yield from places(value[key], inner, f"{where}.{key}")
    if "items" in spec:
        if not isinstance(value, list):
            yield where, "items"
            return
        for at, item in enumerate(value):
            yield from places(item, spec["items"], f"{where}[{at}]")


@settings(max_examples=500, deadline=None)
@given(values, specs)
def test_everything_wrong_in_nested_values_is_told_and_nothing_else(value, spec):
    """Fields and items are looked at as values of their own, at any depth."""
    said = [(where, check) for where, check, _ in found(value, spec)]

    assert sorted(said) == sorted(places(value, spec))
