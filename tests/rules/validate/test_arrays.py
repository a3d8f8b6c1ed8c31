"""Arrays: dtype, shape, and every number in them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.checks import dtypes
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec


def failures(value, **spec):
    look = Look()
    checker(Spec.model_validate(spec), None).look(value, "x", look)
    return [f"{one.check}: {one}" for one in look.failures]


@pytest.mark.parametrize(
    ("asked", "dtype"),
    [
        ("float64", "f8"),
        ("float64", ">f8"),
        ("float32", "f4"),
        ("bool", "?"),
        ("string", "U5"),
        ("str", "U5"),
        ("bytes", "S5"),
        ("object", "O"),
        ("datetime64", "M8[ns]"),
        ("datetime64[ns]", "M8[ns]"),
        ("complex64", "c8"),
        ("uint8", "u1"),
    ],
)
def test_a_dtype_is_known_by_its_name(asked, dtype):
    """Byte order and the length of texts are no part of a dtype."""
    assert failures(np.zeros(2, dtype), dtype=asked) == []


def test_another_dtype_is_refused():
    """The message names both."""
    x = np.zeros(2, "f4")

    assert failures(x, dtype="float64") == ["dtype: x is of float32, expected float64"]
    assert failures(x, dtype=["float64", "int8"]) == [
        "dtype: x is of float32, expected float64 or int8"
    ]
    assert failures([1.0], dtype="float64") == ["dtype: x is list, expected an array of float64"]
    assert failures(np.zeros(1, "M8[ms]"), dtype="datetime64[ns]") != []


class _Named:
    """A dtype object of another library."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("float32", "torch.float32"),
        ("bfloat16", "torch.bfloat16"),
        ("float64", "Float64"),
        ("float64", "double"),
        ("float32", "float"),
        ("float16", "halffloat"),
        ("string", "large_string"),
        ("string", "String"),
        ("int64", "Int64"),
    ],
)
def test_other_libraries_spell_dtypes_their_way(asked, text):
    """torch, polars, pyarrow and pandas have names of their own for the same dtype."""
    assert dtypes.same(asked, _Named(text))


def test_each_dimension_has_its_size():
    """Null stands for any size, a number for that one."""
    x = np.zeros((3, 4))

    assert failures(x, shape=[3, 4]) == []
    assert failures(x, shape=[None, 4]) == []
    assert failures(x, shape=[4, 3]) == ["shape: x is of shape [3, 4], expected [4, 3]"]
    assert failures(x, shape=[None]) == ["shape: x is of shape [3, 4], expected [null]"]
    assert failures(x, ndim=2) == []
    assert failures(x, ndim=1) == ["ndim: x is of shape [3, 4], expected 1 dimension"]
    assert failures(np.zeros(()), shape=[]) == []
    assert failures([1], shape=[1]) == ["shape: x is list, expected an array of shape [1]"]
    assert failures([1], ndim=1) == ["ndim: x is list, expected an array of 1 dimension"]


def test_a_name_in_a_shape_is_one_size():
    """The same name means the same size."""
    assert failures(np.zeros((3, 3)), shape=["N", "N"]) == []
    assert failures(np.zeros((3, 4)), shape=["N", "N"]) == [
        "shape: x is of shape [3, 4], expected [N, N] with N = 3"
    ]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "i1", "u1", "i8", "O", "?"])
def test_numbers_within_pass_whatever_their_dtype(dtype):
    """Every numeric dtype is looked at, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert failures(np.ones((2, 2), dtype), range=[0, 1]) == []
        assert failures(np.ones((2, 2), dtype), range=[-1e300, 1e300], finite=True) == []
        assert failures(np.zeros((0, 4), dtype), range=[5, 6], finite=True) == []
        assert failures(np.array(1, dtype), range=[0, 1]) == []


def test_the_first_number_outside_is_shown_with_its_place():
    """The others are counted."""
    x = np.zeros((20, 4))
    x[17, 3] = np.nan

    assert failures(x, range=[-50, 50]) == ["range: x[17, 3] is nan, expected between -50 and 50"]
    x[18:] = 51
    assert failures(x, range=[-50, 50]) == [
        "range: x[17, 3] is nan (and 8 more), expected between -50 and 50"
    ]
    assert failures(np.array(7.0), range=[0, 1]) == ["range: x is 7.0, expected between 0 and 1"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "O"])
def test_finite_refuses_nan_and_infinity(value, dtype):
    """`finite` alone and with an open range."""
    x = np.array([0, value, 1], dtype)

    assert failures(x, finite=True) == [f"finite: x[1] is {value}, expected a finite number"]
    assert len(failures(x, finite=True, range=[None, 5])) == 1


def test_complex_numbers_are_finite_or_not_but_in_no_range():
    """Complex numbers have no order."""
    assert failures(np.array([1 + 2j]), finite=True) == []
    assert len(failures(np.array([complex(1, np.inf)]), finite=True)) == 1
    assert len(failures(np.array([1 + 2j]), range=[0, 5])) == 1


def test_objects_and_texts_in_arrays_are_no_numbers():
    """An array of objects is looked at one by one."""
    assert failures(np.array([1, None, "a"], object), range=[0, 5]) == [
        "range: x[1] is null (and 1 more), expected a number"
    ]
    assert failures(np.array(["a"]), range=[0, 5]) == ["range: x[0] is str 'a', expected a number"]


def test_a_bound_is_read_as_the_dtype_of_the_array_holds_it():
    """A float32 of 0.9 is a little less than 0.9, and in a range that begins there."""
    assert failures(np.array([0.9, 0.1], "f4"), range=[0.1, 0.9]) == []
    assert failures(np.array([0.9], "f4"), range=[0.9, 1]) == []
    assert failures(np.array([60000], "f2"), range=[0, 1e6]) == []
    assert failures(np.array([200], "u1"), range=[-5, 300]) == []
    assert len(failures(np.array([200], "u1"), range=[201, 300])) == 1


def test_masked_elements_are_not_there():
    """What a mask hides is not looked at."""
    x = np.ma.array([1.0, 99.0], mask=[False, True])

    assert failures(x, range=[0, 10]) == []
    assert len(failures(np.ma.array([1.0, 99.0]), range=[0, 10])) == 1
    assert failures(np.ma.array([99.0], mask=[True]), range=[0, 10]) == []


def test_an_array_may_be_bounded_in_bytes():
    """The bytes of the elements count."""
    assert failures(np.zeros(128), max_bytes="1KiB") == []
    assert failures(np.zeros(129), max_bytes="1KiB") == [
        "max_bytes: x is more than that, expected at most 1KiB"
    ]


def test_an_array_is_never_shown_whole():
    """A wrong type is told by class, dtype and shape."""
    assert failures(np.zeros((1000, 3)), type="mapping") == [
        "type: x is numpy.ndarray of float64 with shape [1000, 3], expected mapping"
    ]


class ArrayTracer:
    """What `jax.jit` passes in place of an array: it has a shape and no values."""

    shape = (3,)
    dtype = np.dtype("f4")

    def __bool__(self):
        raise TypeError("no value yet")

    min = max = __bool__


Tracer = type("Tracer", (ArrayTracer,), {})


def test_a_traced_array_has_a_shape_and_no_numbers():
    """Inside `jax.jit` the numbers do not exist; dtype and shape are checked, no more."""
    assert failures(Tracer(), dtype="float32", shape=[3], range=[0, 1], finite=True) == []
    assert len(failures(Tracer(), dtype="float64", shape=[4], range=[0, 1])) == 2


def test_sizes_agree_across_arguments_and_the_result(place):
    """`[N, 3]`, `[N]` and a result of `[N]` have the same N."""

    def predict(features, weights, result):
        return result

    names = {"features": {"shape": ["N", 3]}, "weights": {"shape": ["N"]}}
    place(predict, validate={"args": names, "returns": {"type": "ndarray", "shape": ["N"]}})
    x, w = np.zeros((2, 3)), np.zeros(2)

    for _ in range(3):  # the first call teaches, the next are told by the generated lines
        assert predict(x, w, w) is w
        with pytest.raises(
            ValueError, match=r"weights is of shape \[4\], expected \[N\] with N = 2"
        ):
            predict(x, np.zeros(4), w)
        with pytest.raises(
            ValueError, match=r"returns is of shape \[3\], expected \[N\] with N = 2"
        ):
            predict(x, w, np.zeros(3))
    assert predict(np.zeros((5, 3)), np.zeros(5), np.zeros(5)).shape == (5,)


def test_a_size_may_be_bound_by_an_optional_argument(place):
    """Where the argument is null, the result alone binds the name."""

    def predict(features, result):
        return result

    spec = {"type": "ndarray", "shape": ["N", 3], "not_null": False}
    place(predict, validate={"args": {"features": spec}, "returns": {"shape": ["N", "N"]}})

    for _ in range(3):
        assert predict(None, np.zeros((2, 2))).shape == (2, 2)
        with pytest.raises(ValueError, match="with N = 2"):
            predict(None, np.zeros((2, 4)))


def test_sizes_within_a_mapping_agree_too(place):
    """A name in a field is the same size as in another argument."""

    def predict(batch, weights):
        return weights

    batch = {"type": "mapping", "required": ["x"], "fields": {"x": {"shape": ["N", None]}}}
    place(predict, validate={"args": {"batch": batch, "weights": {"shape": ["N"]}}})

    for _ in range(3):
        predict({"x": np.zeros((2, 9))}, np.zeros(2))
        with pytest.raises(ValueError, match="weights is of shape"):
            predict({"x": np.zeros((2, 9))}, np.zeros(3))


def test_sizes_of_items_agree(place):
    """All items of a list may be asked to have one size."""

    def predict(rows):
        return len(rows)

    place(predict, validate={"args": {"rows": {"type": "sequence", "items": {"shape": ["N"]}}}})

    assert predict([np.zeros(2), np.zeros(2)]) == 2
    with pytest.raises(ValueError, match=r"rows\[1\] is of shape \[3\], expected \[N\] with N = 2"):
        predict([np.zeros(2), np.zeros(3)])
