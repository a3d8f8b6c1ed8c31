"""Locks that their own thread does not wait for, and that a forked child finds free."""

from __future__ import annotations

import gc
import os
import threading

import pytest

from mlpolicy.core import lock as module
from mlpolicy.core.lock import Lock


def test_a_thread_knows_that_it_holds_a_lock():
    """What a finalizer asks before it would wait for itself."""
    lock = Lock()

    with lock:
        within = lock.held()

    assert (within, lock.held()) == (True, False)


def test_another_thread_does_not_hold_it():
    """The question is about this thread alone."""
    lock, answers = Lock(), []

    with lock:
        thread = threading.Thread(target=lambda: answers.append(lock.held()))
        thread.start()
        thread.join()

    assert answers == [False]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_finds_a_lock_free_that_another_thread_held():
    """And it is told that what the lock guards may be half done."""
    lock, taken, done = Lock(), threading.Event(), threading.Event()

    def hold():
        with lock:
            taken.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(30)
    child = os.fork()
    if child == 0:
        with lock:
            os._exit(0 if lock.torn else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()

    assert (os.waitstatus_to_exitcode(status), lock.torn) == (0, False)


def test_locks_that_nobody_holds_any_longer_are_forgotten():
    """A policy that is installed a thousand times leaves no lock behind."""
    gc.collect()
    before = len(module._locks)

    locks = [Lock() for _ in range(100)]
    del locks

    assert len(module._locks) == before
