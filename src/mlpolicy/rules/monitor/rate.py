"""How many events a function may write, however many fail at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from mlpolicy.core import clock
from mlpolicy.core.lock import Lock


class Rate:
    """Lets through so many a second, after a burst."""

    def __init__(
        self, per_second: float, burst: float, *, now: Callable[[], float] = clock.now
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._lock = Lock()
        self._offers = count(1)
        self._written = 0
        """The number of the offer that was taken last."""
        self._left = (burst, now())

    def take(self) -> int:
        """Return how many events one more stands for: itself, and those left out before it.

        0 says that it may not be written.
        """
        if self._lock.held():
            next(self._offers)
            return 0
        with self._lock:
            offer, now = next(self._offers), self._now()
            left, seen = self._left
            left = min(self._burst, left + (now - seen) * self._per_second)
            if left < 1.0:
                self._left = (left, now)
                return 0
            self._left = (left - 1.0, now)
            stands_for, self._written = offer - self._written, offer
            return stands_for

    def pass_over(self, events: int) -> None:
        """Leave out so many: the next that is taken stands for them too."""
        for _ in range(events):
            next(self._offers)
