"""Validate: what a valid call costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np
from beartype import beartype
from beartype.vale import Is
from pydantic import Field, validate_call

from bench import subject
from bench.harness import Bench, Contender
from bench.policy import governed

SCALARS = """\
validate:
  args:
    x: {type: int, range: [0, 100]}
    y: {type: float, range: [0, 1]}"""
ARRAY = """\
validate:
  args:
    features: {type: ndarray, dtype: float32, shape: [N, 128]}"""
VALUES = """\
validate:
  args:
    features: {type: ndarray, finite: true, range: [0, 100]}"""


@beartype
def by_beartype(
    x: Annotated[int, Is[lambda x: 0 <= x <= 100]], y: Annotated[float, Is[lambda y: 0 <= y <= 1]]
) -> float:
    """The same promise, by beartype."""
    return x + y


@validate_call
def by_pydantic(
    x: Annotated[int, Field(ge=0, le=100)], y: Annotated[float, Field(ge=0, le=1)]
) -> float:
    """The same promise, by pydantic."""
    return x + y


def by_hand(features: Any) -> int:
    """The same promise, written into the function with numpy."""
    if not np.isfinite(features).all() or features.min() < 0 or features.max() > 100:
        raise ValueError
    return 1


@beartype
def typed(
    features: Annotated[
        np.ndarray, Is[lambda a: a.dtype == np.float32 and a.ndim == 2 and a.shape[1] == 128]
    ],
) -> int:
    """The same promise, by beartype."""
    return 1


def benches() -> Iterator[Bench]:
    """Yield the rows of the budget."""
    scalars = subject.copy_of(subject.score, "checked")
    array = subject.copy_of(subject.classify, "checked_array")
    values = subject.copy_of(subject.classify, "checked_values")
    matrix = np.zeros((4, 128), dtype=np.float32)
    vector = np.linspace(0, 99, 50)
    with governed({"checked": SCALARS, "checked_array": ARRAY, "checked_values": VALUES}):
        yield Bench(
            "validate 2 scalars + range",
            subject.bare(subject.score),
            [
                _ours(scalars),
                Contender("beartype vale", by_beartype),
                Contender("pydantic", by_pydantic),
            ],
            1.3,
            arguments=(3, 0.5),
        )
        yield Bench(
            "validate dtype + shape",
            subject.bare(subject.classify),
            [_ours(array), Contender("beartype vale", typed)],
            1.6,
            arguments=(matrix,),
        )
        yield Bench(
            "range + NaN, 50 values",
            subject.bare(subject.classify),
            [_ours(values), Contender("numpy by hand", by_hand)],
            25,
            arguments=(vector,),
            note="two reductions of numpy; less needs a compiled kernel",
        )


def _ours(function: Callable[..., Any]) -> Contender:
    return Contender("mlpolicy", function, peer=False)
