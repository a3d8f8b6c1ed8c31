"""Each sink has a queue and a thread of its own: what one does, no other feels, and no call."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tracemalloc
from textwrap import dedent

import pytest

from mlpolicy.core.metrics import METERS
from mlpolicy.rules.monitor import lanes
from mlpolicy.rules.monitor.event import Draft
from mlpolicy.rules.monitor.lanes import EXPORTER, Later, Sink
from mlpolicy.rules.monitor.sinks import SINKS

EVENT = {"schema": "mlpolicy.event/1", "severity": "INFO"}


class Kept(Sink):
    """Keeps what it is given."""

    def __init__(self):
        self.kept = []

    def write(self, event):
        self.kept.append(event)


class Hung(Kept):
    """Never comes back from its first event, until it is let go."""

    def __init__(self):
        super().__init__()
        self.taken, self.release = threading.Event(), threading.Event()

    def write(self, event):
        self.taken.set()
        self.release.wait(60)
        super().write(event)


class Ends(BaseException):
    """What no `except Exception` catches."""


class Raises(Kept):
    """Takes every second event."""

    def __init__(self, error):
        super().__init__()
        self.error, self.asked = error, 0

    def write(self, event):
        self.asked += 1
        if self.asked % 2:
            raise self.error
        super().write(event)


class Together(Kept):
    """Takes several at once."""

    together = 10

    def write_all(self, events):
        self.kept.append(len(events))
        if len(self.kept) == 2:
            raise OSError


def lost(name, reason):
    return METERS.value("mlpolicy_dropped_events_total", sink=name, reason=reason)


def until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    return true()


@pytest.fixture
def hung():
    sink = Hung()
    yield sink
    sink.release.set()
    assert EXPORTER.flush(10)


def test_one_that_hangs_holds_up_itself_alone(place, hung):
    """The others get their events meanwhile, and calls are answered."""
    other = Kept()
    SINKS.add("hung", hung)
    SINKS.add("kept", other)

    def work():
        return 1

    try:
        place(work, monitor={"sinks": ["hung", "kept"], "log": {"sample": "100%"}})
        assert [work() for _ in range(50)] == [1] * 50
        assert hung.taken.wait(10)
        assert until(lambda: len(other.kept) == 50)
        assert hung.kept == []
    finally:
        SINKS.remove("hung")
        SINKS.remove("kept")


def test_what_there_is_no_room_for_is_dropped_oldest_first_and_counted(monkeypatch, hung):
    monkeypatch.setattr(lanes, "MOST_QUEUED", 3)
    lane = EXPORTER.lane("full", hung)
    before = lost("full", "queue_full")

    lane.put({"number": 0})
    assert hung.taken.wait(10)
    for number in range(1, 11):
        lane.put({"number": number})
    hung.release.set()
    assert EXPORTER.flush(10)

    assert lost("full", "queue_full") - before == 7
    assert [event["number"] for event in hung.kept] == [0, 8, 9, 10]


def test_an_event_is_taken_at_once_whatever_its_thread_is_at(monkeypatch):
    """Whether it sleeps, or is about to."""
    monkeypatch.setattr(lanes, "ROUND", 60)
    sink, rounds = Kept(), []
    lane = EXPORTER.lane("prompt", sink)

    lane.put({"number": 0})
    assert until(lambda: lane._idle and len(sink.kept) == 1)
    lane.put({"number": 1})
    assert until(lambda: len(sink.kept) == 2)
    lane.every_round(lambda: rounds.append(None) or lane.put({"number": 2}))
    assert until(lambda: len(sink.kept) == 3)

    assert rounds == [None]
    lane._periodic.clear()


@pytest.mark.parametrize("error", [OSError("x"), Ends(), SystemExit(), KeyboardInterrupt()])
def test_one_that_raises_gets_the_next_event_all_the_same(error):
    """Whatever it is, it ends no thread, and it is counted."""
    name, sink, other = f"raises{type(error).__name__}", Raises(error), Kept()

    for _ in range(10):
        EXPORTER.lane(name, sink).put(EVENT)
        EXPORTER.lane(f"not{name}", other).put(EVENT)
    assert EXPORTER.flush(10)

    assert len(sink.kept) == 5
    assert lost(name, "failed") == 5
    assert len(other.kept) == 10


def test_one_may_take_several_at_once():
    """They are lost together, too."""
    sink, gate = Together(), threading.Event()
    lane = EXPORTER.lane("together", sink)
    lane._queue.append(lambda: gate.wait(10))  # (so that all of them are there)

    for _ in range(25):
        lane.put(EVENT)
    gate.set()
    assert EXPORTER.flush(10)

    assert sink.kept == [10, 10, 5]
    assert lost("together", "failed") == 10


class Waiting(Kept):
    """Takes nothing until *left* attempts were made."""

    together = 10

    def __init__(self, left, *, lost):
        super().__init__()
        self.left, self.lost = left, lost

    def write_all(self, events):
        if self.left > 0:
            self.left -= 1
            raise Later(0.01 if not self.lost else 60, lost=self.lost)
        super().write_all(events)


def test_events_wait_in_their_order_for_one_that_says_later():
    """However often; who waits for them all waits as long."""
    sink, gate = Waiting(3, lost=False), threading.Event()
    lane = EXPORTER.lane("later", sink)
    lane._queue.append(lambda: gate.wait(10))
    for number in range(25):
        lane.put({"number": number})
    gate.set()
    assert EXPORTER.flush(10)

    assert [event["number"] for event in sink.kept] == [*range(25)]
    assert not lost("later", "failed")


def test_one_that_says_later_may_lose_what_it_was_given():
    """That is counted; what comes meanwhile waits, unless somebody waits for it."""
    sink = Waiting(1, lost=True)
    lane = EXPORTER.lane("loses", sink)
    lane.put({"number": 0})
    assert until(lambda: lost("loses", "failed") == 1)
    lane.put({"number": 1})
    time.sleep(0.3)
    waiting = len(lane._queue)
    assert EXPORTER.flush(10)

    assert waiting == 1
    assert [event["number"] for event in sink.kept] == [1]


def test_an_event_is_made_once_for_all_who_carry_it_out():
    """On their threads, not on that of the call."""
    made, one, other = [], Kept(), Kept()

    def make(number):
        made.append(threading.get_ident())
        return {"number": number}

    draft = Draft(make, (7,))
    EXPORTER.lane("one", one).put(draft)
    assert EXPORTER.flush(10)
    EXPORTER.lane("other", other).put(draft)
    assert EXPORTER.flush(10)

    assert one.kept == other.kept == [{"number": 7}]
    assert len(made) == 1
    assert made[0] != threading.get_ident()


def test_memory_is_flat_though_nobody_takes_the_events(hung):
    lane = EXPORTER.lane("flat", hung)

    def fill(count):
        for number in range(count):
            lane.put({"number": number})

    fill(20_000)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        fill(100_000)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(lane._queue) == lanes.MOST_QUEUED
    assert after - before < 500 * lanes.MOST_QUEUED  # (as many as are queued, no more)


PROGRAM = """
    import os, sys, threading, time
    from mlpolicy.rules.monitor.lanes import EXPORTER, Sink
    from mlpolicy.rules.monitor.sinks import LOG

    class Hung(Sink):
        def write(self, event):
            threading.Event().wait()

    class Slow(Sink):
        kept, ended = 0, False
        def write(self, event):
            time.sleep(0.002)
            Slow.kept += 1
        def finish(self):
            Slow.ended = True
            os.write(1, f"slow {Slow.kept}\\n".encode())

    hung, slow = Hung(), Slow()
    for _ in range(100):
        EXPORTER.lane("hung", hung).put({"severity": "INFO"})
        EXPORTER.lane("hung again", Hung()).put({"severity": "INFO"})
        EXPORTER.lane("slow", slow).put({"severity": "INFO"})
"""


def run(source):
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", dedent(source)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done, time.monotonic() - started


def test_the_end_waits_a_second_for_all_of_them_together():
    """Two that hang and one that is slow: the slow one gets all, and its end."""
    bare = run(PROGRAM + "    os._exit(0)")[1]

    done, took = run(PROGRAM)

    assert done.stdout == "slow 100\n"
    assert 0.5 < took - bare < 3


def test_finishing_again_waits_for_nothing():
    """A handler of signals may, and then the end of the process."""
    done, _ = run(
        PROGRAM
        + """
    EXPORTER.finish()
    begun = time.monotonic()
    EXPORTER.finish()
    assert time.monotonic() - begun < 0.5
    EXPORTER.lane("slow", slow).put({"severity": "INFO"})
    """
    )

    assert done.stdout.split() == ["slow", "100", "slow", "100", "slow", "101"]


def test_one_that_holds_something_back_finishes_at_sigterm():
    """The program ends by the signal all the same."""
    done, took = run(
        PROGRAM
        + """
    from mlpolicy.rules.monitor.sinks import begin
    import signal
    child = os.fork()
    if child == 0:
        begin([("slow", slow)])
        EXPORTER.lane("slow", slow).put({"severity": "INFO"})
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    os._exit(0)
    """
    )

    assert done.stdout == "slow 1\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_begins_anew():
    """What was queued is the parent's; a sink that hangs there does not hang here."""
    done, _ = run(
        PROGRAM
        + """
    child = os.fork()
    if child == 0:
        Slow.kept = 0
        EXPORTER.lane("slow", slow).put({"severity": "INFO"})
        EXPORTER.finish()
        os._exit(0)
    os.waitpid(child, 0)
    """
    )

    assert done.stdout == "slow 1\nslow 100\n"
