"""Of the calls with one key, one computes."""

from __future__ import annotations

import asyncio
import threading

import pytest


def in_threads(count, work):
    """Run *work* in *count* threads that start together; return what each gave or raised."""
    start, results = threading.Barrier(count), []

    def run():
        start.wait()
        try:
            results.append(work())
        except Exception as error:
            results.append(type(error))

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return results


class Gate:
    """A function's body that waits until enough callers have gathered."""

    def __init__(self):
        self.calls = 0
        self.open = threading.Event()
        self.entered = threading.Event()

    def __call__(self, value):
        self.calls += 1
        self.entered.set()
        assert self.open.wait(30)
        return [value]


def test_a_thousand_threads_make_one_call(place):
    """All get the result of the one that computed."""
    calls = []

    def load(key):
        calls.append(key)
        threading.Event().wait(0.05)
        return [key]

    place(load, cache={"ttl": "1m"})

    assert in_threads(1000, lambda: load(1)) == [[1]] * 1000
    assert calls == [1]


def test_a_hundred_tasks_make_one_call(place):
    """No task blocks the loop while it waits."""
    calls = []

    async def load(key):
        calls.append(key)
        await asyncio.sleep(0.01)
        return [key]

    place(load, cache={"ttl": "1m"})

    async def main():
        return await asyncio.gather(*(load(1) for _ in range(100)))

    assert asyncio.run(main()) == [[1]] * 100
    assert calls == [1]


def test_the_failure_of_the_first_is_its_own(place):
    """The next computes, one at a time, and the rest get its result."""
    calls, running = [], []

    async def load(key):
        calls.append(key)
        running.append(key)
        assert len(running) == 1
        await asyncio.sleep(0.01)
        running.pop()
        if len(calls) < 3:
            raise ConnectionError(len(calls))
        return key

    place(load, cache={"ttl": "1m"})

    async def main():
        return await asyncio.gather(*(load(1) for _ in range(10)), return_exceptions=True)

    results = asyncio.run(main())
    assert [str(e) for e in results if isinstance(e, Exception)] == ["1", "2"]
    assert [r for r in results if r == 1] == [1] * 8
    assert len(calls) == 3


def test_the_failure_of_the_first_is_its_own_in_threads(place):
    """Of twenty threads one fails, and one more computes for the others."""
    calls = []

    def load(key):
        calls.append(key)
        threading.Event().wait(0.02)
        if len(calls) == 1:
            raise ConnectionError
        return key

    place(load, cache={"ttl": "1m"})

    results = in_threads(20, lambda: load(1))

    assert sorted(results, key=str) == [1] * 19 + [ConnectionError]
    assert len(calls) == 2


def test_a_cancelled_leader_lets_the_next_compute(place):
    """Cancellation reaches the caller, and nobody waits for ever."""
    calls = []

    async def load(key):
        calls.append(key)
        await asyncio.sleep(30 if len(calls) == 1 else 0)
        return key

    place(load, cache={"ttl": "1m"})

    async def main():
        leader = asyncio.create_task(load(1))
        await asyncio.sleep(0)
        waiter = asyncio.create_task(load(1))
        await asyncio.sleep(0)
        leader.cancel()
        return await asyncio.gather(leader, waiter, return_exceptions=True)

    cancelled, value = asyncio.run(main())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert value == 1
    assert len(calls) == 2


def test_a_cancelled_waiter_leaves_the_leader_alone(place):
    """The one that computes goes on."""

    async def load(key):
        await asyncio.sleep(0.01)
        return key

    place(load, cache={"ttl": "1m"})

    async def main():
        leader = asyncio.create_task(load(1))
        await asyncio.sleep(0)
        waiter = asyncio.create_task(load(1))
        await asyncio.sleep(0)
        waiter.cancel()
        return await asyncio.gather(leader, waiter, return_exceptions=True)

    value, cancelled = asyncio.run(main())
    assert value == 1
    assert isinstance(cancelled, asyncio.CancelledError)


def test_an_exit_of_the_leader_releases_the_key(place):
    """SystemExit passes, and the next call computes."""
    calls = []

    def load(key):
        calls.append(key)
        if len(calls) == 1:
            raise SystemExit
        return key

    place(load, cache={"ttl": "1m"})

    with pytest.raises(SystemExit):
        load(1)

    assert load(1) == 1


def test_a_call_within_the_same_call_does_not_wait_for_it(place):
    """Recursion on one key ends, also through a task of its own."""
    depth = []

    def load(key):
        depth.append(key)
        return load(key) if len(depth) < 3 else key

    async def fetch(key):
        depth.append(key)
        return await asyncio.create_task(fetch(key)) if len(depth) < 3 else key

    place(load, cache={"ttl": "1m"})
    place(fetch, cache={"ttl": "1m"})

    assert load(1) == 1
    depth.clear()
    assert asyncio.run(asyncio.wait_for(fetch(1), 10)) == 1


def test_a_waiter_out_of_patience_computes_by_itself(place):
    """After `lock_timeout` it no longer waits for the first."""
    gate, calls = Gate(), []

    def load(key):
        calls.append(key)
        return gate(key) if len(calls) == 1 else ["own"]

    place(load, cache={"ttl": "1m", "lock_timeout": "10ms"})
    first = threading.Thread(target=load, args=(1,))
    first.start()
    gate.entered.wait(10)

    assert load(1) == ["own"]

    gate.open.set()
    first.join(10)


def test_without_single_flight_nobody_waits(place):
    """Every call that finds nothing computes."""
    together = threading.Barrier(4)

    def load(key):
        together.wait(10)
        return key

    place(load, cache={"ttl": "1m", "single_flight": False})

    assert in_threads(4, lambda: load(1)) == [1] * 4


def test_waiters_do_not_queue_for_what_is_not_kept(place):
    """When the result of the first cannot be shared, the others compute side by side."""
    gate, calls, together = Gate(), [], threading.Barrier(5)

    def load(key):
        calls.append(key)
        if len(calls) == 1:
            gate(key)
        else:
            together.wait(10)

    place(load, cache={"ttl": "1m", "cache_none": False})
    first = threading.Thread(target=load, args=(1,))
    first.start()
    gate.entered.wait(10)
    flights = place.step(load, "cache")._flights
    [flight] = flights._under_way.values()
    others = [threading.Thread(target=load, args=(1,)) for _ in range(5)]
    for thread in others:
        thread.start()
    while flight.waiter is None or len(calls) > 1:
        threading.Event().wait(0.001)
    threading.Event().wait(0.05)
    gate.open.set()
    for thread in (first, *others):
        thread.join(20)

    assert len(calls) == 6
    assert len(flights) == 0


def test_threads_and_loops_wait_for_one_another(place):
    """Two event loops in two threads share one call."""
    calls = []

    async def load(key):
        calls.append(key)
        await asyncio.sleep(0.05)
        return key

    place(load, cache={"ttl": "1m"})

    assert in_threads(8, lambda: asyncio.run(load(1))) == [1] * 8
    assert calls == [1]
