"""A thread of our own: turns, pauses, its name, its end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from mlpolicy.core.threads import Background, here


def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def names():
    return [one.name for one in threading.enumerate()]


def test_turns_follow_one_another_until_one_gives_none():
    """Each says when the next one is."""
    pauses, told = [0.0, 0.001, None], []
    thread = Background("mlpolicy-test", lambda: (told.append(here()), pauses[len(told) - 1])[1])

    thread.start()

    until(lambda: not thread.is_alive())
    assert told == [True] * 3
    assert not here()


def test_a_turn_can_come_sooner():
    """However long the pause; asked twice is asked once."""
    told, end = [], threading.Event()

    def turn():
        told.append(1)
        return None if end.is_set() else 1000.0

    thread = Background("mlpolicy-test", turn)
    thread.start()
    until(lambda: told)
    end.set()
    thread.sooner()
    thread.sooner()

    until(lambda: not thread.is_alive())
    assert len(told) == 2


def test_it_is_listed_under_its_name_while_it_runs():
    """And no longer."""
    end = threading.Event()
    thread = Background("mlpolicy-test", lambda: None if end.wait(10) else 0.0)
    thread.start()

    until(lambda: "mlpolicy-test" in names())
    shown = next(one for one in threading.enumerate() if one.name == "mlpolicy-test")
    end.set()

    assert shown.daemon
    until(lambda: "mlpolicy-test" not in names())


def test_where_no_thread_can_be_had_it_is_not_alive(monkeypatch):
    """The error is the caller's, who may try again."""

    def refuse(*arguments):
        raise RuntimeError("can't start new thread")

    thread = Background("mlpolicy-test", lambda: None)
    monkeypatch.setattr("mlpolicy.core.threads.start_new_thread", refuse)

    with pytest.raises(RuntimeError):
        thread.start()
    assert not thread.is_alive()


CHILD = """
import os, threading
from mlpolicy.core import threads
end = threading.Event()
thread = threads.Background("mlpolicy-test", lambda: None if end.wait(10) else 0.0)
thread.start()
while not threads._running:
    pass
child = os.fork()
if not child:
    os._exit(len(threads._running))
end.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_has_none_of_ours():
    """A thread of the child's that gets the number of one of ours is not ours."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD], capture_output=True, text=True, check=True
    )

    assert done.stdout == "0\n"
