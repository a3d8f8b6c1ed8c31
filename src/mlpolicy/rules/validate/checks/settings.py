"""What each setting of a spec asks of a value: one function for each.

They take the value, what the policy asks for, the place of the value, and the look that notes
what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mlpolicy.core.quantity import ByteSize
from mlpolicy.rules.validate.checks import dtypes, numbers
from mlpolicy.rules.validate.checks.bounds import Bounds, Outside, is_complex, is_number
from mlpolicy.rules.validate.checks.classes import (
    claimed,
    comes_from,
    is_array,
    is_dataframe,
    is_moment,
    is_of,
    is_sequence,
    is_traced,
    offers,
    path,
)
from mlpolicy.rules.validate.look import Look, Said, Where, kind, listed, shown, size, typed

if TYPE_CHECKING:
    from mlpolicy.rules.validate.checker import Checker

MISSING = object()
"""Stands for what is not there."""
Sizes = tuple[int | str | None, ...]
"""A shape as the policy writes it."""

# --- one value ------------------------------------------------------------------------


def check_type(value: Any, asked: str | tuple[str, ...], where: Where, look: Look) -> None:
    """Look whether *value* is of a type."""
    if not (is_of(type(value), asked) or is_of(claimed(value), asked)):
        look.fail(where, "type", found=typed(value), expected=type_text(asked))


def type_text(asked: str | tuple[str, ...]) -> str:
    """Return what type is expected."""
    return asked if isinstance(asked, str) else " or ".join(asked)


def check_enum(value: Any, allowed: tuple[Any, ...], where: Where, look: Look) -> None:
    """Look whether *value* is one of a few; `true` is no `1`."""
    if not any(_equal(value, one) for one in allowed):
        look.fail(where, "enum", found=shown(value), expected=f"one of {listed(allowed)}")


def _equal(value: Any, allowed: Any) -> bool:
    if allowed is None or value is None:
        return value is allowed
    cls = type(value)
    if is_of(cls, "bool") != isinstance(allowed, bool):
        return False
    # An array answers for each of its elements, which is no answer; a large one takes long.
    if comes_from(cls, "pandas", "polars", "pyarrow") or (is_array(cls) and value.shape):
        return False
    answer = value == allowed
    return bool(answer) if is_of(type(answer), "bool") else False


def check_pattern(value: Any, pattern: re.Pattern[str], where: Where, look: Look) -> None:
    """Look whether a pattern is found in a text."""
    if not issubclass(type(value), str):
        look.fail(where, "pattern", found=typed(value), expected="a text")
    elif pattern.search(value) is None:
        expected = f"to match `{pattern.pattern}`"
        look.fail(where, "pattern", found=shown(value), expected=expected)


def check_length(
    value: Any, limits: tuple[int | None, int | None], where: Where, look: Look
) -> None:
    """Look whether *value* is neither too short nor too long."""
    least, most = limits
    if not offers(type(value), "__len__"):
        name = "max_len" if least is None else "min_len"
        look.fail(where, name, found=typed(value), expected="something that has a length")
        return
    length = len(value)
    if least is not None and length < least:
        found = Said(f"of length {length}", kind(value))
        look.fail(where, "min_len", found=found, expected=f"a length of at least {least}")
    if most is not None and length > most:
        found = Said(f"of length {length}", kind(value))
        look.fail(where, "max_len", found=found, expected=f"a length of at most {most}")


def check_bytes(value: Any, most: int, where: Where, look: Look) -> None:
    """Look whether the contents take no more than so much memory."""
    if size_of(value, most) > most:
        expected = f"at most {ByteSize(most)}"
        look.fail(where, "max_bytes", found="more than that", expected=expected)


def size_of(value: Any, enough: int) -> int:
    """Return the bytes of the contents of *value*; counting ends soon above *enough*."""
    total = 0
    pending = [value]
    while pending and total <= enough:
        part = pending.pop()
        total += _own_size(part)
        if issubclass(type(part), Mapping):
            pending += part.keys()
            pending += part.values()
        elif is_sequence(type(part)):
            pending += part
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


# --- numbers and arrays ---------------------------------------------------------------


def check_bounds(value: Any, bounds: Bounds, where: Where, look: Look) -> None:
    """Look whether the number, or every number in *value*, is within bounds."""
    outside = None if is_traced(type(value)) else numbers.outside(value, bounds)
    if outside is not None:
        _tell(outside, bounds, where, look)


def _tell(outside: Outside, bounds: Bounds, where: Where, look: Look) -> None:
    """Note the first number that is outside of *bounds*, and how many more are."""
    for step in outside.steps:
        where = (where, step)
    value, cls = outside.value, type(outside.value)
    if is_number(cls) or is_complex(cls):
        name = bounds.wrong(value)
        expected = "a finite number" if name == "finite" else str(bounds)
        look.fail(where, name, found=shown(value), expected=expected, more=outside.more)
    else:
        expected = "a number" if bounds.ranged else "a number or a time"
        found = "NaT" if is_moment(cls) and not bounds.ranged else typed(value)
        look.fail(where, bounds.settings[0], found=found, expected=expected, more=outside.more)


def check_dtype(value: Any, names: tuple[str, ...], where: Where, look: Look) -> None:
    """Look whether the elements are of a dtype."""
    dtype = numbers.dtype_of(value)
    expected = " or ".join(names)
    if dtype is None:
        look.fail(where, "dtype", found=typed(value), expected=f"an array of {expected}")
    elif not any(dtypes.same(name, dtype) for name in names) and not numbers.holds_nothing(value):
        name = dtypes.canonical(dtype)
        # An object that is no array may call anything its dtype.
        public = f"of {name}" if dtypes.known(name) else kind(value)
        look.fail(where, "dtype", found=Said(f"of {name}", public), expected=expected)


def check_ndim(value: Any, ndim: int, where: Where, look: Look) -> None:
    """Look whether an array has so many dimensions."""
    shape = shape_of(value)
    if shape is not None and len(shape) == ndim:
        return
    expected = f"{ndim} dimension{'' if ndim == 1 else 's'}"
    if shape is None:
        look.fail(where, "ndim", found=typed(value), expected=f"an array of {expected}")
    else:
        look.fail(where, "ndim", found=_shape_text(shape), expected=expected)


def check_shape(value: Any, sizes: Sizes, where: Where, look: Look) -> None:
    """Look whether each dimension has its size; a name that is new takes the size that is found.

    A name stands for the same size wherever it is met.
    """
    shape = shape_of(value)
    if shape is not None and len(shape) == len(sizes) and fits(shape, sizes, look):
        return
    asked = size("null" if one is None else one for one in sizes)
    if shape is None:
        look.fail(where, "shape", found=typed(value), expected=f"an array of shape {asked}")
        return
    bound = {name: look.symbols[name] for name in sizes if name in look.symbols}
    notes = ", ".join(f"{name} = {_size_text(found)}" for name, found in bound.items())
    expected = f"{asked} with {notes}" if notes else asked
    look.fail(where, "shape", found=_shape_text(shape), expected=expected)


def fits(shape: tuple[Any, ...], sizes: Sizes, look: Look) -> bool:
    """Whether each dimension, of as many as there are *sizes*, has its size."""
    for asked, found in zip(sizes, shape, strict=True):
        wanted = look.symbols.setdefault(asked, found) if isinstance(asked, str) else asked
        if wanted is not None and wanted != found:
            return False
    return True


def shape_of(value: Any) -> tuple[Any, ...] | None:
    """Return the shape of an array as a tuple, None for what has none."""
    shape = getattr(value, "shape", None)
    return None if shape is None else tuple(shape)


def _shape_text(shape: tuple[Any, ...]) -> str:
    return f"of shape {size(_size_text(one) for one in shape)}"


def _size_text(found: Any) -> str:
    """Return one size of a shape; an object that is no array may call anything its shape."""
    return str(found) if found is None or is_of(type(found), "int") else path(type(found))


# --- keys and items -------------------------------------------------------------------


def under(value: Any, key: str) -> Any:
    """Return what *value* has under *key*, or as its attribute; `MISSING` if it has it not."""
    if issubclass(type(value), Mapping):
        return value.get(key, MISSING)
    return getattr(value, key, MISSING)


def check_required(value: Any, keys: tuple[str, ...], where: Where, look: Look) -> None:
    """Look whether keys, attributes or columns are there."""
    names = _column_names(value) if is_dataframe(type(value)) else None
    for key in keys:
        there = under(value, key) is not MISSING if names is None else key in names
        if not there:
            look.fail((where, key), "required", found="missing", expected="it to be there")


def check_fields(value: Any, fields: dict[str, Checker], where: Where, look: Look) -> None:
    """Look at what is under the keys that are there."""
    for key, checker in fields.items():
        part = under(value, key)
        if part is not MISSING:
            checker.look(part, (where, key), look)


def check_items(value: Any, item: Checker, where: Where, look: Look) -> None:
    """Look at each item of a sequence."""
    if not is_sequence(type(value)):
        look.fail(where, "items", found=typed(value), expected="a sequence")
    elif not item.passes_all(value):
        for at, part in enumerate(value):
            item.look(part, (where, at), look)


# --- columns --------------------------------------------------------------------------


class ColumnChecks(NamedTuple):
    """What is asked of one column."""

    dtypes: tuple[str, ...]
    nullable: bool
    bounds: Bounds | None
    categories: tuple[Any, ...] | None

    def labels(self) -> Iterator[str]:
        """Yield the names of the settings that may fail."""
        yield "columns"
        yield from ("dtype",) if self.dtypes else ()
        yield from () if self.nullable else ("nullable",)
        yield from ("range",) if self.bounds else ()
        yield from ("categories",) if self.categories is not None else ()


def check_columns(value: Any, asked: dict[str, ColumnChecks], where: Where, look: Look) -> None:
    """Look whether the columns of a dataframe are there, and at each."""
    if not is_dataframe(type(value)):
        look.fail(where, "columns", found=typed(value), expected="a dataframe")
        return
    there = _column_names(value)
    for name, checks in asked.items():
        times = there.count(name)
        if times == 1:
            _check_column(value[name], checks, (where, name), look)
        else:
            found = f"there {times} times" if times else "missing"
            look.fail((where, name), "columns", found=found, expected="one column")


def _column_names(frame: Any) -> list[Any]:
    names = getattr(frame, "column_names", None)
    return list(frame.columns if names is None else names)


def _check_column(column: Any, asked: ColumnChecks, where: Where, look: Look) -> None:
    if asked.dtypes:
        check_dtype(column, asked.dtypes, where, look)
    count = numbers.count_nulls(column)
    if count and not asked.nullable:
        place = where, int(numbers.nulls(column).argmax())
        look.fail(place, "nullable", found="null", expected="no nulls", more=count - 1)
    if asked.bounds:
        found = numbers.outside_column(column, asked.bounds, with_nulls=False)
        if found is not None:
            _tell(found, asked.bounds, where, look)
    allowed = asked.categories
    if allowed is not None:
        present = numbers.without_nulls(column) if count else column
        strange = [
            value
            for value in numbers.values_of(present.unique())
            if not any(_equal(value, one) for one in allowed)
        ]
        if strange:
            expected, more = f"one of {listed(allowed)}", len(strange) - 1
            look.fail(where, "categories", found=shown(strange[0]), expected=expected, more=more)
