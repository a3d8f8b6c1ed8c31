"""Threads, locks and waiting: safe in finalizers, in signal handlers and in forked children.

A plain lock is none of it. The garbage collector and signal handlers run other code of the
same thread at nearly any line: where that comes back to a lock that the thread holds, it waits
for itself. And a child of a fork has the locks of threads that it does not have.

Threads are made of what the interpreter has in C. `threading.Thread` and `Event` are Python: a
policy on `Thread.start` or `Event.set` would be asked about our own work, and could wait for it.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from _thread import RLock, allocate_lock, get_ident, start_new_thread
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary, ref

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

    A turn gives the seconds to the next one. What it raises, or another thread sets, ends the
    thread; *failed* is told.
    A child of a fork has no such thread: whoever owns one starts another.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], float | None],
        failed: Callable[[BaseException], object] | None = None,
    ) -> None:
        self.name = name
        """Shown among the threads of the process; begins with `mlpolicy-`."""
        self._turn = turn
        self._failed = failed
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
        except BaseException as error:
            if self._failed is None:
                raise
            self._failed(error)
        finally:
            self._alive = False
            _running.discard(get_ident())
            # (up to 3.12 it would stay among the threads of the process for good)
            getattr(threading, "_active", {}).pop(get_ident(), None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)  # none of them is there


# --- live ----------------------------------------------------------------------------------

_K = TypeVar("_K")
_V = TypeVar("_V")


Home = tuple[str, str, str]
"""Where a live object lives: its target, its kind of rule, and its part there."""
_live: WeakValueDictionary[Home, Live] = WeakValueDictionary()


class Live:
    """Mixed into whatever a driver holds: pickling gives its home."""

    home: Home | None = None

    def settle(self, home: Home) -> None:
        """Give this object its home, once; later calls change nothing."""
        if self.home is None:
            self.home = home
            _live[home] = self

    @classmethod
    def idle(cls) -> Any:
        """Return what stands in where the policy is not in force: it lets everything go on."""
        return cls.__new__(cls)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        """Travel as a name."""
        home = self.home or ("", type(self).__name__, "")
        return revive, (*home, type(self).__module__, type(self).__qualname__)


def revive(target: str, kind: str, part: str, module: str, qualname: str) -> object:
    """Return the live object of that home in this process.

    Where the policy is not in force here, an idle one stands in: the function still works.
    """
    found = _live.get((target, kind, part))
    if found is not None:
        return found
    from mlpolicy.core.kind import load

    cls: Any = load(f"{module}:{qualname}")
    return cls.idle()


class Table(dict[_K, _V], Live):
    """A mapping that pickles by name, and can be a constant of drivers."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # (a constant of drivers)
    __reduce__ = Live.__reduce__  # (dict's own travels by content)


class Ring(deque[Any], Live):
    """A deque that pickles by name; its `append` is what a driver calls."""

    @classmethod
    def idle(cls) -> Any:
        """Return one that keeps nothing: nobody would ever empty it."""
        return cls(maxlen=0)

    __reduce__ = Live.__reduce__  # type: ignore[assignment]  # deque's own travels by content


class Ticker(itertools.count, Live):  # type: ignore[type-arg]  # a count of int
    """An exact counter under threads: `__next__` is one atomic step of the interpreter.

    The count is read from `repr`, the only way that does not move it and does not go away
    with `count.__reduce__` in Python 3.14.
    """

    def read(self) -> int:
        """Return how often it was advanced."""
        return int(itertools.count.__repr__(self)[len(type(self).__name__) + 1 : -1])

    __reduce__ = Live.__reduce__  # count's own travels by content


def new_ticker() -> Ticker:
    """Return a ticker at zero; type checkers take `Ticker()` for the `count` that it derives from."""
    made: Any = Ticker()
    ticker: Ticker = made
    return ticker
