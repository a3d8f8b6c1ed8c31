"""What a refused call gives: real drivers under a tree of cgroups in a folder."""

from __future__ import annotations

import asyncio

import pytest

from mlpolicy.errors import MemoryPressure


def rule(default):
    return {"wait": "0s", "poll": "10ms", "on_pressure": "default", "default": default}


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_a_generator_gives_the_items_of_a_default(place, use):
    """A default of a generator is what it would have given."""

    def rows():
        yield 1

    use(950)
    place(rows, memory=rule([7, 8]))

    assert list(rows()) == [7, 8]


def test_generators_without_items_to_give_are_refused(place, use, caplog):
    """A default that cannot stand for one is said once, and the call refused."""

    def rows():
        yield 1

    async def rows_async():
        yield 1

    async def first():
        async for row in rows_async():
            return row

    use(950)
    place(rows, memory=rule(7))
    place(rows_async, memory=rule([7, 8]))

    with pytest.raises(MemoryPressure):
        list(rows())
    with pytest.raises(MemoryPressure):
        run(first())
    assert [text.partition(": ")[2] for text in caplog.messages if "instead" in text] == [
        "the default 7 has no items for a generator to give; calls are refused instead",
        "an async generator cannot be given a default; calls are refused instead",
    ]


def cheap(a, b=0, *rest, k, **named):
    return "cheap", a, b, rest, k, named


async def cheap_async(a):
    await asyncio.sleep(0)
    return "cheap", a


def test_a_default_function_has_the_arguments_of_the_call(place, use):
    """Those by name stay named."""

    def predict(a, b=0, *rest, k, **named):
        pytest.fail("called")

    use(950)
    place(
        predict,
        memory=rule({"call": f"{__name__}:cheap"}),
    )

    assert predict(1, 2, 3, k=4, z=5) == ("cheap", 1, 2, (3,), 4, {"z": 5})


@pytest.mark.parametrize("name", ["cheap_async", "len"])
def test_a_default_function_of_a_coroutine_is_awaited_where_it_can_be(place, use, name):
    """It may be a plain function, too."""

    async def predict(a):
        pytest.fail("called")

    use(950)
    module = __name__ if name == "cheap_async" else "builtins"
    place(
        predict,
        memory=rule({"call": f"{module}:{name}"}),
    )

    assert run(predict("abc")) == (("cheap", "abc") if name == "cheap_async" else 3)


@pytest.mark.parametrize("default", [7, {"call": f"{__name__}:cheap_answer"}])
@pytest.mark.parametrize("sort", ["function", "coroutine"])
def test_a_default_is_not_kept_by_a_cache(place, use, sort, default):
    """It is for the call that found no room; the next one with room gets the answer."""

    def fetch(a):
        return "answer", a

    async def fetch_async(a):
        return "answer", a

    function = fetch if sort == "function" else fetch_async
    use(950)
    place(function, memory=rule(default), cache={"ttl": "1h"}, retry={"max_attempts": 2})

    def call():
        return function(1) if sort == "function" else run(function(1))

    assert [call(), call()] == [7, 7]
    use(100)
    assert [call(), call()] == [("answer", 1)] * 2
    use(950)
    assert call() == ("answer", 1)


def cheap_answer(a):
    return 7
