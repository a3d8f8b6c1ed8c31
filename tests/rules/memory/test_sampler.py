"""The sampler: one thread, from the first call that needs it to the last rule."""

from __future__ import annotations

import ctypes
import gc
import logging
import subprocess
import sys
import threading
import time

import pytest

from mlpolicy.core import threads as background
from mlpolicy.core.metrics import Meters
from mlpolicy.core.report import forget
from mlpolicy.core.site import Site
from mlpolicy.core.step import Wait
from mlpolicy.core.threads import here
from mlpolicy.rules.memory.gate import Decisions, Gate, MemoryTicket
from mlpolicy.rules.memory.levels import Levels
from mlpolicy.rules.memory.relief import Relief
from mlpolicy.rules.memory.sampler import Sampler

MIB = 1024**2


class Works:
    """A sampler with a probe to order, and gates by it."""

    def __init__(self, stock) -> None:
        self.stock = stock
        self.meters = Meters()
        self.sampler = Sampler(lambda limit, measure: stock)
        self.gates = []
        self.others = set(background._running)
        """Threads of ours that other tests have left."""

    def gate(self, *, poll=0.01, wait=5.0, **more):
        gauge = self.sampler.gauge(None, "rss", poll)
        decisions = Decisions(Site("shop:predict", meters=self.meters))
        gate = Gate(gauge, Levels(), decisions=decisions, wait=wait, **more)
        self.gates.append(gate)
        return gate

    def thread(self):
        return self.sampler._thread

    def decided(self, decision) -> float:
        labels = {"function": "shop:predict", "decision": decision}
        return self.meters.value("mlpolicy_memory_decisions_total", **labels)


@pytest.fixture
def works(stock):
    forget()
    works = Works(stock)
    yield works
    thread = works.thread()
    for gate in works.gates:
        gate.close()
    if thread is not None:
        ended(thread)


def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def ended(thread):
    until(lambda: not thread.is_alive())


def test_a_rule_alone_starts_no_thread(works):
    """A process that never calls the function has no thread of ours."""
    works.gate()

    assert works.thread() is None


def test_the_first_call_starts_the_thread(works):
    """From then on usage is read without any call."""
    gate = works.gate()

    answer = gate.ask(MemoryTicket())

    assert answer == "in"
    assert works.thread().is_alive()
    until(lambda: works.stock.read_so_far > 3)


def test_all_gauges_share_one_thread(works):
    """Polls of different length, too."""
    for poll in (0.01, 0.02, 30.0):
        works.gate(poll=poll).ask(MemoryTicket())

    reads = works.stock.read_so_far
    until(lambda: works.stock.read_so_far > reads + 5)
    assert [one.name for one in threading.enumerate()].count("mlpolicy-memory") == 1


def test_a_thread_that_ended_is_not_listed(works):
    """Whoever lists the threads of the process sees those that are there."""
    gate = works.gate()
    gate.ask(MemoryTicket())
    until(lambda: "mlpolicy-memory" in {one.name for one in threading.enumerate()})

    gate.close()

    until(lambda: "mlpolicy-memory" not in {one.name for one in threading.enumerate()})


def test_equal_settings_share_one_gauge(works):
    """And settings that differ do not."""
    sampler = works.sampler
    gauges = [sampler.gauge(None, "rss", 0.01) for _ in range(2)]

    assert gauges[0] is gauges[1]
    assert sampler.gauge(1, "rss", 0.01) is not gauges[0]
    assert sampler.gauge(None, "workingset", 0.01) is not gauges[0]
    assert sampler.gauge(None, "rss", 0.02) is not gauges[0]


def test_a_gate_is_shut_and_opened_by_the_thread(works):
    """No call has to look."""
    gate = works.gate()
    gate.ask(MemoryTicket())
    seen = [gate.shut]

    works.stock.used = 950
    until(lambda: gate.shut)
    works.stock.used = 100
    until(lambda: not gate.shut)

    assert seen == [False]


def test_the_thread_ends_with_the_last_gate(works):
    """Nothing of a policy that is no longer in force goes on."""
    gate = works.gate()
    gate.ask(MemoryTicket())
    thread = works.thread()

    gate.close()

    ended(thread)


def test_the_thread_ends_with_gates_that_are_forgotten(works):
    """A driver that is thrown away takes its thread with it."""
    gate = works.gate()
    gate.ask(MemoryTicket())
    thread = works.thread()

    works.gates.clear()
    del gate
    gc.collect()

    ended(thread)


def test_a_thread_that_ended_is_started_again(works):
    """By the next call that needs it."""
    first = works.gate()
    first.ask(MemoryTicket())
    thread = works.thread()
    first.close()
    ended(thread)

    gate = works.gate()
    until(lambda: gate.ask(MemoryTicket()) == "in" and not gate.shut)

    assert works.thread().is_alive()


def test_relief_is_run_by_the_thread_and_counted(works):
    """At `act_at` calls go on, and memory is given back beside them."""
    ran = []

    def free():
        ran.append(threading.current_thread().name)
        works.stock.used = 500

    gate = works.gate(relief=Relief((free,), 30.0))
    works.stock.used = 860

    assert gate.ask(MemoryTicket()) == "in"
    until(lambda: works.decided("relieve"))
    assert ran == ["mlpolicy-memory"]


def test_relief_is_not_run_below_act_at(works):
    """Three quarters are enough to warn, not to act."""
    ran = []
    gate = works.gate(relief=Relief((lambda: ran.append(1),), 0.0))
    works.stock.used = 840
    gate.ask(MemoryTicket())

    reads = works.stock.read_so_far
    until(lambda: works.stock.read_so_far > reads + 5)

    assert ran == []


def test_relief_is_throttled(works):
    """However long memory is short."""
    ran = []
    gate = works.gate(relief=Relief((lambda: ran.append(1),), 30.0))
    works.stock.used = 870
    gate.ask(MemoryTicket())

    reads = works.stock.read_so_far
    until(lambda: works.stock.read_so_far > reads + 20)

    assert ran == [1]


def test_calls_look_for_themselves_while_relief_is_run(works):
    """A slow function of the user's must not leave everybody with an old reading."""
    begun, end = threading.Event(), threading.Event()

    def slow():
        begun.set()
        end.wait(10)

    gate = works.gate(relief=Relief((slow,), 30.0))
    works.stock.used = 870
    gate.ask(MemoryTicket())
    assert begun.wait(10)
    try:
        works.stock.used = 950
        until(lambda: gate.look())
        assert gate.shut
    finally:
        end.set()
    works.stock.used = 100
    until(lambda: not gate.shut)


def test_without_a_thread_calls_read_by_themselves(works, monkeypatch, caplog):
    """The process may start no more threads: that is said once, and the rule holds."""

    def refuse(function, arguments):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(background, "start_new_thread", refuse)
    gate = works.gate()

    answers = []
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        for used in (100, 950, 100):
            works.stock.used = used
            time.sleep(0.011)
            answers.append(gate.ask(MemoryTicket()))
            assert gate.shut

    assert answers[0] == "in"
    assert answers[1].at_most == 0.01
    said = [one for one in caplog.messages if "no sampler" in one]
    assert len(said) == 1


def test_a_bug_in_the_thread_leaves_calls_to_themselves(works, caplog):
    """It is reported, and the next call that needs one starts another."""

    def broken(now):
        raise ZeroDivisionError

    relief = Relief((), 30.0)
    relief.due = broken
    gate = works.gate(relief=relief)
    works.stock.used = 860
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        gate.ask(MemoryTicket())
        until(lambda: any("sampler failed" in one for one in caplog.messages))
    shut, thread = gate.shut, works.thread()

    del relief.due
    until(lambda: gate.ask(MemoryTicket()) == "in" and not gate.shut)

    assert shut
    assert [one for one in caplog.messages if "sampler failed (ZeroDivisionError" in one]
    assert (thread, works.thread().is_alive()) == (None, True)


def test_a_gauge_that_the_thread_reads_before_any_call_is_opened_by_it(works):
    """One that comes while the thread runs: its reading is fresh when the first call asks."""
    works.gate().ask(MemoryTicket())
    late = works.gate(poll=0.02)

    until(lambda: not late.shut)


def waiting(works, gate):
    """Let a call wait in line for a minute; return its thread, and the answer that it gets."""
    answers = []

    def call():
        ticket = MemoryTicket()
        while isinstance(answer := gate.ask(ticket), Wait):
            answer.waiter.wait(answer.at_most)
        answers.append(answer)

    works.stock.used = 950
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    until(lambda: gate._line)
    return thread, answers


def test_relief_that_hangs_holds_nobody_up(works):
    """Whoever waits looks for itself, and no gate opens that nobody would shut."""
    begun, end = threading.Event(), threading.Event()
    gate = works.gate(wait=60.0, relief=Relief((lambda: (begun.set(), end.wait(60)),), 30.0))
    thread, answers = waiting(works, gate)
    assert begun.wait(10)
    try:
        works.stock.used = 100
        thread.join(10)
        late = works.gate(poll=0.02)
        found = answers, late.ask(MemoryTicket()), late.shut
    finally:
        end.set()

    assert found == (["in"], "in", True)
    until(lambda: not (gate.shut or late.shut))


def hang(works, end):
    """Let the thread hang in its next reading."""
    read = works.stock.read
    works.stock.read = works.gates[0].gauge._read = lambda: (here() and end.wait(60), read())[1]


def kill(works, end):
    """Let the thread end wherever it is, as another thread may."""
    until(lambda: background._running - works.others)
    [identity] = background._running - works.others
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(identity), ctypes.py_object(SystemExit)
    )


@pytest.mark.parametrize("happens", [hang, kill])
def test_a_thread_that_reads_no_more_holds_nobody_up(works, happens):
    """Whoever waits looks for itself, whatever became of the thread."""
    end = threading.Event()
    gate = works.gate(wait=60.0)
    thread, answers = waiting(works, gate)
    happens(works, end)
    time.sleep(0.1)
    works.stock.used = 100
    thread.join(10)
    end.set()

    assert answers == ["in"]


def test_a_thread_that_is_ended_shuts_the_gates(works, caplog):
    """One that is open would let in every call for ever."""
    gate = works.gate()
    until(lambda: gate.ask(MemoryTicket()) == "in" and not gate.shut)

    kill(works, None)

    until(lambda: gate.shut)
    until(lambda: any("sampler failed (SystemExit" in one for one in caplog.messages))


FORK = """
import os, sys, threading, time
from mlpolicy.core.site import Site
from mlpolicy.rules.memory.rule import MemoryRule
from mlpolicy.rules.memory.step import MemoryStep
from mlpolicy.rules.memory.gate import MemoryTicket
from mlpolicy.rules.memory.sampler import SAMPLER

rule = MemoryRule.model_validate({"limit": "400MiB", "measure": "rss", "poll": "10ms", "wait": "0s"})
step = MemoryStep(rule, Site("shop:predict"))
assert step.admit(MemoryTicket(), 0) is None
parent = SAMPLER._thread
assert parent.is_alive()
held = threading.Event()
threading.Thread(target=lambda: (step.gauge.lock.acquire(), held.set(), time.sleep(60)), daemon=True).start()
held.wait()

child = os.fork()
if not child:
    shut = step.gate.shut
    admitted = step.admit(MemoryTicket(), 0) is None
    alive = SAMPLER._thread is not parent and SAMPLER._thread.is_alive()
    opened = not step.gate.shut
    block = b"x" * (600 << 20)  # of the child alone
    end = time.monotonic() + 10
    while not step.gate.shut and time.monotonic() < end:
        time.sleep(0.01)
    refused = step.admit(MemoryTicket(), 0) is not None
    print(shut, admitted, alive, opened, refused, step.gauge.reading.used > 600 << 20, flush=True)
    os._exit(0)
os.waitpid(child, 0)
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") < 400 << 20)
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system cannot fork")
def test_a_forked_child_has_a_sampler_of_its_own():
    """It starts anew though a lock was held at the fork, and reads itself, not its parent."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split() == ["True"] * 7
