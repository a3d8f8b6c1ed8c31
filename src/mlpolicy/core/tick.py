"""One quiet thread of the process, for what must be done now and then whether calls come or not.

It runs from the first work that is given to it to the last that is there: a process in which
nothing is left to do is not woken.
"""

from __future__ import annotations

import os
from _thread import LockType, allocate_lock, get_native_id, start_new_thread
from collections.abc import Callable
from time import sleep as _pause
from typing import Any
from weakref import ref

from mlpolicy.core import clock
from mlpolicy.core.report import interrupts, say_once

_BEGINS = -1
"""Stands for a thread that was started and does not run yet."""
_ENDING = 0.05
"""Seconds that a fork waits, at most, for the thread to end."""


class _Work:
    """One thing to do, its pause in seconds, and when it is due."""

    __slots__ = ("due", "function", "pause")

    def __init__(self, function: Callable[[Any], bool], pause: float) -> None:
        self.function = function
        self.pause = pause
        self.due = clock.now() + pause


class Ticks:
    """Runs methods of objects that live, each at its own pace."""

    rests: bool
    """Whether a thread is started when work is given; it is so after a fork too."""

    def __init__(self) -> None:
        self._works: dict[ref[Any], _Work] = {}
        self.after_fork()

    def every(self, seconds: float, work: Any) -> None:
        """Call the method *work* about every *seconds*, until it gives False.

        Its object is not kept alive by that; of one object, the last method given is called.
        """
        self._works[ref(work.__self__, self._forget)] = _Work(work.__func__, seconds)
        self._wake()
        if self.rests:
            self._thread = _BEGINS
            try:
                start_new_thread(self._run, (self._runs, self._sleep))
            except RuntimeError as error:  # the system, or the interpreter at its end, has none
                if interrupts(error):
                    raise
                self._thread = 0

    def _forget(self, gone: ref[Any]) -> None:
        self._works.pop(gone, None)
        self._wake()

    def _wake(self) -> None:
        """Let the thread look at once how long it may sleep."""
        try:
            self._sleep.release()
        except RuntimeError:  # it is awake, or another woke it
            return

    def _run(self, runs: LockType, sleep: LockType) -> None:
        # The thread takes this lock, not who starts it: no signal handler ends a thread midway.
        self._thread = get_native_id()
        while not self._forking and self._works and runs.acquire(blocking=False):
            while not self._forking and (pause := self._turn()) is not None:
                sleep.acquire(timeout=pause)
            # Then it looks again: whoever gave work meanwhile took this thread for running.
            self.rests = True
            runs.release()

    def _turn(self) -> float | None:
        """Do what is due; return the seconds until the next turn, None where nothing is left."""
        self.rests = False
        now, works = clock.now(), self._works.copy()
        for key, work in works.items():
            if work.due <= now:
                work.due = now + work.pause
                if not _goes_on(key(), work.function):
                    self._works.pop(key, None)
        soonest = min((work.due for work in self._works.copy().values()), default=None)
        return None if soonest is None else max(soonest - clock.now(), 0.0)

    def before_fork(self) -> None:
        """End the thread: Python warns of forks of a process that has more than one."""
        self._forking = True
        self._wake()
        late = clock.now() + _ENDING
        while self._there() and clock.now() < late:
            _pause(0.0001)

    def _there(self) -> bool:
        thread = self._thread
        known = thread == _BEGINS or self._runs.locked()
        return known or (thread != 0 and os.path.exists(f"/proc/self/task/{thread}"))

    def after_fork_in_parent(self) -> None:
        """Rest until work is given: Python counts the threads once this has returned."""
        self._forking = False
        self.rests = True

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self.after_fork_in_parent()
        self._thread = 0
        self._runs = allocate_lock()
        self._sleep = allocate_lock()


def _goes_on(owner: Any, function: Callable[[Any], bool]) -> bool:
    """Run *function* on *owner*; return whether it is to be run again."""
    try:
        return owner is not None and function(owner)
    except BaseException as error:  # noqa: BLE001 (the other works must go on)
        what = f"{function.__qualname__}: {type(error).__name__}"
        text = f"work in the background failed ({what}) and is not done again"
        say_once(f"tick:{function.__qualname__}", text)
        return False


TICKS = Ticks()
"""Those of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=TICKS.before_fork,
        after_in_parent=TICKS.after_fork_in_parent,
        after_in_child=TICKS.after_fork,
    )
