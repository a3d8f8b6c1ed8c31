"""Columns of pandas, polars and pyarrow: their nulls, and the numbers that are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlpolicy.rules.validate.checks import dtypes, elements
from mlpolicy.rules.validate.checks.bounds import Bounds, Outside
from mlpolicy.rules.validate.checks.classes import comes_from, is_array, made_by, offers

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


def outside(column: Any, bounds: Bounds, *, with_nulls: bool) -> Outside | None:
    """Return the first row of *column* that is outside *bounds*, if one is.

    Args:
        column: The column.
        bounds: What its numbers must be within.
        with_nulls: Whether a null is outside; else it is passed over.
    """
    if with_nulls and made_by(type(dtype_of(column))) == "numpy":
        return elements.outside(_as_numpy(column), bounds)
    count = count_nulls(column)
    found = _outside(without_nulls(column) if count else column, bounds)
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


def _outside(column: Any, bounds: Bounds) -> Outside | None:
    """Look at a column without nulls."""
    if not len(column):
        return None
    if dtypes.is_moment(dtype_of(column)):
        first = next(values_of(column))
        return Outside(((0,),), first, len(column) - 1) if bounds.ranged else None
    return elements.outside(_as_numpy(column), bounds)


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
