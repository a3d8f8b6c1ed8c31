"""Arrays, frames and their scalars as parts of keys."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.rules.cache.canonical import encode
from mlpolicy.rules.cache.classes import Unkeyable


def test_memory_layout_does_not_matter():
    """C order, Fortran order, slices and reversed views share by content."""
    array = np.arange(12.0).reshape(3, 4)
    layouts = [
        np.asfortranarray(array),
        np.repeat(array, 2, axis=1)[:, ::2],
        array[::-1].copy()[::-1],
        pickle.loads(pickle.dumps(array)),
        np.broadcast_to(array, (1, 3, 4))[0],
    ]

    assert {encode(layout) for layout in layouts} == {encode(array)}


@pytest.mark.parametrize(
    "other",
    [
        np.arange(12.0).reshape(4, 3),
        np.arange(12, dtype=np.int64).reshape(3, 4),
        np.arange(12.0, dtype=">f8").reshape(3, 4),
        np.arange(12.0).reshape(3, 4).T.copy(),
        np.arange(1, 13.0).reshape(3, 4),
        -np.arange(12.0).reshape(3, 4) * 0,
    ],
)
def test_dtype_shape_and_content_matter(other):
    """A difference in any of them is another key."""
    assert encode(np.arange(12.0).reshape(3, 4)) != encode(other)


@given(st.lists(st.floats(width=64), max_size=5), st.lists(st.floats(width=64), max_size=5))
def test_arrays_are_keyed_by_their_bytes(one, other):
    """Zero has a sign, and equal bits are equal."""
    one, other = np.array(one, float), np.array(other, float)

    assert (encode(one) == encode(other)) is (one.tobytes() == other.tobytes())


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.array(["2026-01-01"], "datetime64[D]"),
        lambda: np.array(["a", "bc"]),
        lambda: np.array([1, "a", None], object),
        lambda: np.array([(1, 2.5)], [("a", "i1"), ("b", "f8")]),
        lambda: np.array([1 + 2j]),
        lambda: np.float32(1.5),
        lambda: np.datetime64("2026-01-01"),
        lambda: np.array(3),
        lambda: np.zeros((0, 3)),
        lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=["r", "s"]),
        lambda: pd.DataFrame({"c": pd.Categorical(["u", "v"]), "n": pd.array([1, None], "Int64")}),
        lambda: pd.DataFrame([[1, 2], [3, 4]], columns=["same", "same"]),
        lambda: pd.Series([1.5, 2.5], name="s"),
        lambda: pd.Series(pd.to_datetime(["2026-01-01"]).tz_localize("Europe/Berlin")),
        lambda: pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["n", "l"]),
        lambda: pd.Timestamp("2026-01-01", tz="UTC"),
        lambda: pd.NA,
    ],
)
def test_every_sort_of_array_is_its_own_key(make):
    """Made twice it has one key, which hashes."""
    assert encode(make()) == encode(copy.deepcopy(make()))
    assert hash(encode(make())) == hash(encode(make()))


FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


@pytest.mark.parametrize(
    "other",
    [
        FRAME.rename(columns={"a": "c"}),
        FRAME.set_axis([1, 2]),
        FRAME.astype({"a": "float64"}),
        FRAME[["b", "a"]],
        FRAME.assign(b=["x", "z"]),
        FRAME.astype({"b": "category"}),
        FRAME["a"],
    ],
)
def test_frames_differ_by_columns_index_dtypes_and_content(other):
    """A difference in any of them is another key."""
    assert encode(FRAME) != encode(other)


def test_a_scalar_of_numpy_is_no_plain_number():
    """`np.float64(1.0)`, `1.0` and an array of it have three keys."""
    assert len({encode(np.float64(1.0)), encode(1.0), encode(np.array(1.0))}) == 3
    assert encode([np.float64(1.0), 1.0]) != encode([1.0, 1.0])
    assert encode({"a": np.float64(1), "b": 1.0}) != encode({"a": 1.0, "b": 1.0})


@pytest.mark.parametrize(
    "value",
    [np.ma.array([1, 2], mask=[0, 1]), np.zeros(2, np.longdouble), np.random.default_rng(1)],
    ids=["masked", "long double", "generator"],
)
def test_what_the_bytes_do_not_say_has_no_key(value):
    """A mask, undefined padding and a state that moves are no part of the buffer."""
    with pytest.raises(Unkeyable):
        encode(value)
