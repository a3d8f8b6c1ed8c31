"""How many events a function may write, however many fail at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mlpolicy.core import clock


class Rate:
    """Lets through so many a second, after a burst."""

    def __init__(
        self, per_second: float, burst: float, *, now: Callable[[], float] = clock.now
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._lock = threading.Lock()
        self._left = burst
        self._seen = now()

    def allows(self) -> bool:
        """Whether one more may be written."""
        with self._lock:
            now = self._now()
            self._left = min(self._burst, self._left + (now - self._seen) * self._per_second)
            self._seen = now
            if self._left < 1.0:
                return False
            self._left -= 1.0
            return True
