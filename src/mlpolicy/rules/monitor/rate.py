"""How many events a second may be made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import count

from mlpolicy.core import clock
from mlpolicy.core.threads import Lock


class Rate:
    """Lets through so many events a second, after a burst; those left out are counted by *drops*."""

    def __init__(
        self,
        per_second: float,
        burst: float,
        drops: Sequence[Callable[[], object]],
        *,
        now: Callable[[], float] = clock.REAL,
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._lock = Lock()
        self._offers = count(1)
        self._out = (self._offers.__next__, *drops)
        """What counts one that is left out."""
        self._written = 0
        """The number of the offer that was taken last."""
        self._left = (burst, now())
        self._closed_until = -math.inf

    def take(self) -> int:
        """Return how many events one more stands for, 0 if it may not be written.

        It stands for itself, and for those left out before it.
        """
        now = self._now()
        if now >= self._closed_until and not self._lock.held():
            with self._lock:
                left, seen = self._left
                left = min(self._burst, left + (now - seen) * self._per_second)
                if left >= 1.0:
                    self._left = (left - 1.0, now)
                    offer = next(self._offers)
                    stands_for, self._written = offer - self._written, offer
                    return stands_for
                self._left = (left, now)
                self._closed_until = now + (1.0 - left) / self._per_second
        self.pass_over(1)
        return 0

    def pass_over(self, events: int) -> None:
        """Leave out so many: the next that is taken stands for them too."""
        for _ in range(events):
            for add in self._out:
                add()
