"""Work in the background: at its own pace, for objects that live, on a thread that ends."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from _thread import _count as threads

import pytest

from mlpolicy.core.tick import Ticks


class Worker:
    """Counts how often it worked, and goes on *times* times."""

    def __init__(self, times, fail=None):
        self.times = times
        self.fail = fail
        self.worked = 0
        self.done = threading.Event()

    def work(self):
        self.worked += 1
        if self.worked >= self.times:
            self.done.set()
            if self.fail is not None:
                raise self.fail
        return self.worked < self.times


def ended(ticks):
    """Wait until the thread of *ticks* has ended; return whether it did."""
    end = time.monotonic() + 20
    while not (ticks.rests and not ticks._runs.locked()) and time.monotonic() < end:
        time.sleep(0.001)
    return ticks.rests


def test_work_is_done_until_it_says_that_it_is_done():
    """Then nothing is left, and the thread ends."""
    ticks, worker = Ticks(), Worker(3)

    ticks.every(0.001, worker.work)

    assert worker.done.wait(20)
    assert ended(ticks)
    assert (worker.worked, ticks._works) == (3, {})


def test_work_that_is_given_later_starts_the_thread_again():
    """A process that was idle goes on."""
    ticks, first, second = Ticks(), Worker(1), Worker(2)
    ticks.every(0.001, first.work)
    assert ended(ticks)

    ticks.every(0.001, second.work)

    assert second.done.wait(20)


def test_quick_work_does_not_wait_for_slow():
    """Each has its own pace."""
    ticks, slow, quick = Ticks(), Worker(1), Worker(3)

    ticks.every(3600, slow.work)
    ticks.every(0.001, quick.work)

    assert quick.done.wait(20)
    assert slow.worked == 0


def test_nothing_is_kept_alive():
    """An object that goes takes its work with it, and with the last the thread ends."""
    ticks, worker = Ticks(), Worker(5)
    ticks.every(3600, worker.work)

    del worker
    gc.collect()

    assert ended(ticks)
    assert ticks._works == {}


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_work_that_fails_stops_no_other(error):
    """It is said, and not done again."""
    ticks, bad, good = Ticks(), Worker(1, fail=error("private")), Worker(5)

    ticks.every(0.001, bad.work)
    ticks.every(0.002, good.work)

    assert good.done.wait(20)
    assert ended(ticks)
    assert bad.worked == 1


def test_many_threads_start_one():
    """Whoever gives work first."""
    ticks, workers = Ticks(), [Worker(1) for _ in range(64)]
    before = threads()
    start = threading.Barrier(64)

    def give(worker):
        start.wait()
        ticks.every(0.2, worker.work)

    givers = [threading.Thread(target=give, args=(worker,)) for worker in workers]
    for giver in givers:
        giver.start()
    for giver in givers:
        giver.join()

    end = time.monotonic() + 20
    while threads() > before + 1 and time.monotonic() < end:
        time.sleep(0.001)
    assert threads() <= before + 1
    assert all(worker.done.wait(20) for worker in workers)
    assert ended(ticks)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_a_thread_of_its_own_when_it_needs_one():
    """What the parent gave is done there too, from the next work on."""
    ticks, old, new = Ticks(), Worker(1), Worker(1)
    ticks.every(0.3, old.work)

    child = os.fork()
    if not child:
        ticks.after_fork()
        ticks.every(0.001, new.work)
        os._exit(0 if new.done.wait(20) and old.done.wait(20) else 1)

    assert os.waitpid(child, 0)[1] == 0


FORKS = """
import os, time
from mlpolicy.core.tick import TICKS

class Worker:
    worked = 0

    def work(self):
        self.worked += 1
        return True

worker = Worker()
TICKS.every(0.001, worker.work)
for _ in range(10):
    child = os.fork()
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert TICKS.rests
    worked = worker.worked
    TICKS.every(0.001, worker.work)
    end = time.monotonic() + 20
    while worker.worked == worked and time.monotonic() < end:
        time.sleep(0.001)
    assert worker.worked > worked
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_no_fork_is_warned_of_for_our_thread():
    """It ends before a fork, and goes on with the next work that is given."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", FORKS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
