"""Numbers within bounds: single ones, those of a sequence, those of an array."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from numbers import Real
from typing import Any

from mlpolicy.rules.validate.checks import arrays
from mlpolicy.rules.validate.checks.classes import (
    comes_from,
    is_array,
    is_of,
    is_sequence,
    is_traced,
)
from mlpolicy.rules.validate.look import Index, Look, Where
from mlpolicy.rules.validate.shown import number, typed

Steps = tuple[Index, ...]


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

    def admits(self, value: Any) -> bool:
        """Whether *value*, one number, is within; NaN never is."""
        if isinstance(value, Decimal) and value.is_nan():  # which raises when it is compared
            return False
        within = self.low <= value <= self.high
        return bool(within and (not self.finite or -math.inf < value < math.inf))

    def wrong(self, value: Any) -> str:
        """Return the name of the setting that *value*, which is outside, breaks."""
        infinite = isinstance(value, float) and not math.isfinite(value)
        return "finite" if self.finite and (infinite or not self.ranged) else "range"

    def __str__(self) -> str:
        """Return what is expected, for a message."""
        if self.high == math.inf:
            return f"at least {self.low}" if self.low > -math.inf else "a finite number"
        return (
            f"between {self.low} and {self.high}"
            if self.low > -math.inf
            else f"at most {self.high}"
        )


class BoundsCheck:
    """The number, or every number in the value, is within bounds: `range` and `finite`."""

    name = "range"

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds

    def names(self) -> Iterator[str]:
        """Yield the settings that may fail."""
        yield from ("range",) if self.bounds.ranged else ()
        yield from ("finite",) if self.bounds.finite else ()

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*; of many numbers outside, the first is shown and the rest counted."""
        if is_traced(value.__class__):
            return
        outside = self._outside(value)
        first = next(outside, None)
        if first is not None:
            steps, found = first
            self.fail(found, _place(where, steps), look, more=sum(1 for _ in outside))

    def passes(self, value: Any) -> bool:
        """Whether no number of *value* is outside."""
        return next(self._outside(value), None) is None

    def admits(self, value: Any) -> bool:
        """Whether *value*, one thing, is a number within."""
        if isinstance(value, complex) and not self.bounds.ranged:
            return cmath.isfinite(value)
        return is_number(value) and self.bounds.admits(value)

    def fail(self, found: Any, where: Where, look: Look, *, more: int) -> None:
        """Say that *found* is outside, and how many more are."""
        others = f" (and {more} more)" if more else ""
        if not (is_number(found) or isinstance(found, complex)):
            name = next(self.names())
            look.fail(where, name, found=typed(found) + others, expected="a number")
            return
        name = self.bounds.wrong(found)
        expected = "a finite number" if name == "finite" else str(self.bounds)
        look.fail(where, name, found=number(found) + others, expected=expected)

    def _outside(self, value: Any) -> Iterator[tuple[Steps, Any]]:
        """Yield the steps to each number that is outside, and the number."""
        value = as_array(value)
        if is_array(value.__class__):
            yield from arrays.outside(value, self.bounds)
        elif is_sequence(value.__class__):
            if not self._all_within(value):
                for at, item in enumerate(value):
                    yield from (((at, *steps), found) for steps, found in self._outside(item))
        elif not self.admits(value):
            yield (), value

    def _all_within(self, value: Any) -> bool:
        try:
            return all_within(value, self.bounds)
        except (TypeError, ValueError, OverflowError):
            return False


def _place(where: Where, steps: Steps) -> Where:
    for step in steps:
        where = (where, step)
    return where


def is_number(value: Any) -> bool:
    """Whether *value* is one real number; a truth value is none."""
    return isinstance(value, Real | Decimal) and not is_of(value.__class__, "bool")


def as_array(value: Any) -> Any:
    """Return a column or a table as the array that it can be read as, anything else as it is."""
    if comes_from(value.__class__, "pandas", "polars", "pyarrow"):
        convert: Callable[[], Any] | None = getattr(value, "to_numpy", None)
        return convert() if convert else value
    return value


_PLAIN_NUMBERS = frozenset((int, float))


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
