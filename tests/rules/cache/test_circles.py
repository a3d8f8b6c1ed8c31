"""Calls that wait for one another in a circle: the one that would close it goes on by itself."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from mlpolicy.rules.cache.flight import _led


class Both:
    """Lets two bodies go on once both have begun; a third time nobody waits."""

    def __init__(self):
        self._barrier = threading.Barrier(2)
        self._left = [1, 1]

    def meet(self):
        if self._left:
            self._left.pop()
            self._barrier.wait(30)


def in_two_threads(*works):
    results = []
    threads = [threading.Thread(target=lambda w=w: results.append(w()), daemon=True) for w in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == len(works), "they wait for one another"
    return results


def test_two_keys_of_one_function(place):
    """One thread is in `f(1)` and calls `f(2)`, another the other way round."""
    both, seen = Both(), []

    def g(key):
        if len(seen) < 2:
            seen.append(key)
            both.meet()
            g(3 - key)
        return [key]

    place(g, cache={"ttl": "1m"})

    assert sorted(in_two_threads(lambda: g(1), lambda: g(2))) == [[1], [2]]


def test_two_functions(place):
    """Each has a cache of its own."""
    both, begun = Both(), []

    def one(key):
        begun.append("one")
        if begun.count("one") == 1:
            both.meet()
            other(key)
        return "one"

    def other(key):
        begun.append("other")
        if begun.count("other") == 1:
            both.meet()
            one(key)
        return "other"

    place(one, cache={"ttl": "1m"})
    place(other, cache={"ttl": "1m"})

    assert sorted(in_two_threads(lambda: one(1), lambda: other(1))) == ["one", "other"]


def test_a_circle_of_many_threads(place):
    """Each is in one key and asks for the next, the last for the first."""
    count = 16
    barrier, begun = threading.Barrier(count), set()

    def f(key):
        if key not in begun:
            begun.add(key)
            barrier.wait(30)
            f((key + 1) % count)
        return key

    place(f, cache={"ttl": "1m"})

    works = [lambda key=key: f(key) for key in range(count)]
    assert sorted(in_two_threads(*works)) == list(range(count))


def crossing(sleep):
    """Return a coroutine function whose two keys ask for one another once."""
    begun = []

    async def f(key):
        if len(begun) < 2:
            begun.append(key)
            while len(begun) < 2:
                await sleep(0)
            await f(3 - key)
        return [key]

    return f


def test_two_tasks_of_asyncio(place):
    """Neither waits for the other for ever."""
    f = place(crossing(asyncio.sleep), cache={"ttl": "1m"})

    async def main():
        return await asyncio.wait_for(asyncio.gather(f(1), f(2)), 20)

    assert asyncio.run(main()) == [[1], [2]]


@pytest.mark.parametrize("backend", ["trio", "asyncio"])
def test_two_tasks_of_anyio(place, backend):
    """On trio and on asyncio alike."""
    f, results = place(crossing(anyio.sleep), cache={"ttl": "1m"}), []

    async def main():
        async def run(key):
            results.append(await f(key))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(run, 1)
                group.start_soon(run, 2)

    anyio.run(main, backend=backend)
    assert sorted(results) == [[1], [2]]


def test_tasks_that_a_call_has_started_belong_to_it(place):
    """`f(1)` gathers `f(2)`, which asks for `f(1)`: what waits for itself does not wait."""

    async def f(key, depth):
        if depth:
            await asyncio.gather(f(3 - key, depth - 1), asyncio.sleep(0))
        return key

    place(f, cache={"ttl": "1m", "key": ["key"]})

    assert asyncio.run(asyncio.wait_for(f(1, 3), 20)) == 1


def test_tasks_of_a_call_and_another_call(place):
    """`f(1)` gathers calls that wait for `f(2)`, which waits for `f(1)`."""
    begun = set()

    async def f(key):
        first = key not in begun
        begun.add(key)
        while len(begun) < 2:
            await asyncio.sleep(0)
        if first:
            await asyncio.gather(*(f(3 - key) for _ in range(3)))
        return key

    place(f, cache={"ttl": "1m"})

    async def main():
        return await asyncio.wait_for(asyncio.gather(f(1), f(2)), 20)

    assert asyncio.run(main()) == [1, 2]


def test_a_thread_and_a_task(place):
    """Two event loops in two threads, and a plain function that starts one."""
    both, begun = Both(), []

    async def slow(key):
        begun.append(key)
        if begun.count(key) == 1:
            both.meet()
            plain(key)
        return "slow"

    def plain(key):
        begun.append("plain")
        if begun.count("plain") == 1:
            both.meet()
            asyncio.run(slow(key))
        return "plain"

    place(slow, cache={"ttl": "1m"})
    place(plain, cache={"ttl": "1m"})

    found = in_two_threads(lambda: asyncio.run(slow(1)), lambda: plain(1))
    assert sorted(found) == ["plain", "slow"]


def test_a_pool_of_threads_within_a_call_does_not_wait_for_ever(place):
    """Where the thread that computes does nothing but wait, one of those that wait goes on."""
    depth = []

    def f(key):
        depth.append(key)
        if len(depth) > 1:
            return key
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(f, [key, key])) // 2

    place(f, cache={"ttl": "1m"})
    place.step(f, "cache")._flights.patience = 0.1

    assert in_two_threads(lambda: f(1)) == [1]
    assert len(depth) == 2


def test_those_that_wait_for_a_long_computation_go_on_waiting(place):
    """A thread that computes is not taken for one that waits."""
    calls = []

    def f(key):
        calls.append(key)
        time.sleep(1.5)
        return key

    place(f, cache={"ttl": "1m"})
    place.step(f, "cache")._flights.patience = 0.1

    assert in_two_threads(*[lambda: f(1)] * 4) == [1] * 4
    assert calls == [1]


def test_a_thread_in_another_context_knows_what_it_computes(place):
    """A context that is older than the call does not hide that the call is under way."""
    older, depth = contextvars.copy_context(), []

    def f(key):
        depth.append(key)
        return older.run(f, key) if len(depth) == 1 else key

    place(f, cache={"ttl": "1m"})

    assert in_two_threads(lambda: f(1)) == [1]


def test_calls_of_a_finalizer_do_not_wait_for_what_it_interrupts(place):
    """The collector runs in the middle of a call, and in the middle of our own lines."""

    class Session:
        def __init__(self):
            self.me = self

        def __del__(self):
            f(1)

    def f(key):
        Session()
        gc.collect()
        return [key]

    place(f, cache={"ttl": "1m", "max_entries": 1})
    threshold = gc.get_threshold()
    gc.freeze()  # (what the other tests hold is looked through each time otherwise)
    gc.set_threshold(1)
    try:
        for key in range(200):
            Session()
            assert f(key) == [key]
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()


def test_nothing_is_remembered_of_calls_that_have_ended(place):
    """Neither in a context nor in what was waited for."""
    f = place(crossing(asyncio.sleep), cache={"ttl": "1m"})

    async def main():
        await asyncio.gather(f(1), f(2))
        return _led.get()

    assert asyncio.run(main()) == ()
    assert len(place.step(f, "cache")._flights) == 0


def test_waiting_tasks_of_trio_make_one_call(place):
    """Single flight holds there too."""
    calls, results = [], []

    async def load(key):
        calls.append(key)
        await trio.sleep(0.05)
        return [key]

    place(load, cache={"ttl": "1m"})

    async def run():
        results.append(await load(1))

    async def main():
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(run)

    trio.run(main)
    assert (results, calls) == ([[1]] * 50, [1])


def test_a_cancelled_leader_of_trio_lets_the_next_compute(place):
    """Its scope ends, and the one that waited computes."""
    calls, results = [], []

    async def load(key):
        calls.append(key)
        await trio.sleep(30 if len(calls) == 1 else 0)
        return key

    place(load, cache={"ttl": "1m"})

    async def main():
        async def wait():
            results.append(await load(1))

        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as leading:
                leading.start_soon(load, 1)
                await wait_all_tasks_blocked()
                nursery.start_soon(wait)
                await wait_all_tasks_blocked()
                leading.cancel_scope.cancel()

    trio.run(main)
    assert (results, len(calls)) == ([1], 2)


def test_a_waiter_that_is_cancelled_as_its_leader_fails_does_not_compute(place):
    """Cancellation is not lost in the tick in which the leader ends."""
    calls = []

    async def load(key):
        calls.append(key)
        await asyncio.sleep(0.01)
        raise ConnectionError

    place(load, cache={"ttl": "1m"})

    async def main():
        leader = asyncio.create_task(load(1))
        await asyncio.sleep(0)
        waiter = asyncio.create_task(load(1))
        await asyncio.sleep(0)
        leader.add_done_callback(lambda _: waiter.cancel())
        return await asyncio.gather(leader, waiter, return_exceptions=True)

    failed, cancelled = asyncio.run(main())
    assert isinstance(failed, ConnectionError)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert calls == [1]
