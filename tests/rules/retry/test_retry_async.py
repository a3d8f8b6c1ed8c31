"""Cancellation, other tasks, and generators that have begun."""

from __future__ import annotations

import asyncio

import pytest

from tests.rules.retry.scripts import EXACT, Script, collected, coroutine, function, generator, run


def test_a_generator_is_not_begun_again_after_its_first_item(place, world):
    calls = []

    def stream():
        calls.append(1)
        yield 1
        raise ConnectionError

    place(stream, world=world, retry=EXACT)
    items = stream()

    assert next(items) == 1
    with pytest.raises(ConnectionError):
        next(items)
    assert (calls, world.slept) == ([1], [])


def test_an_async_generator_is_not_begun_again_after_its_first_item(place, world):
    calls = []

    async def stream():
        calls.append(1)
        yield 1
        raise ConnectionError

    place(stream, world=world, retry=EXACT)

    with pytest.raises(ConnectionError):
        asyncio.run(collected(stream()))
    assert (calls, world.slept) == ([1], [])


def test_a_task_is_cancelled_while_it_pauses(place):
    script = Script(ConnectionError(), "value")
    fetch = place(coroutine(script), retry={**EXACT, "initial_delay": "10s"})

    async def main():
        task = asyncio.create_task(fetch(1))
        while not script.calls:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert asyncio.run(main())
    assert script.calls == 1


def test_a_timeout_around_ends_the_pause(place):
    script = Script(ConnectionError(), "value")
    fetch = place(coroutine(script), retry={**EXACT, "initial_delay": "10s"})

    async def main():
        async with asyncio.timeout(0.01):
            await fetch(1)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert script.calls == 1


def test_other_tasks_go_on_during_a_pause(place):
    script = Script(ConnectionError(), "value")
    fetch = place(coroutine(script), retry={**EXACT, "initial_delay": "0s"})
    seen = []

    async def other():
        seen.append(script.calls)

    async def main():
        await asyncio.gather(fetch(1), other())

    asyncio.run(main())
    assert script.calls == 2
    assert seen


@pytest.mark.parametrize("make", [function, generator])
def test_a_plain_function_that_pauses_an_event_loop_is_told_once(place, world, caplog, make):
    """By its name; a coroutine pauses for itself alone."""
    fetch = place(make(Script(ConnectionError(), "a")), world=world, retry=EXACT)
    other = place(coroutine(Script(ConnectionError(), "a")), world=world, retry=EXACT)

    async def serve():
        await other(1)
        return [run(fetch) for _ in range(3)]

    assert asyncio.run(serve()) == ["a"] * 3
    assert [fetch.__qualname__ in record.message for record in caplog.records] == [True]
