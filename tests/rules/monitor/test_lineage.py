"""How records join: one `call_id` for all that one outermost call makes, and for nothing else."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress

import pytest

EVERY = {"log": {"sample": "100%"}}
RETRIED = {"retry": {"retry_on": ["builtins.ValueError"], "initial_delay": "1ms", "jitter": "none"}}


def leaf(call=1):
    return call


def failing():
    raise KeyError


def recursive(depth):
    return recursive(depth - 1) if depth else leaf()


def rows():
    leaf()
    yield 1
    leaf()
    yield from nested_rows()


def nested_rows():
    yield leaf()


async def leaf_async():
    await asyncio.sleep(0)
    return leaf()


async def items():
    yield await leaf_async()
    yield leaf()


def outer(work):
    return work()


async def outer_async(work):
    return await work()


def stream():
    return (outer(leaf) for _ in range(2))


async def stream_async():
    async def given():
        yield await leaf_async()
        yield outer(leaf)

    return given()


async def _all_items(source=items):
    found = source()
    return [item async for item in (await found if source is stream_async else found)]


async def _awaited():
    await leaf_async()
    await asyncio.wait_for(outer_async(leaf_async), None)
    leaf()


def _caught():
    leaf()
    with suppress(KeyError):
        failing()
    leaf()


def _attempts(*, of=iter(range(1000))):
    leaf()
    if next(of) % 2 == 0:
        raise ValueError


MONITORED = (
    leaf, failing, recursive, rows, nested_rows, leaf_async, items, outer, outer_async, stream,
    stream_async,
)  # fmt: skip
WORKS = {
    "calls": lambda: outer(lambda: [leaf(), outer(leaf), leaf()]),
    "failures": lambda: outer(_caught),
    "recursion": lambda: outer(lambda: recursive(20)),
    "generators": lambda: outer(lambda: list(rows())),
    "coroutines": lambda: asyncio.run(outer_async(_awaited)),
    "async generators": lambda: asyncio.run(outer_async(_all_items)),
    "a stream read within": lambda: outer(lambda: list(stream())),
    "a stream read by the caller": lambda: list(stream()),
    "an async stream read by the caller": lambda: asyncio.run(_all_items(stream_async)),
    "a loop within": lambda: outer(lambda: asyncio.run(_awaited())),
    "attempts": lambda: outer(_attempts),
    "failed attempts": lambda: outer(lambda: [_attempts(), 1 / 0]),
}


@pytest.fixture
def monitored(place):
    for function in MONITORED:
        rules = RETRIED if function is outer else {}
        place(function, monitor=EVERY, **rules)


def _is_tree(found):
    """Whether the events are those of one outermost call, each within another of them."""
    own = {one["own_id"] for one in found}
    [root] = [one for one in found if "parent_id" not in one]
    return (
        len(own) == len(found)
        and {one["call_id"] for one in found} == {root["own_id"]}
        and {one["parent_id"] for one in found if one is not root} <= own
    )


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
def test_what_one_outermost_call_makes_has_its_id(monitored, events, work):
    """Whatever the kinds of functions, however the calls end, and in whichever order."""
    with suppress(ZeroDivisionError):
        work()
    first = events()
    with suppress(ZeroDivisionError):
        work()
    second = events()[len(first) :]

    assert len(first) > 2
    assert _is_tree(first)
    assert _is_tree(second)
    assert not {one["own_id"] for one in first} & {one["own_id"] for one in second}


def test_what_gives_the_items_of_a_stream_is_within_the_call_that_returned_it(monitored, events):
    """Whoever reads it, and in how many calls."""
    begun = outer(stream)
    for _ in begun:
        outer(lambda: next(begun, None))

    found = events()
    first = [one for one in found if one["function"].endswith(":outer")][0]["call_id"]
    streamed = [one for one in found if one["call_id"] == first]
    assert [one["function"].split(":")[1] for one in streamed].count("leaf") == 2
    assert _is_tree(streamed)


def test_threads_and_tasks_begin_anew(monitored, events):
    """Their stacks are their own, and each has one id for what it makes."""

    async def both():
        await asyncio.gather(outer_async(leaf_async), outer_async(leaf_async))

    threads = [threading.Thread(target=outer, args=(leaf,)) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    asyncio.run(both())

    found = events()
    ids = {one["call_id"] for one in found}
    assert len(ids) == 4
    assert all(_is_tree([one for one in found if one["call_id"] == id]) for id in ids)


def test_a_call_without_an_event_joins_those_within_it(place, events):
    """Whether the outermost is logged makes no difference."""
    place(leaf, monitor=EVERY)
    place(outer, monitor={"log": False})

    outer(lambda: [leaf(), leaf()])

    one, other = events()
    assert one["call_id"] == other["call_id"] == one["parent_id"] != one["own_id"]


def test_functions_that_are_not_monitored_join_nothing(place, events):
    """Each call within them is the outermost."""
    place(leaf, monitor=EVERY)
    place(outer, retry={})

    outer(lambda: [leaf(), leaf()])

    one, other = events()
    assert one["call_id"] == one["own_id"] != other["call_id"] == other["own_id"]


def test_targets_of_one_name_are_told_apart(place, events):
    """Their calls are numbered apart: by the first number of each, they would be the same."""

    def made():
        return lambda: 1

    alone = {"log": {"sample": "100%"}, "metrics": False}
    one, other = place(made(), monitor=alone), made()
    other.__code__ = other.__code__.replace(co_firstlineno=1)
    place(other, monitor=alone)

    one()
    other()

    assert len({event["call_id"] for event in events()}) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_has_ids_of_its_own(monitored, events):
    """The numbers of calls go on in it, their ids do not; not those of a call under way either."""
    from mlpolicy.rules.monitor.lanes import EXPORTER

    reading, writing = os.pipe()

    def forks():
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            return leaf()
        with suppress(BaseException):
            leaf()
            EXPORTER.flush(5)
            text = "".join(one["call_id"] + one["own_id"] for one in events())
            os.write(writing, text.encode())
        os._exit(0)

    outer(forks)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()

    ids = {one["call_id"] for one in events()} | {one["own_id"] for one in events()}
    assert len(told) == 64
    assert not ids & {told[:32], told[32:]}


def test_a_debugger_changes_nothing(monitored, events):
    """A trace function that calls what is monitored sees the ids, and the calls end well."""

    def trace(frame, event, argument):
        sys.settrace(None)
        leaf()
        sys.settrace(trace)
        return trace

    sys.settrace(trace)
    try:
        result = outer(leaf)
    finally:
        sys.settrace(None)

    assert result == 1
    assert {one["outcome"] for one in events()} == {"ok"}
