"""What waits to be written holds nothing of the calls, whatever they ended with."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
import weakref
from contextlib import suppress
from types import AsyncGeneratorType, CoroutineType, GeneratorType

import pytest

from mlpolicy.rules.monitor.lanes import EXPORTER, Sink
from mlpolicy.rules.monitor.sinks import SINKS


class Big:
    """What a caller gives, and wants to be rid of."""

    number = 1


class Own(Exception):
    """Bears what the call was about; its message is made by code."""

    def __init__(self, x):
        super().__init__(x)
        self.x = x

    def __str__(self):
        return "made"


def echo(x):
    return x


def fails(x):
    raise ValueError(x)


def fails_by_its_own(x):
    raise Own(x)


def chained(x):
    try:
        fails_by_its_own(x)
    except Own as error:
        raise KeyError("other") from error


def grouped(x):
    raise ExceptionGroup("both", [Own(x), ValueError(x)])


def within(x):
    try:
        fails(x)
    except ValueError:
        echo(x)
        raise


def rows(x):
    yield x
    raise Own(x)


async def fails_later(x):
    await asyncio.sleep(0)
    raise Own(x)


async def items(x):
    yield x
    raise Own(x)


PLAIN = (echo, fails, fails_by_its_own, chained, grouped, within, rows, fails_later, items)
INT = {"args": {"x": {"type": "int"}}}
OUT = {"returns": {"type": "int"}}
NAMED = {"default": {"call": "builtins:repr"}}
LITTLE = {"limit": "1MiB", "wait": "0s"}
AGAIN = {"retry_on": ["Exception"], "initial_delay": "1ms"}
CASES = [
    *((function, {}) for function in PLAIN),
    (echo, {"validate": INT}),
    (echo, {"validate": OUT}),
    (echo, {"validate": INT | {"mode": "shadow"}}),
    (echo, {"validate": INT | {"on_fail": "warn"}}),
    (echo, {"validate": INT | {"on_fail": "default", "default": 1}}),
    (echo, {"validate": OUT | {"on_fail": "default", "default": 1}}),
    (echo, {"validate": INT | {"on_fail": "default"} | NAMED}),
    (echo, {"memory": LITTLE}),
    (echo, {"memory": LITTLE | {"mode": "shadow"}}),
    (echo, {"memory": LITTLE | {"on_pressure": "default", "default": 1}}),
    (echo, {"cache": {"ttl": "1m"}}),
    (fails_by_its_own, {"cache": {"ttl": "1m", "key": ["x.number"]}}),
    (fails_later, {"cache": {"ttl": "1m", "key": ["x.number"]}}),
    *((one, {"retry": AGAIN}) for one in (fails, fails_by_its_own, rows, fails_later, items)),
    (fails_by_its_own, {"retry": AGAIN | {"mode": "shadow"}}),
]
LOGS = [
    {"sample": "100%", "inputs": "full"},
    {"sample": "100%"},
    {"sample": "0%", "slow": "0s", "inputs": "none"},
]


def _run(function, x):
    result = function(x)
    if isinstance(result, CoroutineType):
        asyncio.run(result)
    elif isinstance(result, GeneratorType):
        list(result)
    elif isinstance(result, AsyncGeneratorType):
        asyncio.run(_drained(result))


async def _drained(items):
    return [one async for one in items]


class Stuck(Sink):
    """A sink of somebody's that takes its first event for ever."""

    def __init__(self):
        self.taken, self.release = threading.Event(), threading.Event()

    def write(self, event):
        self.taken.set()
        self.release.wait(30)


@pytest.fixture
def stuck():
    sink = Stuck()
    SINKS.add("stuck", sink)
    handler, logger = logging.Handler(), logging.getLogger("mlpolicy.events")
    handler.emit = sink.write
    logger.addHandler(handler)
    yield sink
    sink.release.set()
    assert EXPORTER.flush(5)
    logger.removeHandler(handler)
    SINKS.remove("stuck")


@pytest.mark.parametrize(
    ("function", "rules", "log", "sink"),
    [
        *((function, rules, LOGS[0], "log") for function, rules in CASES),
        *(
            (function, {}, log, "stuck")
            for function in (echo, fails_by_its_own, rows)
            for log in LOGS
        ),
    ],
)
def test_what_waits_for_a_sink_holds_nothing_of_the_call(place, stuck, function, rules, log, sink):
    """Arguments, results and errors go when the caller lets go of them."""
    place(function, monitor={"log": log, "sinks": [sink]}, **rules)
    suspends = function in (rows, fails_later, items)  # (Python itself leaves circles there)
    alive = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            big = Big()
            alive.append(weakref.ref(big))
            with suppress(Exception):
                _run(function, big)
            del big
        assert stuck.taken.wait(5)
        if suspends:
            gc.collect()
        end = time.monotonic() + 5  # (a thread that makes a message lets go a little later)
        while any(one() for one in alive) and time.monotonic() < end:
            time.sleep(0.001)
        left = [one() for one in alive]
    finally:
        gc.enable()

    assert left == [None] * 3
    assert sum(len(lane._queue) for lane in EXPORTER.lanes()) >= 2
