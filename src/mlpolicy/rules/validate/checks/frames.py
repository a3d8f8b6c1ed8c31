"""Checks of dataframes: pandas, polars and pyarrow, by the methods that their columns have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlpolicy.rules.validate.checks.arrays import DtypeCheck
from mlpolicy.rules.validate.checks.bounds import Bounds
from mlpolicy.rules.validate.checks.classes import is_dataframe
from mlpolicy.rules.validate.checks.columns import (
    count_nulls,
    nulls,
    outside,
    values_of,
    without_nulls,
)
from mlpolicy.rules.validate.checks.numbers import BoundsCheck
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
        self.dtype = DtypeCheck(dtypes) if dtypes else None
        self.nullable = nullable
        self.bounds = BoundsCheck(bounds) if bounds else None
        self.categories = EnumCheck(categories) if categories is not None else None

    def names(self) -> Iterator[str]:
        """Yield the settings that may fail."""
        yield from ("dtype",) if self.dtype else ()
        yield from () if self.nullable else ("nullable",)
        yield from ("range",) if self.bounds else ()
        yield from ("categories",) if self.categories else ()

    def __call__(self, column: Any, where: Where, look: Look) -> None:
        """Look at *column*."""
        if self.dtype:
            self.dtype(column, where, look)
        count = count_nulls(column)
        if count and not self.nullable:
            place = where, int(nulls(column).argmax())
            look.fail(place, "nullable", found="null", expected="no nulls", more=count - 1)
        if self.bounds:
            found = outside(column, self.bounds.bounds, with_nulls=False)
            self.bounds.told(found, where, look)
        if self.categories:
            self._categories(without_nulls(column) if count else column, where, look)

    def _categories(self, whole: Any, where: Where, look: Look) -> None:
        assert self.categories is not None
        strange = [one for one in values_of(whole.unique()) if not self.categories.admits(one)]
        if strange:
            expected = f"one of {listed(self.categories.values)}"
            more = len(strange) - 1
            look.fail(where, "categories", found=shown(strange[0]), expected=expected, more=more)


class ColumnsCheck:
    """Columns are there, and what they must be."""

    name = "columns"

    def __init__(self, columns: dict[str, ColumnCheck]) -> None:
        self.columns = columns

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at the columns of *value*."""
        if not is_dataframe(type(value)):
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
