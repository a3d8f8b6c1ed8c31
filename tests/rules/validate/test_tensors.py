"""Tensors: of torch where it is installed, else of a stand-in that has what the checks use."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

try:
    import torch
except ImportError:
    torch = None


class Tensor:
    """What torch's tensors have, over an array of numpy."""

    def __init__(self, data):
        self._data = np.asarray(data)

    shape = property(lambda self: self._data.shape)

    @property
    def dtype(self):
        kind, itemsize = self._data.dtype.kind, self._data.dtype.itemsize
        name = f"torch.{self._data.dtype.name}"
        facts = {"itemsize": itemsize, "is_floating_point": kind == "f", "is_signed": kind in "if"}
        return _Dtype(name, **facts)

    def __getattr__(self, name):
        return {
            "detach": lambda: self,
            "is_complex": lambda: self._data.dtype.kind == "c",
            "is_floating_point": lambda: self._data.dtype.kind == "f",
            "isfinite": lambda: Tensor(np.isfinite(self._data)),
            "item": self._data.item,
            "flatten": lambda: Tensor(self._data.reshape(-1)),
            "argmax": self._data.argmax,
            "sum": self._data.sum,
            "bool": lambda: Tensor(self._data.astype(bool)),
            "byte": lambda: Tensor(self._data.astype("u1")),
            "half": lambda: Tensor(self._data.astype("f2")),
            "long": lambda: Tensor(self._data.astype("i8")),
            "new_zeros": lambda shape: Tensor(np.zeros(shape)),
            "new_tensor": self._rounded,
        }[name]

    def _rounded(self, end, device):
        with np.errstate(over="ignore"):
            return Tensor(np.array(end, self._data.dtype))

    def aminmax(self):
        if self.dtype.itemsize > 1 and not self.dtype.is_signed:
            raise NotImplementedError("aminmax_cpu is not implemented")
        return Tensor(self._data.min()), Tensor(self._data.max())

    def _end(self, end):
        kind = self._data.dtype
        if kind.kind == "u" and not np.iinfo(kind).min <= end <= np.iinfo(kind).max:
            raise RuntimeError("value cannot be converted without overflow")
        return end

    def __ge__(self, end):
        return Tensor(self._data >= self._end(end))

    def __le__(self, end):
        return Tensor(self._data <= self._end(end))

    def __gt__(self, end):
        return Tensor(self._data > self._end(end))

    def __lt__(self, end):
        return Tensor(self._data < self._end(end))

    def __iand__(self, other):
        return Tensor(self._data & other._data)

    def __invert__(self):
        return Tensor(~self._data)

    def __getitem__(self, index):
        return Tensor(self._data[index])


class _Dtype(SimpleNamespace):
    def __init__(self, name, **facts):
        super().__init__(**facts)
        self._name = name

    def __str__(self):
        return self._name


Tensor.__module__ = "torch"
NAN, INF = math.nan, math.inf


def tensor(data, dtype=None):
    array = np.array(data, dtype)
    return torch.from_numpy(array) if torch else Tensor(array)


def found(value, **spec):
    look = Look()
    checker(Spec.model_validate(spec), None).look(value, "x", look)
    return [f"{one.check}: {one}" for one in look.failures]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "u1", "u2", "i1", "i2", "i4", "i8", "?"])
def test_numbers_within_pass_whatever_their_dtype(dtype):
    """A bound that the dtype does not hold is compared all the same."""
    x = tensor([[0, 1], [1, 1]], dtype)

    for ends in ([0, 1], [-5, 10**30], [None, 1e300], [-(10**400), 10**400], [-0.5, 1.5]):
        assert found(x, range=ends, finite=True) == []
    assert found(tensor([], dtype), range=[5, 6]) == []
    assert len(found(x, range=[1, 2])) == len(found(x, range=[10**30, None])) == 1


def test_the_first_number_outside_is_told_with_its_place():
    """The others are counted; NaN is outside of every range."""
    x = tensor([[0.5, 1], [NAN, 7], [9, 1]])

    assert found(x, range=[0, 5]) == [
        "range: x[1, 0] is nan (and 2 more), expected between 0 and 5"
    ]
    assert found(x, finite=True) == ["finite: x[1, 0] is nan, expected a finite number"]
    assert found(tensor([1, INF]), finite=True) == ["finite: x[1] is inf, expected a finite number"]
    assert found(tensor(7.0), range=[0, 1]) == ["range: x is 7.0, expected between 0 and 1"]
    assert found(tensor([3, 200], "u1"), range=[-5, 100]) == [
        "range: x[1] is 200, expected between -5 and 100"
    ]
    assert found(tensor([3, 2**60]), range=[3.5, None]) == [
        "range: x[0] is 3, expected at least 3.5"
    ]


def test_a_bound_is_read_as_the_dtype_holds_it():
    """A float32 of 0.9 is in a range that begins there; a whole number is compared as it is."""
    assert found(tensor([0.9, 0.1], "f4"), range=[0.1, 0.9]) == []
    assert found(tensor([16777217]), range=[16777216.5, None]) == []
    assert len(found(tensor([16777217]), range=[16777217.5, None])) == 1


def test_complex_numbers_are_finite_or_not_but_in_no_range():
    """The place is that of the number, not of one of its parts."""
    x = tensor([[1j, complex(1, NAN)]])

    assert found(tensor([1j]), finite=True) == []
    assert found(x, finite=True) == ["finite: x[0, 1] is (1+nanj), expected a finite number"]
    assert len(found(tensor([1j]), range=[0, 1])) == 1


def test_a_tensor_is_told_by_dtype_and_shape():
    """Its elements are in no message."""
    x = tensor([[1.0, 2.0]], "f4")

    assert found(x, type="tensor", dtype="float32", shape=[1, 2]) == []
    assert found(x, dtype="int64") == ["dtype: x is of float32, expected int64"]
    assert found(x, type="mapping") == [
        "type: x is torch.Tensor of float32 with shape [1, 2], expected mapping"
    ]
