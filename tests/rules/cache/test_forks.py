"""Children that are forked in the middle of whatever other threads do."""

from __future__ import annotations

import os
import signal
import threading

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

FORKS = 60


def child_of(work):
    """Fork; return the exit status of a child that does *work* within 20 seconds."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        os._exit(0 if work() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_of_busy_threads_calls_what_they_call(place):
    """No lock, no lead and no half-done store of theirs is in its way."""

    def load(key):
        return [[key]]

    place(load, cache={"ttl": "1m", "max_entries": 10, "max_bytes": "1MiB"})
    stop = threading.Event()

    def busy(offset):
        at = offset
        while not stop.is_set():
            load(at % 50)
            at += 1

    def work():
        return [load(key) for key in range(50)] == [[[key]] for key in range(50)]

    threads = [threading.Thread(target=busy, args=(offset,)) for offset in (0, 20, 40)]
    for thread in threads:
        thread.start()
    try:
        ended = [child_of(work) for _ in range(FORKS)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert ended == [0] * FORKS


def test_a_call_that_forks_goes_on_in_both(place):
    """Its lead is given back in the parent; the child computes by itself."""

    def load(key):
        if key == "fork":
            return child_of(lambda: load("in the child") == "in the child" and load("other"))
        return key

    place(load, cache={"ttl": "1m"})

    assert load("fork") == 0
    assert len(place.step(load, "cache")._flights) == 0
