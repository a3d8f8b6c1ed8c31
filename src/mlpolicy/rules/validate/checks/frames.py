"""Checks of dataframes: pandas, polars and pyarrow, by the methods that their columns have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from mlpolicy.rules.validate.checks import dtypes
from mlpolicy.rules.validate.checks.bounds import Bounds, BoundsCheck
from mlpolicy.rules.validate.checks.classes import is_dataframe
from mlpolicy.rules.validate.checks.scalars import EnumCheck
from mlpolicy.rules.validate.look import Look, Where
from mlpolicy.rules.validate.shown import listed, shown, typed


class ColumnCheck:
    """One column: its dtype, its nulls, and the values in it."""

    def __init__(
        self,
        dtypes: tuple[str, ...],
        *,
        nullable: bool,
        bounds: Bounds | None,
        categories: Iterable[Any] | None,
    ) -> None:
        self.dtypes = dtypes
        self.nullable = nullable
        self.bounds = BoundsCheck(bounds) if bounds else None
        self.categories = EnumCheck(categories) if categories is not None else None

    def names(self) -> Iterator[str]:
        """Yield the settings that may fail."""
        yield from ("dtype",) if self.dtypes else ()
        yield from () if self.nullable else ("nullable",)
        yield from ("range",) if self.bounds else ()
        yield from ("categories",) if self.categories else ()

    def __call__(self, column: Any, where: Where, look: Look) -> None:
        """Look at *column*."""
        dtype = dtype_of(column)
        if self.dtypes and not any(dtypes.same(name, dtype) for name in self.dtypes):
            expected = " or ".join(self.dtypes)
            look.fail(where, "dtype", found=f"of {dtypes.canonical(dtype)}", expected=expected)
        nulls = count_nulls(column)
        if nulls and not self.nullable:
            nan = nan_is_null(column)
            at = next(at for at, one in enumerate(elements(column)) if is_null(one, nan=nan))
            others = f" (and {nulls - 1} more)" if nulls > 1 else ""
            look.fail((where, at), "nullable", found=f"null{others}", expected="no nulls")
        whole = without_nulls(column) if nulls else column
        if self.bounds:
            self._bounded(column, whole, where, look)
        if self.categories:
            self._categories(whole, where, look)

    def _bounded(self, column: Any, whole: Any, where: Where, look: Look) -> None:
        """Look at the numbers that are there; search for their row only if one is outside."""
        assert self.bounds is not None
        if self.bounds.passes(whole):
            return
        rows = enumerate(elements(column))
        present = ((at, one) for at, one in rows if not is_null(one, nan=nan_is_null(column)))
        wrong = [(at, one) for at, one in present if not self.bounds.admits(one)]
        for at, one in wrong[:1]:
            self.bounds.fail(one, (where, at), look, more=len(wrong) - 1)

    def _categories(self, whole: Any, where: Where, look: Look) -> None:
        assert self.categories is not None
        strange = [one for one in elements(whole.unique()) if not self.categories.admits(one)]
        if strange:
            expected = f"one of {listed(self.categories.values)}"
            others = f" (and {len(strange) - 1} other values)" if len(strange) > 1 else ""
            look.fail(where, "categories", found=shown(strange[0]) + others, expected=expected)


class ColumnsCheck:
    """Columns are there, and what they must be."""

    name = "columns"

    def __init__(self, columns: dict[str, ColumnCheck]) -> None:
        self.columns = columns

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at the columns of *value*."""
        if not is_dataframe(value.__class__):
            look.fail(where, "columns", found=typed(value), expected="a dataframe")
            return
        there = names_of(value)
        for name, check in self.columns.items():
            times = there.count(name)
            if times == 1:
                check(value[name], (where, name), look)
            else:
                found = f"there {times} times" if times else "missing"
                look.fail((where, name), "columns", found=found, expected="one column")


def names_of(frame: Any) -> list[Any]:
    """Return the names of the columns of *frame*."""
    names = getattr(frame, "column_names", None)
    return list(frame.columns if names is None else names)


def dtype_of(column: Any) -> Any:
    """Return the dtype object of *column*."""
    return column.dtype if hasattr(column, "dtype") else column.type


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
        drop = getattr(column, name, None)
        if drop is not None:
            return drop()
    return column


def elements(column: Any) -> Iterator[Any]:
    """Yield the elements of *column* as plain values."""
    for element in column:
        plain = getattr(element, "as_py", None)
        yield plain() if plain else element


def nan_is_null(column: Any) -> bool:
    """Whether NaN counts as null in *column*, as it does in pandas alone."""
    return hasattr(column, "isna")


def is_null(value: Any, *, nan: bool) -> bool:
    """Whether an element of a column counts as null: None, NaT, NA, and NaN if *nan* says so."""
    if value is None or value.__class__.__name__ in ("NAType", "NaTType"):
        return True
    return nan and isinstance(value, float) and math.isnan(value)
