"""One waiter that threads and coroutines alike can be woken through."""

from __future__ import annotations

import sys
from _thread import allocate_lock
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


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
        trio: Any = sys.modules.get("trio")
        if trio is not None and in_trio(trio):
            return await self._wait_trio(trio, at_most)
        return await self._wait_asyncio(at_most)

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


def in_trio(trio: Any) -> bool:
    """Tell whether it is trio that runs this coroutine, in a process that has imported it."""
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


async def sleep_async(seconds: float) -> None:
    """Sleep in the event loop that runs this coroutine: asyncio, or trio where it is running."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and in_trio(trio):
        await trio.sleep(seconds)
        return
    import asyncio

    await asyncio.sleep(seconds)


@asynccontextmanager
async def within(seconds: float | None) -> AsyncIterator[None]:
    """End what is awaited inside by `TimeoutError` when *seconds* are over; None for any time."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and in_trio(trio):
        with trio.move_on_after(float("inf") if seconds is None else seconds) as scope:
            yield
        if scope.cancelled_caught:
            raise TimeoutError
        return
    import asyncio

    async with asyncio.timeout(seconds):
        yield
