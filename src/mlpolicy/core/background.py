"""A thread of our own, made of what the interpreter has in C.

`threading.Thread` and `Event` are Python: a policy on `Thread.start` or `Event.set` would be
asked about our own work, and could wait for it.
"""

from __future__ import annotations

import os
import threading
from _thread import allocate_lock, get_ident, start_new_thread
from collections.abc import Callable

_running: set[int] = set()
"""The identities of our threads."""


def here() -> bool:
    """Tell whether this thread is one of ours."""
    return get_ident() in _running


class Background:
    """Does *turn* again and again on a daemon thread, until it gives None.

    A turn gives the seconds to the next one. What it raises ends the thread.
    A child of a fork has no such thread: whoever owns one starts another.
    """

    def __init__(self, name: str, turn: Callable[[], float | None]) -> None:
        self.name = name
        """Shown among the threads of the process; begins with `mlpolicy-`."""
        self._turn = turn
        self._alive = False
        self._bell = allocate_lock()
        self._bell.acquire()

    def start(self) -> None:
        """Start the thread, once.

        Raises:
            RuntimeError: No thread can be had, or the interpreter shuts down.
        """
        self._alive = True
        try:
            start_new_thread(self._run, ())
        except BaseException:
            self._alive = False
            raise

    def is_alive(self) -> bool:
        """Return whether the thread has been started and has not ended."""
        return self._alive

    def sooner(self) -> None:
        """Let the next turn come at once."""
        try:
            self._bell.release()
        except RuntimeError:  # it was rung already
            return

    def _run(self) -> None:
        _running.add(get_ident())
        try:
            # Logging makes an object for every thread that it meets: let it bear our name.
            threading.current_thread().name = self.name
            while (pause := self._turn()) is not None:
                self._bell.acquire(timeout=pause)
        finally:
            self._alive = False
            _running.discard(get_ident())
            # (up to 3.12 it would stay among the threads of the process for good)
            getattr(threading, "_active", {}).pop(get_ident(), None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)  # none of them is there
