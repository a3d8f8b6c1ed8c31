"""The least and the greatest number allowed, and whether one thing is within them."""

from __future__ import annotations

import cmath
import math
from decimal import Decimal
from numbers import Complex, Real
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.rules.validate.checks.classes import is_moment, is_of


class Bounds:
    """The least and the greatest number allowed, and whether NaN and infinity are."""

    __slots__ = ("finite", "high", "low")

    def __init__(self, low: float | None, high: float | None, *, finite: bool) -> None:
        self.low = -math.inf if low is None else low
        self.high = math.inf if high is None else high
        self.finite = finite

    @property
    def ranged(self) -> bool:
        """Whether there is an end, so that NaN is outside."""
        return self.low > -math.inf or self.high < math.inf

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that a number may break."""
        if self.finite:
            return ("range", "finite") if self.ranged else ("finite",)
        return ("range",)

    def admits(self, value: Any) -> bool:
        """Whether *value*, one number, is within; NaN never is."""
        if isinstance(value, Decimal) and value.is_nan():  # which raises when it is compared
            return False
        within = self.low <= value <= self.high
        return bool(within and (not self.finite or -math.inf < value < math.inf))

    def takes(self, value: Any) -> bool:
        """Whether *value*, one thing, is a number within; times are finite and in no range."""
        cls = type(value)
        if is_number(cls):
            return self.admits(value)
        if self.ranged:
            return False
        return not is_nat(value) if is_moment(cls) else is_complex(cls) and cmath.isfinite(value)

    def wrong(self, value: Any) -> str:
        """Return the name of the setting that *value*, which is outside, breaks."""
        if not (self.finite and self.ranged):
            return "finite" if self.finite else "range"
        infinite = issubclass(type(value), Real) and not -math.inf < value < math.inf
        return "finite" if infinite else "range"

    def among(self, least: int, greatest: int) -> Bounds | None:
        """Return the bounds as whole numbers from *least* to *greatest*; None if none is within.

        An end beyond all elements is no number of a narrow dtype, and might wrap around there.
        """
        if self.low > greatest or self.high < least:
            return None
        low = least if self.low <= least else math.ceil(self.low)
        high = greatest if self.high >= greatest else math.floor(self.high)
        return Bounds(low, high, finite=False)

    def within(self, values: Any) -> Any:
        """Return for each of *values*, an array of numbers, whether it is within.

        One mask is made at a time: an array may be as large as the memory allows.
        """
        above = self.finite and self.low == -math.inf
        inside = values > self.low if above else values >= self.low
        below = self.finite and self.high == math.inf
        inside &= values < self.high if below else values <= self.high
        return inside

    def __str__(self) -> str:
        """Return what is expected, for a message."""
        if self.high == math.inf:
            return f"at least {self.low}" if self.low > -math.inf else "a finite number"
        return (
            f"between {self.low} and {self.high}"
            if self.low > -math.inf
            else f"at most {self.high}"
        )


@frozen()
class Outside:
    """The first thing in a value that is outside of its bounds."""

    steps: tuple[tuple[int, ...], ...]
    """The indexes that lead to it from the value."""
    value: Any
    more: int = 0
    """How many others are outside."""


_PLAIN_NUMBERS = frozenset((int, float))


def is_number(cls: type) -> bool:
    """Whether *cls* is one of real numbers; truth values and durations are none."""
    if cls in _PLAIN_NUMBERS:
        return True
    return issubclass(cls, Real | Decimal) and not (is_of(cls, "bool") or is_moment(cls))


def is_complex(cls: type) -> bool:
    """Whether *cls* is one of numbers that have no order."""
    return issubclass(cls, Complex) and not issubclass(cls, Real)


def is_nat(moment: Any) -> bool:
    """Whether a date, a time or a duration is none: `NaT`, which does not equal itself."""
    return bool(moment != moment)  # noqa: PLR0124 (numpy's and pandas' have nothing else in common)


def all_within(values: Any, bounds: Bounds) -> bool:
    """Whether a flat sequence holds plain numbers only, all within; False may be wrong.

    The sum tells of a NaN, which `min` and `max` may pass over.
    """
    if not values:
        return True
    if not _PLAIN_NUMBERS.issuperset(map(type, values)):
        return False
    if math.isnan(sum(values)):
        return False
    return bounds.admits(min(values)) and bounds.admits(max(values))
