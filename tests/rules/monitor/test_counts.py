"""Counts of calls: never too many, never back, and exact once it is quiet."""

from __future__ import annotations

import gc
import random
import signal
import sys
import threading
from contextlib import suppress

import pytest

from mlpolicy.core.metrics import Durations
from mlpolicy.errors import CallRefused

OURS = ("mlpolicy.rules.monitor", "mlpolicy.runtime", "mlpolicy.core.metrics", __name__)
UNCOUNTED = ("mlpolicy_in_flight", "mlpolicy_call_duration_seconds")


class Ledger:
    """Reads every counter, and holds that none goes back and that none is ahead."""

    def __init__(self, meters):
        self._meters = meters
        self._last = {}
        self.readings = 0

    def read(self):
        found, recorded = {}, 0
        for family in self._meters.collect():
            for sample in family.samples:
                if family.kind == "histogram":
                    recorded = sum(count for _, count in sample.buckets)
                elif family.kind == "counter":
                    found[family.name, sample.labels] = sample.value
        self._compare(found, recorded)

    def _compare(self, found, recorded):
        self.readings += 1
        for series, value in found.items():
            assert value >= self._last.get(series, 0), f"{series} went back"
        self._last |= found
        ended = sum(value for (name, _), value in found.items() if name == "mlpolicy_calls_total")
        assert ended == recorded


@pytest.mark.parametrize(
    ("seconds", "counts"),
    [
        ([0.01] * 50, (50, 0, 0)),
        ([0.01] * 5 + [0.5, 2.0], (5, 1, 1)),
        ([(0.01, "error"), 0.5], (1, 1, 0)),
    ],
)
def test_each_duration_is_in_its_bucket(seconds, counts):
    """Whether all of them together are as short as the first bucket or not."""
    durations = Durations([0.1, 1.0])

    durations.ring.extend(seconds)

    assert durations.fold().counts == counts


def at_each_step(read, call):
    """Make a *call*, and *read* before each instruction of ours that it runs."""

    def trace(frame, event, argument):
        if not str(frame.f_globals.get("__name__")).startswith(OURS):
            return None
        frame.f_trace_opcodes = True
        sys.settrace(None)
        try:
            read()
        finally:
            sys.settrace(trace)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return call()
    finally:
        sys.settrace(before)


def work(x):
    if x == "fails":
        raise ValueError(x)
    if x == "refused":
        raise CallRefused(f"{__name__}:work", "refused")
    return x


def rows():
    yield 1
    yield 2


def _closed(_):
    reader = rows()
    next(reader)
    reader.close()


@pytest.mark.parametrize("log", [False, {"sample": "100%"}])
@pytest.mark.parametrize("how", ["well", "fails", "refused", 5, "closed"])
def test_no_counter_goes_back_wherever_threads_are_switched(place, how, log):
    """A scrape between any two instructions of a call reads counts that fit together."""
    rules = {"monitor": {"log": log}}
    if isinstance(how, int):
        check = {"args": {"x": {"type": "str"}}, "on_fail": "default", "default": "none"}
        rules["validate"] = check
    function = place(rows if how == "closed" else work, **rules)
    call = _closed if how == "closed" else function
    ledger = Ledger(place.meters)

    for _ in range(3):
        with suppress(ValueError, CallRefused):
            at_each_step(ledger.read, lambda: call(how))

    assert ledger.readings > 50
    ledger.read()


def test_no_counter_goes_back_under_threads(place, outcomes, in_flight):
    """Scraped in a loop while eight threads call and fail."""
    place(work, monitor={"log": False})
    ledger, done = Ledger(place.meters), threading.Event()
    problems = []

    def call():
        for number in range(5_000):
            with suppress(ValueError, CallRefused):
                work(("fails", "refused", "well")[number % 3])

    def scrape():
        try:
            while not done.is_set():
                ledger.read()
        except AssertionError as problem:
            problems.append(problem)

    threads = [threading.Thread(target=call) for _ in range(8)]
    reader = threading.Thread(target=scrape)
    for thread in (*threads, reader):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()

    assert problems == []
    assert outcomes(work) == {"ok": 13_328, "error": 13_336, "refused": 13_336}
    assert in_flight(work) == 0


class Alarm(Exception):
    """What a handler of SIGALRM raises."""


def _until_the_alarm(argument):
    while True:
        with suppress(ValueError):
            work(argument)


@pytest.fixture
def alarms():
    """A timer of the process, started with the seconds to its signal.

    The handler raises in `_until_the_alarm` alone: a signal that comes late is nobody else's.
    """

    def handler(number, frame):
        while frame is not None:
            if frame.f_code is _until_the_alarm.__code__:
                raise Alarm
            frame = frame.f_back

    # (what interrupts a callback of the collector, or a finalizer of garbage, goes nowhere)
    gc.collect()
    gc.disable()
    before = signal.signal(signal.SIGALRM, handler)
    # (again, where it came before the loop that waits for it)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds, 2)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    gc.enable()


@pytest.mark.parametrize("log", [False, {"sample": "100%"}])
def test_what_a_signal_handler_raises_passes_and_leaves_no_call_in_flight(
    place, outcomes, in_flight, alarms, caplog, log
):
    """Wherever in a call of ours it comes: each call that it ended is counted, none is lost."""
    place(work, monitor={"log": log})
    begun = {"function": f"{__name__}:work"}

    for number in range(2_000):
        with pytest.raises(Alarm):
            alarms(random.uniform(2e-5, 2e-4))
            _until_the_alarm("fails" if number % 2 else "well")
        alarms(0)

    ended = sum(outcomes(work).values())
    assert in_flight(work) == 0
    assert ended == place.meters.value("mlpolicy_calls_begun_total", **begun)
    assert "by itself" not in caplog.text


def test_a_finalizer_may_call_what_is_counted_at_any_moment(place, outcomes, in_flight):
    """The collector of garbage runs it in the middle of a call, a fold or a scrape."""
    place(work, monitor={"log": {"sample": "100%"}})
    made = 0

    class Finalized:
        def __init__(self):
            self.me = self

        def __del__(self):
            with suppress(ValueError):
                work("fails")
            list(place.meters.collect())

    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for number in range(300):
            Finalized()
            made += 1
            with suppress(ValueError):
                work("fails" if number % 3 == 0 else "well")
            list(place.meters.collect())
    finally:
        gc.set_threshold(*before)
    gc.collect()

    assert outcomes(work) == {"ok": 200, "error": 100 + made}
    assert in_flight(work) == 0
