"""How long to pause before the next attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from mlpolicy.core import chance

Growth = Literal["exponential", "constant", "linear"]
Jitter = Literal["full", "equal", "decorrelated", "none"]
Random = Callable[[], float]
"""Gives a number from 0 to below 1."""

_DECORRELATED = 3.0
"""How far a decorrelated pause may exceed the one before, as in the article that named it."""

_COUNTED = 1000
"""Pauses that are added one by one."""

_TABLE = 12
"""Attempts whose bounds are computed beforehand; hardly any rule has more."""


class Backoff:
    """The pauses between attempts: how they grow, and how chance spreads them."""

    __slots__ = (
        "_bounds",
        "_growth",
        "_initial",
        "_jitter",
        "_longest",
        "_multiplier",
        "_random",
        "pause",
    )

    def __init__(
        self,
        growth: Growth,
        jitter: Jitter,
        *,
        initial: float,
        multiplier: float,
        longest: float,
        draw: Random = chance.draw,
    ) -> None:
        self._growth = growth
        self._jitter = jitter
        self._initial = initial
        self._multiplier = multiplier
        self._longest = longest
        self._random = draw
        self._bounds = tuple(self._bound(attempt) for attempt in range(_TABLE))
        spread = {
            "full": self._full,
            "equal": self._equal,
            "decorrelated": self._decorrelated,
            "none": self._exact,
        }
        self.pause: Callable[..., float] = spread[jitter]
        """Gives the pause after that attempt; the second argument is the pause before, 0 if none."""

    def bound(self, attempt: int) -> float:
        """Return the longest that the pause after that attempt (1 is the first) can be."""
        return self._bounds[attempt] if attempt < _TABLE else self._bound(attempt)

    def _bound(self, attempt: int) -> float:
        if self._jitter == "decorrelated":
            return self._grown(_DECORRELATED, attempt)
        if self._growth == "exponential":
            return self._grown(self._multiplier, attempt - 1)
        steps = attempt if self._growth == "linear" else 1
        return min(self._longest, self._initial * steps)

    def _grown(self, factor: float, times: int) -> float:
        try:
            return min(self._longest, self._initial * factor**times)
        except OverflowError:
            return self._longest if self._initial else 0.0

    def _full(self, attempt: int, _: float = 0.0) -> float:
        bound = self._bounds[attempt] if attempt < _TABLE else self._bound(attempt)
        return bound * self._random()

    def _equal(self, attempt: int, _: float = 0.0) -> float:
        return self.bound(attempt) / 2 * (1 + self._random())

    def _decorrelated(self, _: int, before: float = 0.0) -> float:
        highest = max(self._initial, before) * _DECORRELATED
        drawn = self._initial + self._random() * (highest - self._initial)
        return min(self._longest, drawn)

    def _exact(self, attempt: int, _: float = 0.0) -> float:
        return self._bounds[attempt] if attempt < _TABLE else self._bound(attempt)

    def later(self, asked: float, attempt: int, before: float = 0.0) -> float:
        """Return *asked*, the pause that a server asks for, spread upward only.

        It is never shorter than the pause that would be made without: the clocks may differ.
        """
        spread = 0.0 if self._jitter == "none" else self.bound(attempt) * self._random()
        return max(asked + spread, self.pause(attempt, before))

    def worst(self, attempts: int, *, asked: float = 0.0) -> float:
        """Return the longest that all pauses of so many attempts can be together.

        Args:
            attempts: All calls, the first one too.
            asked: The longest pause that a server may ask for each time.
        """
        # What grows has reached the longest by then, or never will.
        counted = min(attempts, _COUNTED)
        total = sum(self._longest_after(attempt, asked) for attempt in range(1, counted))
        return total + (attempts - counted) * self._longest_after(counted, asked)

    def _longest_after(self, attempt: int, asked: float) -> float:
        own = self.bound(attempt)
        if asked and self._jitter == "decorrelated":
            own = self._longest  # (it grows from the pause before, which was asked for)
        return max(own, asked) if self._jitter == "none" else own + asked
