"""Every number in a value within bounds: single ones, those of sequences, arrays and tables.

Of an array at most two reductions are asked for, and one pass more if an element is outside.
Nothing of numpy, jax or torch is imported: the value brings its own methods.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from mlpolicy.rules.validate.checks import dtypes
from mlpolicy.rules.validate.checks.bounds import Bounds, Outside, all_within, is_number
from mlpolicy.rules.validate.checks.classes import (
    comes_from,
    is_array,
    is_dataframe,
    is_moment,
    is_sequence,
    is_torch,
    made_by,
    offers,
    paths,
)


def outside(value: Any, bounds: Bounds) -> Outside | None:
    """Return the first thing in *value* that is no number within *bounds*, if one is."""
    cls = type(value)
    if not is_number(cls):
        if is_column(cls):
            return outside_column(value, bounds, with_nulls=True)
        if comes_from(cls, "pandas", "polars", "pyarrow") and (
            is_dataframe(cls) or offers(cls, "num_columns")
        ):
            return _in_table(value, bounds)
        if is_array(cls):
            return (outside_tensor if is_torch(cls) else outside_array)(value, bounds)
        if is_sequence(cls):
            return _in_sequence(value, bounds)
    return None if bounds.takes(value) else Outside((), value)


def _in_table(table: Any, bounds: Bounds) -> Outside | None:
    """Look at each column; the number of its row and of the column is where a number is."""
    of_pandas = offers(type(table), "iloc")
    # One array of numbers at once: a table may have thousands of columns.
    if of_pandas and all(
        made_by(type(dtype)) == "numpy" and dtype.kind in "iuf" for dtype in set(table.dtypes)
    ):
        return outside_array(table.to_numpy(), bounds)
    columns: Iterable[Any]
    if of_pandas:
        columns = (table.iloc[:, at] for at in range(table.shape[1]))
    else:
        columns = table.columns if offers(type(table), "num_columns") else table.get_columns()
    first, count = None, 0
    for at, column in enumerate(columns):
        found = outside_column(column, bounds, with_nulls=True)
        if found is not None:
            [(row,)] = found.steps
            first = first or Outside(((row, at),), found.value)
            count += 1 + found.more
    return first and Outside(first.steps, first.value, count - 1)


def _in_sequence(values: Any, bounds: Bounds) -> Outside | None:
    try:
        if all_within(values, bounds):
            return None
    except OverflowError:  # (the sum of whole numbers that no float holds, and of one)
        pass
    first, count = None, 0
    for at, item in enumerate(values):
        found = outside(item, bounds)
        if found is not None:
            first = first or Outside(((at,), *found.steps), found.value)
            count += 1 + found.more
    return first and Outside(first.steps, first.value, count - 1)


# --- arrays ----------------------------------------------------------------------------

REDUCIBLE = "biuf"
"""Kinds of numpy dtypes whose least and greatest element tell of NaN and of every number."""
_LARGEST = {"float16": 65504.0, "float32": 3.4028234663852886e38}
"""The greatest number of a float; those of others are made without a warning."""


def outside_array(value: Any, bounds: Bounds) -> Outside | None:
    """Return the first element of an array that is outside *bounds*, if one is."""
    if 0 in value.shape:
        return None
    masked = offers(type(value), "compressed")  # elements that a mask hides are not there
    data, hidden = (value.data, value.mask) if masked else (value, False)
    kind = getattr(data.dtype, "kind", "")
    if kind == "O":
        return _one_by_one(data, hidden, bounds)
    if kind == "V" and "numpy.void" not in paths(data.dtype.type):  # a bfloat16, not a record
        bounds = _fitted(bounds, data.dtype)
        data, kind = data.astype("float32"), "f"
    if kind not in REDUCIBLE:
        return _located(data, hidden, _inside(data, kind, bounds))
    if not bounds.ranged and kind != "f":
        return None
    least, greatest = _plain(data.min()), _plain(data.max())
    floats = data.dtype.kind == "f"
    fit = _fitted(bounds, data.dtype) if floats else bounds.among(least, greatest)
    if fit is None:
        return _located(data, hidden, None)
    if fit.admits(least) and fit.admits(greatest):
        return None
    return _located(data, hidden, fit.within(data))


def _inside(value: Any, kind: str, bounds: Bounds) -> Any:
    """Return for each element, none of which is a real number, whether it is within *bounds*."""
    if bounds.ranged or kind not in "cMm":
        return None
    if kind in "Mm":
        return operator.eq(value, value)  # (NaT does not equal itself)
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
        index, count = unravel(int(row.argmax()), tuple(value.shape)), int(wrong.sum())
    if not count:
        return None
    element = value[index]
    plain = element.item() if is_torch(type(value)) else _plain(element)
    return Outside((index,) if index else (), plain, count - 1)


def _plain(element: Any) -> Any:
    """Return an element as Python has it; a time stays what it is, for those may be numbers."""
    if is_moment(type(element)):
        return element
    return element.item() if offers(type(element), "item") else element


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
    ends = (bounds.low, bounds.high)
    infinite = (-math.inf, math.inf)
    if dtype.kind == "f":
        return all(end in infinite or fitted(end, dtype) not in infinite for end in ends)
    if any(isinstance(end, float) and end not in infinite and abs(end) > 2**53 for end in ends):
        return False
    return dtype.kind in REDUCIBLE


def _fitted(bounds: Bounds, dtype: Any) -> Bounds:
    low, high = (float(fitted(end, dtype)) for end in (bounds.low, bounds.high))
    return Bounds(low, high, finite=bounds.finite)


def unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of the element that is at *flat* when all are in a row."""
    index: list[int] = []
    for length in reversed(shape):
        flat, at = divmod(flat, length)
        index.append(at)
    return tuple(reversed(index))


def _one_by_one(value: Any, hidden: Any, bounds: Bounds) -> Outside | None:
    """Look at every element of an array of objects."""
    elements = list(value.flat)
    try:
        if all_within(elements, bounds):
            return None
    except OverflowError:  # (the sum of whole numbers that no float holds, and of one)
        pass
    wrong = (at for at, one in enumerate(elements) if not bounds.takes(one))
    if getattr(hidden, "shape", ()):
        wrong = (at for at in wrong if not hidden.flat[at])
    first = next(wrong, None)
    if first is None:
        return None
    index = unravel(first, tuple(value.shape))
    return Outside((index,) if index else (), elements[first], sum(1 for _ in wrong))


def outside_tensor(value: Any, bounds: Bounds) -> Outside | None:
    """Return the first element of a tensor that is outside *bounds*, if one is."""
    if 0 in value.shape:
        return None
    value = value.detach()
    if value.is_complex():
        return _located(value, False, None if bounds.ranged else value.isfinite())
    if not (bounds.ranged or value.is_floating_point()):
        return None
    value = _reducible(value)
    least, greatest = (one.item() for one in value.aminmax())
    if value.is_floating_point():
        low, high = (_rounded(end, value) for end in (bounds.low, bounds.high))
        fit: Bounds | None = Bounds(low, high, finite=bounds.finite)
    else:
        fit = bounds.among(least, greatest)
    if fit is not None and fit.admits(least) and fit.admits(greatest):
        return None
    return _located(value, False, None if fit is None else fit.within(value))


def _reducible(value: Any) -> Any:
    """Return *value* in a dtype of which torch has reductions, and that holds all its numbers."""
    dtype = value.dtype
    if dtype.is_floating_point:
        return value.half() if dtype.itemsize == 1 else value
    if str(dtype) == "torch.bool":
        return value.byte()
    return value.long() if dtype.itemsize in (2, 4) and not dtype.is_signed else value


def _rounded(end: float, value: Any) -> float:
    try:
        return float(value.new_tensor(float(end), device="cpu").item())
    except OverflowError:
        return math.inf if end > 0 else -math.inf


# --- columns ---------------------------------------------------------------------------

_BLOCK = 1 << 20
"""Rows that are numbered at a time: a number for each row takes more than the column."""


def is_column(cls: type) -> bool:
    """Whether *cls* is a column, an index or an array of pandas, polars or pyarrow."""
    if not comes_from(cls, "pandas", "polars", "pyarrow"):
        return False
    if offers(cls, "isna"):
        return is_array(cls)
    return offers(cls, "null_count") and (offers(cls, "dtype") or offers(cls, "type"))


def dtype_of(value: Any) -> Any:
    """Return the dtype object of an array or a column, None for what has none."""
    dtype = getattr(value, "dtype", None)
    return value.type if dtype is None and is_column(type(value)) else dtype


def nan_is_null(column: Any) -> bool:
    """Whether NaN counts as null in *column*, as it does in pandas alone."""
    return offers(type(column), "isna")


def nulls(column: Any) -> Any:
    """Return for each row whether it is null, as an array of numpy."""
    return _as_numpy(column.isna() if nan_is_null(column) else column.is_null())


def count_nulls(column: Any) -> int:
    """Return how many nulls are in *column*; in pandas NaN is one."""
    if nan_is_null(column):
        return int(column.isna().sum())
    count: Any = column.null_count
    number: Any = count() if callable(count) else count
    return int(number)


def without_nulls(column: Any) -> Any:
    """Return *column* less its nulls."""
    for name in ("dropna", "drop_nulls", "drop_null"):
        if offers(type(column), name):
            return getattr(column, name)()
    return column


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
    floats = nan_is_null(column) and dtypes.same("float64", dtype)
    return (floats or dtypes.stands_for_nothing(dtype)) and count_nulls(column) == len(column)


def outside_column(column: Any, bounds: Bounds, *, with_nulls: bool) -> Outside | None:
    """Return the first row of *column* that is outside *bounds*, if one is.

    Args:
        column: The column.
        bounds: What its numbers must be within.
        with_nulls: Whether a null is outside; else it is passed over.
    """
    if with_nulls and made_by(type(dtype_of(column))) == "numpy":
        return outside_array(_as_numpy(column), bounds)
    count = count_nulls(column)
    found = _present_outside(without_nulls(column) if count else column, bounds)
    if not count:
        return found
    empty = nulls(column)
    if found is not None:
        [(at,)] = found.steps
        found = Outside(((_row(empty, at),),), found.value, found.more)
    if not with_nulls:
        return found
    first = int(empty.argmax())
    if found is None or found.steps[0] > (first,):
        return Outside(((first,),), None, count - 1 + (found.more + 1 if found else 0))
    return Outside(found.steps, found.value, found.more + count)


def _present_outside(column: Any, bounds: Bounds) -> Outside | None:
    """Look at a column without nulls."""
    if not len(column):
        return None
    if dtypes.is_moment(dtype_of(column)):
        first = next(values_of(column))
        return Outside(((0,),), first, len(column) - 1) if bounds.ranged else None
    return outside_array(_as_numpy(column), bounds)


def _as_numpy(column: Any) -> Any:
    cls = type(column)
    if made_by(cls) == "pyarrow" and not offers(cls, "num_chunks"):
        return column.to_numpy(zero_copy_only=False)
    return column.to_numpy() if offers(cls, "to_numpy") else column


def _row(empty: Any, at: int) -> int:
    """Return the row of the element that is number *at* of those that are not *empty*."""
    for start in range(0, len(empty), _BLOCK):
        present = ~empty[start : start + _BLOCK]
        count = int(present.sum())
        if at < count:
            return start + int(present.nonzero()[0][at])
        at -= count
    raise LookupError("no row has that number")
