# pyright: strict
"""Functions under the decorators, as type checkers see them: their signatures are kept.

`make check` has mypy and pyright look at it; `test_decorated` runs it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Annotated, Literal, assert_type

from pydantic import BaseModel, Field

import mlpolicy
from mlpolicy import cache_result, memory_guard, monitor, retry, validate_input
from mlpolicy.plan.plan import Plan


class User(BaseModel):
    name: str


@retry
def bare(x: int, *, y: str = "") -> float:
    return x + len(y) / 2


@retry(max_retries=3, backoff_factor=2, exceptions=(ConnectionError,))
def called(x: int, y: str = "") -> float:
    return x + len(y) / 2


@monitor
@memory_guard(threshold=0.85)
@cache_result(ttl=timedelta(seconds=30), key=str)
@retry(
    retry_on=(ConnectionError, "http:5xx"), initial_delay="1ms", on_result=lambda found: not found
)
@validate_input(x=int)
async def stacked(x: int) -> str:
    return str(x)


@validate_input(
    features={"shape": (None, 64), "dtype": "float32"},
    user=User,
    count=Annotated[int, Field(ge=0)],
    more=int | None,
    kind=Literal["a", "b"],
    rows=list[int],
    on_fail="warn",
)
def specs(
    features: object, user: User, count: int, more: int | None, kind: str, rows: list[int]
) -> int:
    return count


@validate_input
def annotated(count: Annotated[int, Field(ge=0)], user: User | None = None) -> int:
    return count


@memory_guard(limit=2**33, relieve=["gc", print], wait=0.5, on_pressure="default", default=len)
@monitor(labels={"team": "ml"}, log={"inputs": "none", "redact": ["x"]}, slo={"p99": 0.25})
@retry(max_attempts=2, final=True, mode="shadow")
def numbers(x: int) -> Iterator[int]:
    yield x


@retry
async def numbers_later(x: int) -> AsyncIterator[int]:
    yield x


class Model:
    @retry
    def predict(self, x: int) -> float:
        return x / 2

    @retry(max_attempts=2)
    @classmethod
    def above(cls, x: int) -> Model:
        return cls()

    @classmethod
    @retry(max_attempts=2)
    def below(cls, x: int) -> Model:
        return cls()

    @monitor
    @staticmethod
    def clip(x: int) -> int:
        return x

    @staticmethod
    @monitor
    def cut(x: int) -> int:
        return x

    @cache_result(ttl=30, maxsize=10, ignore="self")
    def __call__(self, x: int) -> int:
        return x


def check() -> None:
    assert_type(bare(1, y="a"), float)
    assert_type(called(1, "a"), float)
    assert_type(annotated(1, user=None), int)
    assert_type(specs([], User(name="a"), 1, None, "a", [1]), int)
    assert_type(numbers(1), Iterator[int])
    assert_type(numbers_later(1), AsyncIterator[int])
    assert_type(Model().predict(1), float)
    assert_type(Model.above(1), Model)
    assert_type(Model.below(1), Model)
    assert_type(Model.cut(1), int)
    assert_type(Model()(1), int)
    assert_type(mlpolicy.plan(bare), Plan | None)
    assert_type(mlpolicy.plan(f"{__name__}:bare"), Plan | None)


async def check_later() -> None:
    assert_type(await stacked(1), str)


def check_mistakes() -> None:
    """What is wrong is wrong to checkers, too: an ignore that nothing needs is an error."""
    retry(max_atempts=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    retry(max_attempts="3")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    cache_result(ttl=None)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    bare("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    called()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
