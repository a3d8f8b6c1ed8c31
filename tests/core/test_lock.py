"""Locks that their own thread does not wait for, and that a forked child finds free."""

from __future__ import annotations

import gc
import os
import threading
from contextlib import suppress

import pytest

from mlpolicy.core import threads as module
from mlpolicy.core.threads import Lock


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_thread_that_forks_within_a_block_leaves_it_in_the_child_as_well():
    """A finalizer or a signal handler may fork in the middle of our lines."""
    lock = Lock()

    with lock:
        child = os.fork()
        if child == 0:
            owned, torn = lock.held(), lock.torn
            with suppress(RuntimeError):  # (what giving back a free lock would raise)
                lock.__exit__(None, None, None)
                os._exit(0 if owned and not torn and not lock.held() else 1)
            os._exit(2)
    _, status = os.waitpid(child, 0)

    assert (os.waitstatus_to_exitcode(status), lock.held()) == (0, False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_finds_all_locks_free_where_garbage_is_collected_meanwhile():
    """Locks may vanish at any moment, also while those that there are are made anew."""
    lock, taken, done = Lock(), threading.Event(), threading.Event()
    garbage = [Lock() for _ in range(1000)]

    def hold():
        with lock:
            taken.set()
            done.wait(30)

    def collected(phase, details):
        del garbage[-1:]

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(30)
    before = gc.get_threshold()
    gc.callbacks.append(collected)
    gc.set_threshold(1, 1, 1)
    try:
        child = os.fork()
        if child == 0:
            os._exit(0 if lock.torn else 1)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(collected)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()

    assert os.waitstatus_to_exitcode(status) == 0


def test_locks_that_nobody_holds_any_longer_are_forgotten():
    """A policy that is installed a thousand times leaves no lock behind."""
    gc.collect()
    before = len(module._locks)

    locks = [Lock() for _ in range(100)]
    del locks

    assert len(module._locks) == before
