"""Summaries run no code of the user's."""

from __future__ import annotations

import sys
from collections import UserDict, defaultdict, deque
from types import ModuleType
from unittest.mock import MagicMock

import jinja2
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlpolicy.rules.monitor.summary import summary


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, {"type": "NoneType"}),
        (5, {"type": "int"}),
        ("text", {"type": "str", "len": 4}),
        ([1, 2], {"type": "list", "len": 2}),
        (defaultdict(list), {"type": "defaultdict", "len": 0}),
        (deque([1]), {"type": "deque", "len": 1}),
        (np.zeros((2, 3), "f4"), {"type": "ndarray", "dtype": "float32", "shape": [2, 3]}),
        (np.int64(1), {"type": "int64", "dtype": "int64", "shape": []}),
        (np.ma.zeros(3), {"type": "MaskedArray", "dtype": "float64", "shape": [3]}),
        (pd.DataFrame({"dtype": ["private"]}), {"type": "DataFrame", "shape": [1, 1]}),
        (
            pd.Series(["a"], dtype="category"),
            {"type": "Series", "dtype": "category", "shape": [1]},
        ),
        (
            pd.date_range("2020", periods=2, unit="ns"),
            {"type": "DatetimeIndex", "dtype": "datetime64[ns]", "shape": [2]},
        ),
        (pl.DataFrame({"a": [1]}), {"type": "DataFrame", "shape": [1, 1]}),
        (pl.Series([1]), {"type": "Series", "dtype": "Int64", "shape": [1]}),
        (
            pl.Series(["private"], dtype=pl.Enum(["private"])),
            {"type": "Series", "dtype": "Enum", "shape": [1]},
        ),
        (pl.LazyFrame({"a": [1]}), {"type": "LazyFrame"}),
        (pa.table({"a": [1]}), {"type": "Table", "shape": [1, 1]}),
        (pa.array([1]), {"type": "Int64Array", "dtype": "int64", "len": 1}),
    ],
)
def test_what_is_known_is_looked_into(value, said):
    """Types, shapes and lengths of Python's own containers and of five libraries."""
    assert summary(value) == said


class Counted(type):
    """A class that counts what it is asked."""

    asked: list[str] = []

    def __getattribute__(cls, name):
        Counted.asked.append(name)
        return super().__getattribute__(name)


class Asked(metaclass=Counted):
    """Counts what it is asked."""

    def __getattribute__(self, name):
        Counted.asked.append(name)
        return super().__getattribute__(name)

    def __len__(self):
        Counted.asked.append("len")
        return 1


class AskedArray(np.ndarray):
    """An array of the user's."""

    @property
    def dtype(self):
        Counted.asked.append("dtype")
        return super().dtype

    shape = dtype


class AskedFrame(pd.DataFrame):
    """A frame of the user's."""

    @property
    def shape(self):
        Counted.asked.append("shape")
        return 0, 0


class AskedList(list):
    """A list of the user's."""

    def __len__(self):
        Counted.asked.append("len")
        return 0


@pytest.mark.parametrize(
    "make",
    [
        Asked,
        lambda: Asked,
        lambda: np.zeros(2).view(AskedArray),
        lambda: AskedFrame({"a": [1]}),
        AskedList,
        UserDict,
    ],
)
def test_what_is_not_known_is_told_by_the_name_of_its_class_alone(make):
    """Nothing is asked: no attribute, no length, neither of it nor of its class."""
    value = make()
    name = type.__dict__["__name__"].__get__(type(value))
    Counted.asked.clear()
    said = summary(value)
    asked = list(Counted.asked)

    assert said == {"type": name}
    assert asked == []


def test_a_mock_grows_no_attributes():
    """A test that looks at what its mock was asked sees its own questions alone."""
    mock = MagicMock()
    summary(mock)

    assert mock.mock_calls == []
    assert not [name for name in mock._mock_children if name in ("dtype", "shape")]


def test_an_undefined_that_logs_is_silent(caplog):
    """The template's author gets no line of a log that nobody's code asked for."""
    undefined = jinja2.make_logging_undefined()
    summary(undefined(name="x"))

    assert caplog.records == []


def test_a_module_that_is_loaded_lazily_stays_asleep(monkeypatch):
    """A library is looked up in `sys.modules` and not woken."""

    class Asleep(ModuleType):
        def __getattribute__(self, name):
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "torch", Asleep("torch"))
    fake = type("Tensor", (), {"__module__": "torch"})

    assert summary(fake()) == {"type": "Tensor"}
