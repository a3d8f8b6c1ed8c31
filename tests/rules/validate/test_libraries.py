"""Tensors and tables of libraries that a service may use; each test needs its library."""

from __future__ import annotations

import math

import numpy as np
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
    table = getattr(pytest.importorskip(library), name)

    assert failures(table(TABLE), type="dataframe", columns=COLUMNS) == [
        "range: x.a[2] is 99.0 (and 1 more), expected between 0 and 10",
        "nullable: x.s[2] is null, expected no nulls",
        "categories: x.s is 'y', expected one of 'x', 'z'",
        "columns: x.q is missing, expected one column",
    ]
    whole = table({"a": [1.0], "s": ["x"], "q": [1]})
    assert failures(whole, columns=COLUMNS, required=["q"], min_len=1, max_bytes="1kB") == []


@pytest.mark.parametrize(
    "dtype",
    [
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "int8",
        "int64",
        "uint8",
        "bool",
        "float8_e4m3fn",
    ],
)
def test_tensors_of_torch(dtype):
    """Every dtype is looked at in one reduction."""
    torch = pytest.importorskip("torch")
    x = torch.ones(2, 2).to(getattr(torch, dtype))

    assert failures(x, type="tensor", dtype=dtype, shape=["N", "N"], range=[0, 1]) == []
    assert len(failures(x, range=[2, 3], finite=True)) == 1
    assert failures(x[:0], range=[2, 3]) == []


def test_numbers_in_tensors_of_torch():
    """The place of the first one outside is told."""
    torch = pytest.importorskip("torch")
    x = torch.zeros(3, 4, requires_grad=False)
    x[1, 2] = math.nan

    assert failures(x, range=[0, 1]) == ["range: x[1, 2] is nan, expected between 0 and 1"]
    assert failures(x, finite=True) == ["finite: x[1, 2] is nan, expected a finite number"]
    assert failures(torch.ones(3, requires_grad=True), range=[0, 1]) == []
    assert len(failures(torch.tensor([complex(1, math.inf)]), finite=True)) == 1
    assert len(failures(torch.tensor([1j]), range=[0, 1])) == 1
    assert len(failures(x, type="ndarray")) == len(failures(np.zeros(3), type="tensor")) == 1


def test_arrays_of_jax():
    """They are arrays and tensors; inside `jit` they have no numbers."""
    jax = pytest.importorskip("jax")
    x = jax.numpy.zeros((3, 4))
    seen = []

    def traced(value):
        seen.append(failures(value, type="ndarray", dtype="float32", shape=[3, 4], range=[5, 6]))
        return value

    jax.jit(traced)(x)

    assert seen == [[]]
    assert failures(x, type="ndarray", dtype="float32", range=[0, 1], finite=True) == []
    assert failures(x, type="tensor", range=[1, 2]) == [
        "range: x[0, 0] is 0.0 (and 11 more), expected between 1 and 2"
    ]
    assert failures(jax.numpy.ones(3, "bfloat16"), dtype="bfloat16", range=[0, 1]) == []
