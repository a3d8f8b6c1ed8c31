"""Validation against annotations."""

from __future__ import annotations

import pytest

HEAD = """
import numpy as np, numpy, pandas as pd, torch, typing, enum
from numpy.typing import NDArray
from typing import *
from typing import Any, Literal, Optional, Union, Sequence, TypeVar
from collections.abc import Mapping, Iterable
T = TypeVar("T")
class User: ...
class Kept(dict): ...
class Shape(typing.Protocol): ...
class Sort(str, enum.Enum): ...
class Row(typing.TypedDict): ...
"""


@pytest.fixture
def args(on):
    return lambda spec, annotation: on(
        f"validate: {{args: {{x: {{{spec}}}}}}}", f"{HEAD}\ndef f(x: {annotation}): ..."
    )


@pytest.mark.parametrize(
    ("spec", "annotation"),
    [
        ("type: str", "int"),
        ("type: int", "bool"),
        ("type: [ndarray, dataframe]", "str"),
        ("type: int", "str | None"),
        ("type: int", "'Optional[str]'"),
        ("type: float", "Union[str, bytes]"),
        ("type: mapping", "list[int]"),
        ("type: sequence", "Mapping[str, int]"),
        ("type: sequence", "np.ndarray"),
        ("type: tensor", "np.ndarray"),
        ("type: ndarray", "torch.Tensor"),
        ("type: ndarray", "pd.DataFrame"),
        ("type: int", "Literal['a', 'b']"),
        ("type: str", "typing.Annotated[int, 3]"),
        ("dtype: float32", "NDArray[np.int64]"),
        ("dtype: [float32, float64]", "numpy.typing.NDArray[np.int64]"),
        ("dtype: int64", "NDArray[np.floating]"),
        ("dtype: float32", "'np.ndarray[Any, np.dtype[np.float64]]'"),
        ("shape: [3]", "dict"),
    ],
)
def test_a_spec_that_no_value_of_the_annotation_fits(args, spec, annotation):
    assert args(spec, annotation) == ["MP209"]


@pytest.mark.parametrize(
    ("spec", "annotation"),
    [
        ("type: int", "float"),
        ("type: [ndarray, dataframe]", "pd.DataFrame"),
        ("type: [ndarray, 'shop.User']", "str"),
        ("type: float", "int"),
        ("type: bool", "int"),
        ("type: int", "int | str"),
        ("type: int", "Optional[int]"),
        ("type: str", "Any"),
        ("type: str", "object"),
        ("type: str", "T"),
        ("type: str", "User"),
        ("type: str", "Sort"),
        ("type: mapping", "Row"),
        ("type: str", "unknown.Thing"),
        ("type: str", "Sequence[str]"),
        ("type: sequence", "tuple[int, ...]"),
        ("type: ndarray", "Iterable[float]"),
        ("type: mapping", "Kept"),
        ("type: ndarray", "NDArray[np.float32]"),
        ("type: int", "Literal[1, 2]"),
        ("dtype: float32", "NDArray[np.float32]"),
        ("dtype: [float32, float64]", "NDArray[np.float64]"),
        ("dtype: float32", "NDArray[np.floating]"),
        ("dtype: float32", "NDArray[Any]"),
        ("dtype: float32", "np.ndarray"),
        ("dtype: float32", "NDArray[T]"),
        ("range: [0, 1]", "str"),
        ("type: 'shop.User'", "int"),
        ("type: int", "'not python ('"),
    ],
)
def test_a_spec_that_some_value_fits(args, spec, annotation):
    assert args(spec, annotation) == []


def test_the_finding_stands_at_the_spec(findings):
    policy = "policies:\n  'shop:f':\n    validate:\n      returns: {type: str}\n"

    [one] = findings(policy, shop="def f() -> int: ...")

    assert (one.code, one.severity, one.span.line, one.span.column) == ("MP209", "warning", 5, 23)


def test_a_class_of_a_known_name_is_not_the_builtin(on):
    assert on("validate: {args: {x: {type: str}}}", "class int: ...\ndef f(x: int): ...") == []


@pytest.fixture
def default(on):
    return lambda value, annotation: on(
        f"validate: {{args: {{x: {{type: int}}}}, on_fail: default, default: {value}}}",
        f"{HEAD}\ndef f(x) -> {annotation}: ...",
    )


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("nothing", "int"),
        ("0.5", "int"),
        ("null", "str"),
        ("[]", "np.ndarray"),
        ("{a: 1}", "list[int]"),
        ("{a: 1}", "User"),
        ("1", "str | None"),
    ],
)
def test_a_default_that_is_not_what_is_returned(default, value, annotation):
    assert default(value, annotation) == ["MP206"]


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("1", "int"),
        ("1", "float"),
        ("true", "int"),
        ("null", "str | None"),
        ("[1]", "tuple[int, ...]"),
        ("{a: 1}", "Row"),
        ("{a: 1}", "Kept"),
        ("{a: 1}", "Shape"),
        ("a", "Sort"),
        ("a", "T"),
        ("[1]", "Iterable"),
        ("a", "unknown.Thing"),
        ("{call: 'shop:g'}", "int"),
    ],
)
def test_a_default_that_may_be(default, value, annotation):
    assert default(value, annotation) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x):\n    yield x\n", ["MP210"]),
        ("async def f(x):\n    yield x\n", ["MP210"]),
        ("def f(x):\n    return [x]\n", []),
        ("async def f(x):\n    return x\n", []),
        ("def f(x):\n    def inner():\n        yield x\n    return list(inner())\n", []),
    ],
)
def test_the_result_of_a_generator_is_not_looked_at(on, source, expected):
    assert on("validate: {returns: {type: sequence}}", source) == expected
    assert on("validate: {args: {x: {type: int}}}", source) == []
