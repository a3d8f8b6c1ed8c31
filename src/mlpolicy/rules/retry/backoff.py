"""How long to pause before the next attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from mlpolicy.core import chance

if TYPE_CHECKING:
    from mlpolicy.rules.retry.rule import RetryRule

Growth = Literal["exponential", "constant", "linear"]
Jitter = Literal["full", "equal", "decorrelated", "none"]
Random = Callable[[], float]
"""Gives a number from 0 to below 1."""

_DECORRELATED = 3.0
"""How far a decorrelated pause may exceed the one before, as in the article that named it."""
_COUNTED = 1000
"""Pauses that are added one by one."""
TABLED: Final = 100
"""Attempts whose bounds are computed beforehand; hardly any rule has more."""


class Backoff:
    """The pauses between attempts: how they grow, and how chance spreads them."""

    def __init__(self, rule: RetryRule, draw: Random = chance.draw) -> None:
        self._growth = rule.backoff
        self._jitter = rule.jitter
        self._initial = float(rule.initial_delay)
        self._multiplier = rule.multiplier
        self._longest = float(rule.max_delay)
        self._draw = draw
        self.bounds: tuple[float, ...] = ()
        """The longest that the pause after each of the first attempts can be."""
        self.bounds = tuple(map(self.bound, range(min(rule.max_attempts, TABLED) + 1)))

    def bound(self, attempt: int) -> float:
        """Return the longest that the pause after that attempt (1 is the first) can be."""
        if attempt < len(self.bounds):
            return self.bounds[attempt]
        if self._jitter != "decorrelated" and self._growth != "exponential":
            steps = attempt if self._growth == "linear" else 1
            return min(self._longest, self._initial * steps)
        try:
            if self._jitter == "decorrelated":
                return min(self._longest, self._initial * _DECORRELATED**attempt)
            return min(self._longest, self._initial * self._multiplier ** max(attempt - 1, 0))
        except OverflowError:
            return self._longest if self._initial else 0.0

    def pause(self, attempt: int, before: float = 0.0) -> float:
        """Return the pause after that attempt; *before* is the one before it, 0 if none was."""
        if self._jitter == "full":
            return self.bound(attempt) * self._draw()
        if self._jitter == "equal":
            return self.bound(attempt) / 2 * (1 + self._draw())
        if self._jitter == "none":
            return self.bound(attempt)
        highest = max(self._initial, before) * _DECORRELATED
        return min(self._longest, self._initial + self._draw() * (highest - self._initial))

    def later(self, asked: float, attempt: int, before: float = 0.0) -> float:
        """Return *asked*, the pause that a server asks for, spread upward only.

        It is never shorter than the pause that would be made without: the clocks may differ.
        """
        spread = 0.0 if self._jitter == "none" else self.bound(attempt) * self._draw()
        return max(asked + spread, self.pause(attempt, before))

    def worst(self, attempts: int, *, asked: float = 0.0) -> float:
        """Return the longest that all pauses between so many *attempts* can be together.

        A server may ask for *asked* seconds each time.
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
