"""Threads, locks and waiting: safe in finalizers, in signal handlers and in forked children.

A plain lock is none of it. The garbage collector and signal handlers run other code of the
same thread at nearly any line: where that comes back to a lock that the thread holds, it waits
for itself. And a child of a fork has the locks of threads that it does not have.

Threads are made of what the interpreter has in C. `threading.Thread` and `Event` are Python: a
policy on `Thread.start` or `Event.set` would be asked about our own work, and could wait for it.
"""

from __future__ import annotations

import os
import sys
import threading
from _thread import RLock, allocate_lock, get_ident, start_new_thread
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class Forked(Generic[T]):
    """Objects that a child of a fork mends before anything else runs in it; held weakly."""

    def __init__(self, mend: Callable[[T], object]) -> None:
        self._known: set[ref[T]] = set()
        self._mend = mend
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.mend_all)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, one: T) -> None:
        """Have *one* mended in children, until it is gone."""
        self._known.add(ref(one, self._known.discard))

    def mend_all(self) -> None:
        """Mend what lives."""
        for reference in self._known.copy():  # (one step: collecting garbage changes it meanwhile)
            one = reference()
            if one is not None:
                self._mend(one)


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


class Waiter:
    """Something a call waits for; its owner wakes it once, from any thread.

    A thread calls `wait`, a coroutine of asyncio or trio awaits `wait_async`; both give True
    when woken and False when the time ran out.
    A waiter serves any number of callers and stays woken.
    No lock guards it: whoever waits leaves a call that wakes it, and looks once more.
    """

    __slots__ = ("_calls", "woken")

    def __init__(self) -> None:
        self.woken = False
        self._calls: deque[Callable[[], object]] = deque()

    def wake(self) -> None:
        """Let every present and future waiter go on."""
        self.woken = True
        while True:
            try:
                call = self._calls.popleft()
            except IndexError:
                return
            call()

    def wait(self, at_most: float | None = None) -> bool:
        """Block this thread until woken, *at_most* seconds."""
        gate = allocate_lock()
        gate.acquire()
        self._calls.append(gate.release)
        try:
            return self.woken or gate.acquire(timeout=-1 if at_most is None else max(at_most, 0.0))
        finally:
            self._forget(gate.release)

    async def wait_async(self, at_most: float | None = None) -> bool:
        """Await being woken, *at_most* seconds; cancellation leaves nothing behind."""
        if self.woken:
            return True
        trio = running_trio()
        return await (self._wait_trio(trio, at_most) if trio else self._wait_asyncio(at_most))

    async def _wait_asyncio(self, at_most: float | None) -> bool:
        import asyncio

        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not future.done():
                future.set_result(None)

        def call() -> None:
            try:
                loop.call_soon_threadsafe(settle)
            except RuntimeError:  # the loop was closed while we waited
                return

        self._calls.append(call)
        try:
            # (`wait_for` of 3.11 loses a cancellation that comes with the result)
            async with asyncio.timeout(at_most):
                if not self.woken:
                    await future
        except TimeoutError:
            return self.woken
        finally:
            self._forget(call)
        return True

    async def _wait_trio(self, trio: Any, at_most: float | None) -> bool:
        event, token = trio.Event(), trio.lowlevel.current_trio_token()

        def call() -> None:
            try:
                token.run_sync_soon(event.set)
            except trio.RunFinishedError:
                return

        self._calls.append(call)
        try:
            with trio.move_on_after(float("inf") if at_most is None else max(at_most, 0.0)):
                if not self.woken:
                    await event.wait()
        finally:
            self._forget(call)
        return self.woken

    def _forget(self, call: Callable[[], object]) -> None:
        try:
            self._calls.remove(call)
        except ValueError:  # it was called
            return


def running_trio() -> Any:
    """Return trio, if it is that which runs this coroutine, else None."""
    trio: Any = sys.modules.get("trio")
    try:
        return trio if trio is not None and trio.lowlevel.current_task() else None
    except RuntimeError:
        return None


async def sleep_async(seconds: float) -> None:
    """Sleep in the event loop that runs this coroutine: asyncio, or trio where it is running."""
    trio = running_trio()
    if trio:
        await trio.sleep(seconds)
        return
    import asyncio

    await asyncio.sleep(seconds)


@asynccontextmanager
async def within(seconds: float | None) -> AsyncIterator[None]:
    """End what is awaited inside by `TimeoutError` when *seconds* are over; None for any time."""
    trio = running_trio()
    if trio:
        with trio.move_on_after(float("inf") if seconds is None else seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise TimeoutError
        return
    import asyncio

    async with asyncio.timeout(seconds):
        yield


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
        """Start the thread, once; RuntimeError where none can be had."""
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
