"""What a driver needs from outside: a clock, and two ways to sleep."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from mlpolicy.core import clock
from mlpolicy.core.frozen import frozen
from mlpolicy.core.waiting import Waiter, sleep_async, within


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
