"""Time that an attempt may take: ended in coroutines and async generators, by asyncio and trio."""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar

import pytest
import trio

from mlpolicy.core.kind import Kind
from mlpolicy.core.model import RuleModel
from mlpolicy.core.report import forget
from mlpolicy.core.step import Again, Step, Within
from mlpolicy.rules import KINDS
from tests.rules.conftest import Place


class BoundRule(RuleModel):
    """How long, and how often."""

    seconds: float = 0.02
    attempts: int = 1


class BoundStep(Step):
    """Bounds, and perhaps asks for another attempt."""

    kind: ClassVar[str] = "bound"
    bounds: ClassVar[bool] = True

    def before(self, call):
        return Within(self.rule.seconds)

    def failed(self, call, error):
        return Again(0.0) if call.attempt < self.rule.attempts else None


@pytest.fixture
def place():
    here = f"{__name__}:"
    KINDS.add("bound", Kind("bound", rule=f"{here}BoundRule", step=f"{here}BoundStep"))
    placed = Place()
    yield placed
    placed.remove()
    KINDS.remove("bound")


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_an_attempt_that_takes_too_long_is_ended(place, run):
    ended = []

    async def slow():
        library = trio if run is trio.run else asyncio
        try:
            await library.sleep(30)
        finally:
            ended.append(1)

    place(slow, bound={"attempts": 2})

    with pytest.raises(TimeoutError):
        run(slow) if run is trio.run else run(slow())
    assert ended == [1, 1]


def test_one_that_is_quick_is_not(place):
    async def quick(value):
        await asyncio.sleep(0)
        return value

    place(quick, bound={"seconds": 30.0})

    assert asyncio.run(quick(3)) == 3


def test_what_ends_the_caller_is_no_timeout(place):
    async def slow():
        await asyncio.sleep(30)

    async def main():
        task = asyncio.ensure_future(slow())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    place(slow, bound={"seconds": 30.0, "attempts": 3})

    asyncio.run(main())


def test_an_async_generator_is_bounded_until_its_first_item(place):
    async def items():
        yield 1
        await asyncio.sleep(0.05)
        yield 2

    async def late():
        await asyncio.sleep(30)
        yield 1

    async def drawn(generator):
        return [item async for item in generator()]

    place(items, bound={"seconds": 0.03})
    place(late, bound={})

    assert asyncio.run(drawn(items)) == [1, 2]
    with pytest.raises(TimeoutError):
        asyncio.run(drawn(late))


def test_a_plain_function_is_not_ended_and_that_is_said(place, caplog):
    def plain():
        return 7

    forget()
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        place(plain, bound={})
        assert plain() == 7

    assert "is no coroutine" in caplog.text


def test_in_shadow_nothing_is_ended(place):
    async def slow():
        await asyncio.sleep(0.05)
        return 7

    place(slow, bound={"mode": "shadow"})

    assert asyncio.run(slow()) == 7
