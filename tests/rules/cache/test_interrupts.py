"""What a signal handler calls or raises while a cache works: nothing is swallowed, lost or torn."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from mlpolicy.rules.cache.store import CacheEntry

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")

ROUNDS = 1500


class Late(Exception):
    """What the handler raises."""


@contextmanager
def handling(handler):
    """Let *handler* handle SIGALRM."""
    # What is raised in a callback of the collector, a finalizer or one of a weak reference goes
    # nowhere, whoever's it is: what other tests left behind must not be collected here.
    gc.collect()
    gc.disable()
    before = signal.signal(signal.SIGALRM, handler)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()


class Alarm:
    """A time-out of the usual sort, which counts how often it was raised."""

    def __init__(self, error):
        self.error = error
        self.raised = 0
        self.armed = False

    def __call__(self, signum, frame):
        if self.armed:
            self.armed = False
            self.raised += 1
            raise self.error


def storm(alarm, work):
    """Run *work* again and again, each with an alarm soon; return how many ended by it."""
    dice, ended = random.Random(1), 0
    with handling(alarm):
        for turn in range(ROUNDS):
            try:
                alarm.armed = True
                signal.setitimer(signal.ITIMER_REAL, dice.uniform(1e-6, 60e-6))
                for at in range(6):
                    work(turn * 6 + at)
                alarm.armed = False
            except alarm.error:
                ended += 1
            alarm.armed = False
    return ended


def whole(store):
    """Return whether ring and table of *store* agree, once something was put into it."""
    store.put(CacheEntry("last", 1, born=0.0, expires=1e9), now=0.0)
    ring, entry = [], store._root.newer
    while entry is not store._root:
        ring.append(entry.key)
        entry = entry.newer
    return ring == list(store.entries)


@pytest.mark.parametrize("error", [Late, TimeoutError, KeyboardInterrupt])
@pytest.mark.parametrize(
    "answer",
    [lambda key: key, lambda key: [[key], {"a": [key]}], lambda key: SimpleNamespace(key=[key])],
)
def test_every_exception_of_a_handler_reaches_the_caller(place, error, answer):
    """None is taken for a bug of ours; no key stays led by nobody, no store half done."""
    alarm = Alarm(error)

    def load(key):
        return answer(key)

    place(load, cache={"ttl": "1m", "max_entries": 20, "max_bytes": "1MiB"})

    ended = storm(alarm, lambda turn: load(turn % 50 if turn % 2 else [turn % 40]))

    assert ended == alarm.raised > 0
    step = place.step(load, "cache")
    assert whole(step.store)
    assert all(flight.over() for flight in step._flights._under_way.values())
    assert_nobody_waits(load)


def assert_nobody_waits(load):
    """All keys answer other threads."""
    done = []

    def call():
        for key in range(50):
            done.append(load(key))
            load([key])

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(20)
    assert len(done) == 50


def test_every_exception_of_a_handler_reaches_the_caller_of_a_coroutine(place):
    """The same in the driver of a coroutine function."""
    alarm = Alarm(Late)

    async def load(key):
        return [key]

    place(load, cache={"ttl": "1m", "max_entries": 20})

    def drive(turn):
        coroutine = load(turn % 50)
        try:
            coroutine.send(None)
        except StopIteration:
            return
        raise AssertionError("it waits")

    ended = storm(alarm, drive)

    assert ended == alarm.raised > 0
    assert asyncio.run(asyncio.wait_for(load(1), 10)) == [1]


def test_a_handler_may_call_what_it_interrupts(place):
    """It does not wait for its own thread, wherever it comes in."""
    calls = []

    def load(key):
        return [key]

    place(load, cache={"ttl": "1m", "max_entries": 3})

    def handler(signum, frame):
        for key in range(6):
            calls.append(load(key))

    dice = random.Random(2)
    with handling(handler):
        for turn in range(ROUNDS):
            signal.setitimer(signal.ITIMER_REAL, dice.uniform(1e-6, 40e-6))
            for key in range(6):
                assert load(key) == [key]

    assert calls
    assert whole(place.step(load, "cache").store)


def test_a_key_whose_leader_was_interrupted_while_giving_it_back_is_taken_over(place):
    """Whoever comes next computes, whoever waits looks again."""

    def load(key):
        return None

    place(load, cache={"ttl": "1m", "cache_none": False})
    flights = place.step(load, "cache")._flights
    land = flights.land

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    flights.land = interrupted
    with pytest.raises(KeyboardInterrupt):
        load(1)
    flights.land = land

    assert len(flights) == 1
    assert_nobody_waits(load)
    assert len(flights) == 0
