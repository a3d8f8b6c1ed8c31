"""Every number in a value within bounds: single ones, those of sequences, arrays and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mlpolicy.rules.validate.checks import columns, elements
from mlpolicy.rules.validate.checks.bounds import (
    Bounds,
    Outside,
    all_within,
    is_complex,
    is_number,
)
from mlpolicy.rules.validate.checks.classes import (
    comes_from,
    is_array,
    is_dataframe,
    is_moment,
    is_sequence,
    is_torch,
    is_traced,
    made_by,
    offers,
)
from mlpolicy.rules.validate.look import Look, Where, shown, typed


class BoundsCheck:
    """The number, or every number in the value, is within bounds: `range` and `finite`."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.name = next(self.names())

    def names(self) -> Iterator[str]:
        """Yield the settings that may fail."""
        yield from ("range",) if self.bounds.ranged else ()
        yield from ("finite",) if self.bounds.finite else ()

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*; of many numbers outside, the first is shown and the rest counted."""
        if not is_traced(type(value)):
            self.told(outside(value, self.bounds), where, look)

    def told(self, outside: Outside | None, where: Where, look: Look) -> None:
        """Say what is *outside* of the value at *where*, and how many more are."""
        if outside is None:
            return
        for step in outside.steps:
            where = (where, step)
        value, cls = outside.value, type(outside.value)
        if is_number(cls) or is_complex(cls):
            name = self.bounds.wrong(value)
            expected = "a finite number" if name == "finite" else str(self.bounds)
            look.fail(where, name, found=shown(value), expected=expected, more=outside.more)
        else:
            expected = "a number" if self.bounds.ranged else "a number or a time"
            found = "NaT" if is_moment(cls) and not self.bounds.ranged else typed(value)
            look.fail(where, self.name, found=found, expected=expected, more=outside.more)


def outside(value: Any, bounds: Bounds) -> Outside | None:
    """Return the first thing in *value* that is no number within *bounds*, if one is."""
    cls = type(value)
    look = None if is_number(cls) else _within(cls)
    if look is not None:
        return look(value, bounds)
    return None if bounds.takes(value) else Outside((), value)


def _within(cls: type) -> Callable[[Any, Bounds], Outside | None] | None:
    """Return what looks for numbers within values of *cls*; None where it holds none."""
    if columns.is_column(cls):
        return partial(columns.outside, with_nulls=True)
    if _is_table(cls):
        return _in_table
    if is_array(cls):
        return elements.outside_tensor if is_torch(cls) else elements.outside
    return _in_sequence if is_sequence(cls) else None


def _is_table(cls: type) -> bool:
    if not comes_from(cls, "pandas", "polars", "pyarrow"):
        return False
    return is_dataframe(cls) or offers(cls, "num_columns")


def _in_table(table: Any, bounds: Bounds) -> Outside | None:
    """Look at each column; the number of its row and of the column is where a number is."""
    if _is_plain(table):
        return elements.outside(table.to_numpy(), bounds)
    first, count = None, 0
    for at, column in enumerate(_columns(table)):
        found = columns.outside(column, bounds, with_nulls=True)
        if found is not None:
            [(row,)] = found.steps
            first = first or Outside(((row, at),), found.value)
            count += 1 + found.more
    return first and Outside(first.steps, first.value, count - 1)


def _is_plain(table: Any) -> bool:
    """Whether *table*, of pandas, is one array of numbers: it may have thousands of columns."""
    if not offers(type(table), "iloc"):
        return False
    return all(made_by(type(one)) == "numpy" and one.kind in "iuf" for one in set(table.dtypes))


def _columns(table: Any) -> Iterator[Any]:
    if offers(type(table), "iloc"):
        return (table.iloc[:, at] for at in range(table.shape[1]))
    return iter(table.columns if offers(type(table), "num_columns") else table.get_columns())


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
