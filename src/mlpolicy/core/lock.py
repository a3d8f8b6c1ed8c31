"""The locks of mlpolicy: safe in finalizers, in signal handlers and in forked children.

A plain lock is none of it. The garbage collector and signal handlers run other code of the
same thread at nearly any line: where that comes back to a lock that the thread holds, it waits
for itself. And a child of a fork has the locks of threads that it does not have.
"""

from __future__ import annotations

from _thread import RLock
from typing import Any

from mlpolicy.core.forked import Forked


class Lock(RLock):  # type: ignore[misc]  # (a class, though typeshed has it final)
    """A lock that is asked, before it is taken, whether this very thread has it already.

        if self._lock.held():
            return  # by a finalizer or a signal handler: what this guards is half done
        with self._lock:
            ...

    Taken by `with` alone, as it is written in C: an exception of a signal handler cannot come
    between taking it and being bound to give it back. It may come anywhere in the block: what
    cannot stand half done is reset there.
    """

    torn = False
    """Whether a thread that this process does not have held it when the process was forked."""

    def __init__(self) -> None:
        _locks.add(self)

    def held(self) -> bool:
        """Return whether this thread has it."""
        own: Any = self
        return bool(own._is_owned())  # (typeshed does not know it, nor the next)

    def after_fork(self) -> None:
        """Be free in a forked child, unless its thread is within the block: it gives it back."""
        if self.held():
            self.torn = False
            return
        self.torn = not self.acquire(blocking=False)
        own: Any = self
        own._at_fork_reinit()


_locks = Forked(Lock.after_fork)
