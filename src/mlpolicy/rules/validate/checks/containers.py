"""Checks of what holds other values: lengths, sizes, keys, items, and columns of dataframes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlpolicy.core.quantity import ByteSize
from mlpolicy.rules.validate.checks.arrays import DtypeCheck, EnumCheck
from mlpolicy.rules.validate.checks.bounds import Bounds
from mlpolicy.rules.validate.checks.classes import is_dataframe, is_sequence, offers
from mlpolicy.rules.validate.checks.columns import (
    count_nulls,
    nulls,
    outside,
    values_of,
    without_nulls,
)
from mlpolicy.rules.validate.checks.numbers import BoundsCheck
from mlpolicy.rules.validate.look import Look, Said, Where, kind, listed, shown, typed

if TYPE_CHECKING:
    from mlpolicy.rules.validate.checker import Checker


MISSING = object()
"""Stands for what is not there."""


class LengthCheck:
    """The value is neither too short nor too long."""

    name = "min_len"

    def __init__(self, least: int | None, most: int | None) -> None:
        self.least = least
        self.most = most

    def names(self) -> Iterator[str]:
        """Yield the settings that may fail."""
        yield from ("min_len",) if self.least is not None else ()
        yield from ("max_len",) if self.most is not None else ()

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        name = next(self.names())
        if not offers(type(value), "__len__"):
            look.fail(where, name, found=typed(value), expected="something that has a length")
            return
        length = len(value)
        if self.least is not None and length < self.least:
            expected = f"a length of at least {self.least}"
            look.fail(where, "min_len", found=self._found(value, length), expected=expected)
        if self.most is not None and length > self.most:
            expected = f"a length of at most {self.most}"
            look.fail(where, "max_len", found=self._found(value, length), expected=expected)

    def _found(self, value: Any, length: int) -> Said:
        return Said(f"of length {length}", kind(value))


class BytesCheck:
    """The contents take no more than so much memory."""

    name = "max_bytes"

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        if size_of(value, self.most) > self.most:
            expected = f"at most {ByteSize(self.most)}"
            look.fail(where, "max_bytes", found="more than that", expected=expected)


def size_of(value: Any, enough: int) -> int:
    """Return the bytes of the contents of *value*; counting ends soon above *enough*."""
    total = 0
    pending = [value]
    while pending and total <= enough:
        one = pending.pop()
        total += _own_size(one)
        if issubclass(type(one), Mapping):
            pending += one.keys()
            pending += one.values()
        elif is_sequence(type(one)):
            pending += one
    return total


_NUMBER = 8


def _own_size(value: Any) -> int:
    cls = type(value)
    if issubclass(cls, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if issubclass(cls, bytes | bytearray):
        return len(value)
    for name in ("nbytes", "estimated_size", "memory_usage"):
        if offers(cls, name):
            found = getattr(value, name)
            found = found() if callable(found) else found
            return int(found.sum() if offers(type(found), "sum") else found)
    return 0 if issubclass(cls, Mapping) or is_sequence(cls) else _NUMBER


def under(value: Any, key: str) -> Any:
    """Return what *value* has under *key*, or as its attribute; `MISSING` if it has it not."""
    if issubclass(type(value), Mapping):
        return value.get(key, MISSING)
    return getattr(value, key, MISSING)


class RequiredCheck:
    """Keys, attributes or columns are there."""

    name = "required"

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(keys)

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        columns = names_of(value) if is_dataframe(type(value)) else None
        for key in self.keys:
            there = under(value, key) is not MISSING if columns is None else key in columns
            if not there:
                look.fail((where, key), "required", found="missing", expected="it to be there")


class FieldsCheck:
    """What is under a key is what it must be."""

    name = "fields"

    def __init__(self, fields: Mapping[str, Checker]) -> None:
        self.fields = dict(fields)

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at the keys of *value* that are there."""
        for key, checker in self.fields.items():
            part = under(value, key)
            if part is not MISSING:
                checker.look(part, (where, key), look)

    def inner(self) -> Iterable[Checker]:
        """Return what looks at the parts."""
        return self.fields.values()

    def parts(self, value: Any) -> Iterator[tuple[Any, Checker]]:
        """Yield each part of *value* with what looks at it."""
        for key, checker in self.fields.items():
            part = under(value, key)
            if part is not MISSING:
                yield part, checker


class ItemsCheck:
    """Each item is what it must be."""

    name = "items"

    def __init__(self, item: Checker) -> None:
        self.item = item

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at each item of *value*."""
        if not is_sequence(type(value)):
            look.fail(where, "items", found=typed(value), expected="a sequence")
            return
        if not self.item.passes_all(value):
            for at, item in enumerate(value):
                self.item.look(item, (where, at), look)

    def inner(self) -> Iterable[Checker]:
        """Return what looks at the parts."""
        return (self.item,)

    def parts(self, value: Any) -> Iterator[tuple[Any, Checker]]:
        """Yield each part of *value* with what looks at it."""
        if is_sequence(type(value)):
            yield from ((item, self.item) for item in value)


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
