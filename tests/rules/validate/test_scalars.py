"""Single values: types, ranges, enums, patterns, lengths."""

from __future__ import annotations

import enum
import math
from decimal import Decimal
from fractions import Fraction
from unittest.mock import Mock

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlpolicy.errors import Failure, ValidationFailed
from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

NAN, INF = math.nan, math.inf


class Color(enum.IntEnum):
    RED = 1


def failures(value, **spec):
    look = Look()
    checker(Spec.model_validate(spec), None).look(value, "x", look)
    return [f"{one.check}: {one}" for one in look.failures]


@pytest.mark.parametrize(
    ("type", "good", "bad"),
    [
        ("int", [0, -5, 10**400, np.int8(3), Color.RED], [True, 1.0, "1", None, np.bool_(1)]),
        ("float", [0.5, 3, NAN, np.float32(1), np.int64(1)], [True, "0.5", None, 1j, Decimal(1)]),
        ("str", ["", "a", np.str_("a")], [b"a", 1, None, ["a"]]),
        ("bool", [True, False, np.bool_(1)], [0, 1, "true", None]),
        ("bytes", [b"", bytearray(b"a"), memoryview(b"a")], ["a", None, [1]]),
        ("mapping", [{}, {"a": 1}], [[], "a", None]),
        ("sequence", [[], (), range(3)], ["ab", b"ab", {}, None, np.zeros(3)]),
        ("ndarray", [np.zeros(3), np.zeros(())], [[1.0], np.float64(1), None]),
        (["ndarray", "dataframe"], [np.zeros(3), pd.DataFrame({"a": [1]})], [[1.0], None]),
        (["int", "str"], [1, "a"], [1.5, None, True]),
        (["int"], [1], ["a", None]),
        (["fractions.Fraction", "bool"], [Fraction(1, 2), True], [0.5, None]),
        ("fractions.Fraction", [Fraction(1, 2)], [0.5, None]),
        ("collections.abc.Mapping", [{}], [[], None]),
        ("enum:IntEnum", [Color.RED], [1]),
    ],
)
def test_a_type_takes_its_values_and_no_others(type, good, bad):
    """Each type takes what Python's users call so, and null is of no type."""
    assert [value for value in good if failures(value, type=type)] == []
    assert [value for value in bad if not failures(value, type=type)] == []


def test_a_class_that_is_not_imported_is_no_class_of_anything():
    """A dotted type is never imported to find out."""
    assert failures(1, type="xml.dom.pulldom.PullDOM") == [
        "type: x is int 1, expected xml.dom.pulldom.PullDOM"
    ]


def test_a_stand_in_passes_for_what_it_stands_in_for():
    """A mock of a class passes, as `isinstance` lets it."""
    assert failures(Mock(spec=dict), type="mapping") == []


@pytest.mark.parametrize("value", [0, 10, 5.5, np.float32(0.0), Decimal("9.9"), Fraction(1, 3)])
def test_both_ends_are_in_the_range(value):
    """A range is inclusive, for every sort of number."""
    assert failures(value, range=[0, 10]) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (11, "range: x is 11, expected between 0 and 10"),
        (-0.1, "range: x is -0.1, expected between 0 and 10"),
        (NAN, "range: x is nan, expected between 0 and 10"),
        (INF, "range: x is inf, expected between 0 and 10"),
        (np.float64(NAN), "range: x is nan, expected between 0 and 10"),
        (True, "range: x is bool True, expected a number"),
        ("5", "range: x is str '5', expected a number"),
        (None, "range: x is null, expected a number"),
        (Decimal("NaN"), "range: x is Decimal('NaN'), expected between 0 and 10"),
        ([1, 2, NAN, 11], "range: x[2] is nan (and 1 more), expected between 0 and 10"),
        ([1, NAN], "range: x[1] is nan, expected between 0 and 10"),
        ([[1], [2, 99]], "range: x[1][1] is 99, expected between 0 and 10"),
        ([1, "2"], "range: x[1] is str '2', expected a number"),
        ((3, None), "range: x[1] is null, expected a number"),
    ],
)
def test_what_is_outside_of_a_range_is_told_with_its_place(value, message):
    """NaN is outside of every range; the first of many is shown, the others are counted."""
    assert failures(value, range=[0, 10]) == [message]


def test_a_range_may_be_open_at_one_end():
    """Null leaves an end open, to infinity too, but never to NaN."""
    assert failures(INF, range=[0, None]) == []
    assert failures(-1, range=[0, None]) == ["range: x is -1, expected at least 0"]
    assert failures(-INF, range=[None, 1.5]) == []
    assert failures(2, range=[None, 1.5]) == ["range: x is 2, expected at most 1.5"]
    assert failures(NAN, range=[None, 1.5]) == ["range: x is nan, expected at most 1.5"]


def test_finite_refuses_nan_and_infinity():
    """`finite` holds for single numbers, complex ones too, and within sequences."""
    assert failures(1e308, finite=True) == []
    assert failures(10**400, finite=True) == []
    assert failures(1 + 2j, finite=True) == []
    assert failures(NAN, finite=True) == ["finite: x is nan, expected a finite number"]
    assert failures([1.0, -INF], finite=True) == ["finite: x[1] is -inf, expected a finite number"]
    assert failures(complex(0, INF), finite=True) == ["finite: x is infj, expected a finite number"]
    assert failures(INF, finite=True, range=[0, None]) == [
        "finite: x is inf, expected a finite number"
    ]


def test_an_enum_takes_its_values_alone():
    """Values are compared as they are: a truth value is no number."""
    assert failures("red", enum=["red", "blue"]) == []
    assert failures(None, enum=["red", None]) == []
    assert failures(1.0, enum=[1]) == []
    assert failures(True, enum=[1]) == ["enum: x is True, expected one of 1"]
    assert failures(1, enum=[True]) == ["enum: x is 1, expected one of True"]
    assert failures(np.bool_(1), enum=[True]) == []
    assert failures("rot", enum=["red", "blue"]) == [
        "enum: x is 'rot', expected one of 'red', 'blue'"
    ]
    assert failures([1], enum=[1]) == ["enum: x is a list, expected one of 1"]
    assert len(failures(np.array([1, 1]), enum=[1])) == 1


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(2, [("a", "f8")]),
        np.zeros((2, 2)),
        pd.Series([1]),
        pd.DataFrame({"a": [1]}),
        pl.Series([1.5]),
        pl.LazyFrame({"a": [1]}),
        pa.array([1]),
    ],
    ids=range(7),
)
def test_an_enum_takes_no_array(value):
    """An array is none of the values allowed, and is not compared to find out."""
    [message] = failures(value, enum=[1, "a"])

    assert message.endswith(", expected one of 1, 'a'")
    assert "cannot be checked" not in message


def test_a_pattern_is_searched():
    """A pattern is found anywhere unless it is tied to an end."""
    assert failures("my u_1", pattern="u_") == []
    assert failures("my u_1", pattern="^u_") == ["pattern: x is 'my u_1', expected to match `^u_`"]
    assert failures(5, pattern="5") == ["pattern: x is int 5, expected a text"]


def test_lengths_are_inclusive():
    """Both ends of a length pass."""
    assert failures("ab", min_len=2, max_len=2) == []
    assert failures([], min_len=1) == ["min_len: x is of length 0, expected a length of at least 1"]
    assert failures("abc", max_len=2) == [
        "max_len: x is of length 3, expected a length of at most 2"
    ]
    assert failures(3, max_len=2) == ["max_len: x is int 3, expected something that has a length"]


def test_null_is_refused_wherever_a_type_stands():
    """`not_null: false` alone lets null pass, whatever else is asked."""
    assert failures(None, type="int") == ["not_null: x is null, expected int"]
    assert failures(None, not_null=True) == ["not_null: x is null, expected a value"]
    assert failures(None, type="int", range=[0, 1], not_null=False) == []
    assert failures(None) == []
    assert failures(None, min_len=1) != []


def test_long_texts_are_cut_in_messages():
    """A message holds the beginning of a text, never all of it."""
    [message] = failures("a" * 5000, enum=["b"])

    assert len(message) < 100
    assert "(5000 long)" in message


def test_a_value_that_breaks_when_it_is_read_does_not_pass():
    """Objects may raise anything; that is a failure of the value, not of the rule."""

    class Broken:
        def __len__(self):
            raise RuntimeError("no length today")

    [message] = failures(Broken(), min_len=1)

    assert "which cannot be checked (RuntimeError: no length today)" in message


def test_wrong_arguments_are_told_all_at_once(place):
    """The error is a ValueError with every failure, and names the function first."""

    def predict(score, user):
        pytest.fail("called")

    place(predict, validate={"args": {"score": {"type": "float"}, "user": {"type": "str"}}})
    with pytest.raises(ValueError, match=r"^\S+:\S*predict ") as caught:
        predict("high", None)

    assert isinstance(caught.value, ValidationFailed)
    assert caught.value.failures == (
        Failure("score", "score", "type", "str 'high'", "float"),
        Failure("user", "user", "not_null", "null", "str"),
    )
