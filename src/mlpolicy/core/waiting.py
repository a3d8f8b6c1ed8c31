"""One waiter that threads and coroutines alike can be woken through."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Waiter:
    """Something a call waits for; its owner wakes it once, from any thread.

    A thread calls `wait`, a coroutine awaits `wait_async`; both give True when woken and
    False when the time ran out.
    A waiter serves any number of callers and stays woken.
    """

    __slots__ = ("_callbacks", "_event", "_lock")

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []

    @property
    def woken(self) -> bool:
        """Whether `wake` was called."""
        return self._event.is_set()

    def wake(self) -> None:
        """Let every present and future waiter go on."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def wait(self, at_most: float | None = None) -> bool:
        """Block this thread until woken, *at_most* seconds."""
        return self._event.wait(at_most)

    async def wait_async(self, at_most: float | None = None) -> bool:
        """Await being woken, *at_most* seconds; cancellation leaves nothing behind."""
        import asyncio

        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not future.done():
                future.set_result(None)

        def call_back() -> None:
            try:
                loop.call_soon_threadsafe(settle)
            except RuntimeError:  # the loop was closed while we waited
                return

        if not self._subscribe(call_back):
            return True
        try:
            await asyncio.wait_for(future, at_most)
        except TimeoutError:
            return self.woken
        finally:
            self._unsubscribe(call_back)
        return True

    def _subscribe(self, callback: Callable[[], object]) -> bool:
        with self._lock:
            if self._event.is_set():
                return False
            self._callbacks.append(callback)
            return True

    def _unsubscribe(self, callback: Callable[[], object]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)
