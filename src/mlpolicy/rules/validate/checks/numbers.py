"""Every number in a value within bounds: single ones, those of sequences, arrays and tables.

Of an array at most two reductions are asked for, and one pass more if an element is outside.
Nothing of numpy, jax or torch is imported: the value brings its own methods.
"""

from __future__ import annotations

import cmath
import math
import operator
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from numbers import Complex, Real
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.rules.validate.checks import dtypes
from mlpolicy.rules.validate.checks.classes import (
    comes_from,
    is_array,
    is_dataframe,
    is_moment,
    is_of,
    is_sequence,
    is_torch,
    made_by,
    offers,
    paths,
)


class Bounds:
    """The least and the greatest number allowed, and whether NaN and infinity are."""

    __slots__ = ("finite", "high", "low", "ranged")

    def __init__(self, low: float | None, high: float | None, *, finite: bool) -> None:
        self.low = -math.inf if low is None else low
        self.high = math.inf if high is None else high
        self.finite = finite
        self.ranged = self.low > -math.inf or self.high < math.inf
        """Whether there is an end, so that NaN is outside."""

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
        if is_moment(cls):
            return bool(value == value)  # noqa: PLR0124 (`NaT` alone does not equal itself)
        return is_complex(cls) and cmath.isfinite(value)

    def setting(self, value: Any) -> str:
        """Return the name of the setting that *value*, which is outside, breaks."""
        infinite = issubclass(type(value), Real) and not -math.inf < value < math.inf
        return "finite" if self.finite and (infinite or not self.ranged) else "range"

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
        if not self.ranged:
            return "a finite number"
        if self.high == math.inf:
            return f"at least {self.low}"
        return (
            f"at most {self.high}"
            if self.low == -math.inf
            else f"between {self.low} and {self.high}"
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


def all_within(values: Any, bounds: Bounds) -> bool:
    """Whether a flat sequence holds plain numbers only, all within; False may be wrong.

    The sum tells of a NaN, which `min` and `max` may pass over.
    """
    if not values:
        return True
    if not _PLAIN_NUMBERS.issuperset(map(type, values)):
        return False
    try:
        total = sum(values)
    except OverflowError:  # (of whole numbers that no float holds, and of one)
        return False
    return total == total and bounds.admits(min(values)) and bounds.admits(max(values))  # noqa: PLR0124 (NaN alone differs from itself)


def outside(value: Any, bounds: Bounds) -> Outside | None:
    """Return the first thing in *value* that is no number within *bounds*, if one is."""
    cls = type(value)
    if not is_number(cls):
        if is_column(cls):
            return outside_column(value, bounds, with_nulls=True)
        if comes_from(cls, *_LIBRARIES) and (is_dataframe(cls) or offers(cls, "num_columns")):
            return _in_table(value, bounds)
        if is_array(cls):
            return _in_array(value, bounds)
        if is_sequence(cls):
            return None if all_within(value, bounds) else _first(_in_items(value, bounds))
    return None if bounds.takes(value) else Outside((), value)


def _first(found: Iterable[Outside]) -> Outside | None:
    """Return the first of all that is outside, with the number of the others."""
    each = iter(found)
    first = next(each, None)
    return first and Outside(first.steps, first.value, first.more + sum(1 + x.more for x in each))


def _in_items(values: Any, bounds: Bounds) -> Iterator[Outside]:
    for at, item in enumerate(values):
        found = outside(item, bounds)
        if found is not None:
            yield Outside(((at,), *found.steps), found.value, found.more)


def _in_table(table: Any, bounds: Bounds) -> Outside | None:
    """Look at each column; the number of its row and of the column is where a number is."""
    if not offers(type(table), "iloc"):
        columns = table.columns if offers(type(table), "num_columns") else table.get_columns()
    elif all(made_by(type(one)) == "numpy" and one.kind in "iuf" for one in set(table.dtypes)):
        # One array of numbers at once: a table may have thousands of columns.
        return _in_array(table.to_numpy(), bounds)
    else:
        columns = (table.iloc[:, at] for at in range(table.shape[1]))
    found = _first(_in_items(columns, bounds))
    if found is None:
        return None
    [(at,), (row,)] = found.steps
    return Outside(((row, at),), found.value, found.more)


# --- arrays ----------------------------------------------------------------------------

_REDUCIBLE = "biuf"
"""Kinds of numpy dtypes whose least and greatest element tell of NaN and of every number."""
_LARGEST = {"float16": 65504.0, "float32": 3.4028234663852886e38}
"""The greatest number of a float; those of others are made without a warning."""


def _in_array(value: Any, bounds: Bounds) -> Outside | None:
    if 0 in value.shape:
        return None
    masked = offers(type(value), "compressed")  # elements that a mask hides are not there
    data, hidden = (value.data, value.mask) if masked else (value, False)
    data, kind = _readable(data)
    if kind == "O":
        return _first(_in_objects(data, hidden, bounds))
    if kind not in _REDUCIBLE:
        return _located(data, hidden, _inside(data, kind, bounds))
    if not bounds.ranged and kind != "f":
        return None
    of_torch = is_torch(type(data))
    ends = data.aminmax() if of_torch else (data.min(), data.max())
    least, greatest = map(_plain, ends)
    if kind == "f":
        fit: Bounds | None = _fitted(bounds, data if of_torch else value)
    else:
        fit = bounds.among(least, greatest)
    if fit is None:
        return _located(data, hidden, None)
    if fit.admits(least) and fit.admits(greatest):
        return None
    return _located(data, hidden, fit.within(data))


def _readable(data: Any) -> tuple[Any, str]:
    """Return *data* in a dtype that has reductions and holds all its numbers, and its kind."""
    dtype = data.dtype
    if not is_torch(type(data)):
        kind = getattr(dtype, "kind", "")
        if kind == "V" and "numpy.void" not in paths(dtype.type):  # a bfloat16, not a record
            return data.astype("float32"), "f"
        return data, kind
    data = data.detach()
    if data.is_complex():
        return data, "c"
    if data.is_floating_point():
        return (data.half() if dtype.itemsize == 1 else data), "f"
    if str(dtype) == "torch.bool":
        return data.byte(), "b"
    return (data.long() if dtype.itemsize in (2, 4) and not dtype.is_signed else data), "i"


def _inside(value: Any, kind: str, bounds: Bounds) -> Any:
    """Return for each element, none of which is a real number, whether it is within *bounds*."""
    if bounds.ranged or kind not in "cMm":
        return None
    if kind in "Mm":
        return operator.eq(value, value)  # (NaT does not equal itself)
    if is_torch(type(value)):
        return value.isfinite()
    inside = bounds.within(value.real)
    inside &= bounds.within(value.imag)
    return inside


def _located(value: Any, hidden: Any, inside: Any) -> Outside | None:
    """Return the first element that is not *inside*, in one pass; None if none is.

    Where *inside* is None, all are outside.
    """
    if getattr(hidden, "shape", ()):
        inside = hidden if inside is None else inside | hidden
    if inside is None:
        index, count = (0,) * len(value.shape), math.prod(value.shape)
    else:
        wrong = ~inside
        row = wrong.flatten().byte() if is_torch(type(wrong)) else wrong
        index, count = _unravel(int(row.argmax()), tuple(value.shape)), int(wrong.sum())
    return Outside((index,) if index else (), _plain(value[index]), count - 1) if count else None


def _plain(element: Any) -> Any:
    """Return an element as Python has it; a time stays what it is, for those may be numbers."""
    cls = type(element)
    has_item = is_torch(cls) or (offers(cls, "item") and not is_moment(cls))
    return element.item() if has_item else element


def fitted(bound: float, dtype: Any) -> Any:
    """Return *bound* as the floats of *dtype* hold it; one beyond all of them bounds nothing.

    A float32 of 0.1 is a little more than 0.1, and within a range that ends there.
    """
    infinite = math.inf if bound > 0 else -math.inf
    if abs(bound) > _LARGEST.get(dtype.name, sys.float_info.max):
        return infinite
    found = dtype.type(bound)
    return infinite if found != found else found  # noqa: PLR0124 (as some have no infinity)


def comparable(dtype: Any, bounds: Bounds) -> bool:
    """Whether elements of *dtype* can be compared with *bounds* as they stand.

    A bound that a float16 cannot hold would overflow, with a warning, at each call; a whole
    number would be compared with a large float as a float, which may equal it or not.
    """
    ends = [end for end in (bounds.low, bounds.high) if abs(end) != math.inf]
    if dtype.kind == "f":
        return all(abs(fitted(end, dtype)) != math.inf for end in ends)
    if any(isinstance(end, float) and abs(end) > 2**53 for end in ends):
        return False
    return dtype.kind in _REDUCIBLE


def _fitted(bounds: Bounds, value: Any) -> Bounds:
    """Return *bounds* as the floats of *value* hold them."""
    ends = [bounds.low, bounds.high]
    for at, end in enumerate(ends):
        if not is_torch(type(value)):
            ends[at] = float(fitted(end, value.dtype))
        elif abs(end) > sys.float_info.max:
            ends[at] = math.inf if end > 0 else -math.inf
        else:
            ends[at] = float(value.new_tensor(float(end), device="cpu").item())
    return Bounds(*ends, finite=bounds.finite)


def _unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of the element that is at *flat* when all are in a row."""
    index: list[int] = []
    for length in reversed(shape):
        flat, at = divmod(flat, length)
        index.append(at)
    return tuple(reversed(index))


def _in_objects(value: Any, hidden: Any, bounds: Bounds) -> Iterator[Outside]:
    """Look at every element of an array of objects."""
    elements = list(value.flat)
    if all_within(elements, bounds):
        return
    is_hidden = hidden.flat if getattr(hidden, "shape", ()) else (False,) * len(elements)
    for at, element in enumerate(elements):
        if not (bounds.takes(element) or is_hidden[at]):
            index = _unravel(at, tuple(value.shape))
            yield Outside((index,) if index else (), element)


# --- columns ---------------------------------------------------------------------------

_LIBRARIES = ("pandas", "polars", "pyarrow")


def is_column(cls: type) -> bool:
    """Whether *cls* is a column, an index or an array of pandas, polars or pyarrow."""
    if not comes_from(cls, *_LIBRARIES):
        return False
    if offers(cls, "isna"):
        return is_array(cls)
    return offers(cls, "null_count") and (offers(cls, "dtype") or offers(cls, "type"))


def dtype_of(value: Any) -> Any:
    """Return the dtype object of an array or a column, None for what has none."""
    dtype = getattr(value, "dtype", None)
    return value.type if dtype is None and is_column(type(value)) else dtype


def nulls(column: Any) -> Any:
    """Return for each row whether it is null, as an array of numpy; in pandas alone NaN is."""
    return _as_numpy(column.isna() if offers(type(column), "isna") else column.is_null())


def count_nulls(column: Any) -> int:
    """Return how many nulls are in *column*."""
    if offers(type(column), "isna"):
        return int(column.isna().sum())
    count: Any = column.null_count
    number: Any = count() if callable(count) else count
    return int(number)


def without_nulls(column: Any) -> Any:
    """Return *column* less its nulls."""
    names = ("dropna", "drop_nulls", "drop_null")
    return getattr(column, next(name for name in names if offers(type(column), name)))()


def values_of(column: Any) -> Iterator[Any]:
    """Yield the elements of *column* as plain values."""
    for element in column:
        yield element.as_py() if made_by(type(element)) == "pyarrow" else element


def holds_nothing(column: Any) -> bool:
    """Whether *column* has no value, and the dtype that its library gives for want of one.

    Which dtype is asked for says nothing then: a batch in which a feature is empty is common.
    """
    if not is_column(type(column)):
        return False
    dtype = dtype_of(column)
    # (pandas takes what has no value, in a file or in an empty list, for floats)
    floats = offers(type(column), "isna") and dtypes.same("float64", dtype)
    unsaid = floats or dtypes.canonical(dtype) in ("object", "null")
    return unsaid and count_nulls(column) == len(column)


def outside_column(column: Any, bounds: Bounds, *, with_nulls: bool) -> Outside | None:
    """Return the first row of *column* that is outside *bounds*, if one is.

    A null is outside *with_nulls*; else it is passed over.
    """
    if with_nulls and made_by(type(dtype_of(column))) == "numpy":
        return _in_array(_as_numpy(column), bounds)
    count = count_nulls(column)
    found = _in_present(without_nulls(column) if count else column, bounds)
    if not count:
        return found
    empty = nulls(column)
    first = [Outside(((int(empty.argmax()),),), None, count - 1)] if with_nulls else []
    if found is not None:
        [(at,)] = found.steps
        row = int((~empty).nonzero()[0][at])
        first.append(Outside(((row,),), found.value, found.more))
    return _first(sorted(first, key=lambda one: one.steps))


def _in_present(column: Any, bounds: Bounds) -> Outside | None:
    """Look at a column without nulls."""
    if not len(column):
        return None
    if dtypes.is_moment(dtype_of(column)):
        first = next(values_of(column))
        return Outside(((0,),), first, len(column) - 1) if bounds.ranged else None
    return _in_array(_as_numpy(column), bounds)


def _as_numpy(column: Any) -> Any:
    cls = type(column)
    if made_by(cls) == "pyarrow" and not offers(cls, "num_chunks"):
        return column.to_numpy(zero_copy_only=False)
    return column.to_numpy() if offers(cls, "to_numpy") else column
