"""What a driver needs from outside: a clock, and two ways to sleep.

On the thread of an event loop a plain function that sleeps stops all else.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mlpolicy.core import clock
from mlpolicy.core.frozen import frozen
from mlpolicy.core.live import Live
from mlpolicy.core.report import say_once
from mlpolicy.core.waiting import Waiter, in_trio, sleep_async, within


@frozen()
class World:
    """The clock in seconds, and how a thread and a coroutine sleep."""

    now: Callable[[], float] = clock.now
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = sleep_async
    within: Callable[[float | None], AbstractAsyncContextManager[object]] = within
    """Ends what is awaited inside by `TimeoutError` when so many seconds are over."""
    wait: Callable[[Waiter, float], bool] | None = None
    """How a call waits to be woken, where it must not wait for real; threads and coroutines alike."""


REAL = World()


class Pause(Live):
    """Sleeps, and says once of a function that its pauses block an event loop."""

    target = ""
    sleep: Callable[[float], None] = time.sleep

    def __init__(self, target: str, sleep: Callable[[float], None]) -> None:
        self.target = target
        self.sleep = sleep

    def __call__(self, seconds: float) -> None:
        """Sleep for *seconds*."""
        self._look()
        self.sleep(seconds)

    def wait(self, waiter: Waiter, at_most: float | None) -> bool:
        """Wait to be woken, *at_most* seconds."""
        self._look()
        return waiter.wait(at_most)

    def _look(self) -> None:
        if self.target and _in_loop():
            say_once(
                f"blocking:{self.target}",
                f"{self.target} pauses the thread of an event loop, and all other tasks with it: "
                "make it asynchronous, or call it by `asyncio.to_thread`",
            )


def _in_loop() -> bool:
    """Tell whether this thread runs the event loop of asyncio or trio."""
    asyncio: Any = sys.modules.get("asyncio")
    trio: Any = sys.modules.get("trio")
    try:
        if asyncio is not None and asyncio._get_running_loop() is not None:
            return True
        return trio is not None and in_trio(trio)
    except AttributeError:  # a module of that name that is another, or not there yet
        return False
