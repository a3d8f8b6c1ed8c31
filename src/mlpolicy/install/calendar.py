"""Rules end with their day in a process that goes on: somebody must look at the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from mlpolicy.core.threads import Background, Forked

LONGEST = 3600.0
"""Seconds between two looks: clocks are set, and machines sleep."""


class Calendar:
    """Calls *work* once, soon after a moment has come; a fork waits for it too."""

    def __init__(self, moment: datetime, work: Callable[[], None]) -> None:
        self._moment = moment
        self._work = work
        self._stopped = False
        self._begin()
        _waiting.add(self)

    def _begin(self) -> None:
        self._thread = Background("mlpolicy-calendar", self._turn)
        self._thread.start()

    def _turn(self) -> float | None:
        """Look at the clock; return the seconds until the next look, None after the last."""
        if self._stopped:
            return None
        left = (self._moment - datetime.now(UTC)).total_seconds()
        if left <= 0:
            self._work()
            return None
        return min(left, LONGEST)

    def stop(self) -> None:
        """Wait no longer."""
        self._stopped = True
        self._thread.sooner()

    def again(self) -> None:
        """Wait on in a child of a fork, where the thread is gone."""
        if not self._stopped:
            self._begin()


_waiting = Forked(Calendar.again)
