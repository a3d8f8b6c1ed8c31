"""What each setting of a spec asks of a value: one function for each, in one table.

They take the value, what the policy asks for, the place of the value, and the look that notes
what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlpolicy.core.diagnostic import many
from mlpolicy.core.quantity import ByteSize
from mlpolicy.core.report import interrupts
from mlpolicy.rules.validate.checks import dtypes, numbers
from mlpolicy.rules.validate.checks.classes import (
    claimed,
    comes_from,
    is_array,
    is_dataframe,
    is_moment,
    is_of,
    is_sequence,
    offers,
    path,
)
from mlpolicy.rules.validate.look import (
    Look,
    Said,
    Where,
    kind,
    listed,
    shown,
    size,
    typed,
    unreadable,
)

if TYPE_CHECKING:
    from mlpolicy.rules.validate.checker import Checker

_MISSING = object()
"""Stands for what is not there."""
Sizes = tuple[int | str | None, ...]
"""A shape as the policy writes it."""


class Check:
    """One setting of a spec at work: its name, and what the spec asks for."""

    __slots__ = ("asked", "name", "test")

    def __init__(self, name: str, asked: Any) -> None:
        self.name = name
        self.asked = asked
        self.test = TESTS[name]

    def look(self, value: Any, where: Where, look: Look) -> None:
        """Run the test; a value that cannot be looked at, for it may raise anything, fails."""
        try:
            self.test(value, self.asked, where, look)
        except Exception as error:
            if interrupts(error):
                raise
            expected = f"what `{self.name}` can read"
            look.fail(where, self.name, found=unreadable(value, error), expected=expected)

    def passes(self, value: Any) -> bool:
        """Whether *value* passes, for lines that cannot say it themselves."""
        look = Look()
        self.test(value, self.asked, "", look)
        return not look.failures


# --- one value ------------------------------------------------------------------------


def _type(value: Any, asked: str | tuple[str, ...], where: Where, look: Look) -> None:
    if not (is_of(type(value), asked) or is_of(claimed(value), asked)):
        expected = " or ".join(dtypes.as_names(asked))
        look.fail(where, "type", found=typed(value), expected=expected)


def _enum(value: Any, allowed: tuple[Any, ...], where: Where, look: Look) -> None:
    if not any(_equal(value, one) for one in allowed):
        look.fail(where, "enum", found=shown(value), expected=f"one of {listed(allowed)}")


def _equal(value: Any, allowed: Any) -> bool:
    """Whether *value* is the one allowed; `true` is not `1`."""
    if allowed is None or value is None:
        return value is allowed
    cls = type(value)
    if is_of(cls, "bool") != isinstance(allowed, bool):
        return False
    # An array answers for each of its elements, which is no answer; a large one takes long.
    if comes_from(cls, "pandas", "polars", "pyarrow") or (is_array(cls) and value.shape):
        return False
    answer = value == allowed
    return is_of(type(answer), "bool") and bool(answer)


Searched = tuple[re.Pattern[str], float, bool]
"""A pattern, how long a text may be, and whether that is its own bound: `max_len` fails by itself."""


def _pattern(value: Any, asked: Searched, where: Where, look: Look) -> None:
    pattern, most, is_own = asked
    if not issubclass(type(value), str):
        look.fail(where, "pattern", found=typed(value), expected="a text")
    elif (length := str.__len__(value)) > most:  # (a class of texts may say any length)
        if is_own or type(value) is not str:
            expected = f"at most {most} characters, or a `max_len` that allows more"
            look.fail(where, "pattern", found=_of_length(length, value), expected=expected)
    elif pattern.search(value) is None:
        expected = f"to match `{pattern.pattern}`"
        look.fail(where, "pattern", found=shown(value), expected=expected)


def _length(value: Any, limits: tuple[int | None, int | None], where: Where, look: Look) -> None:
    least, most = limits
    if not offers(type(value), "__len__"):
        name = "max_len" if least is None else "min_len"
        look.fail(where, name, found=typed(value), expected="something that has a length")
        return
    length = len(value)
    if least is not None and length < least:
        name, expected = "min_len", f"a length of at least {least}"
    elif most is not None and length > most:
        name, expected = "max_len", f"a length of at most {most}"
    else:
        return
    look.fail(where, name, found=_of_length(length, value), expected=expected)


def _of_length(length: int, value: Any) -> Said:
    return Said(f"of length {length}", kind(value))


def _bytes(value: Any, most: ByteSize, where: Where, look: Look) -> None:
    if size_of(value, most) > most:
        look.fail(where, "max_bytes", found="more than that", expected=f"at most {most}")


def size_of(value: Any, enough: int) -> int:
    """Return the bytes of the contents of *value*; counting ends soon above *enough*."""
    total = 0
    pending = [value]
    while pending and total <= enough:
        part = pending.pop()
        if issubclass(type(part), Mapping):
            pending += [*part.keys(), *part.values()]
        elif is_sequence(type(part)):
            pending += part
        else:
            total += _own_size(part)
    return total


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
    return 8  # (a number)


# --- numbers and arrays ---------------------------------------------------------------


def _bounds(value: Any, bounds: numbers.Bounds, where: Where, look: Look) -> None:
    # (inside `jax.jit` the numbers do not exist yet)
    if not any(cls.__name__ == "Tracer" for cls in type(value).__mro__):
        _tell(numbers.outside(value, bounds), bounds, where, look)


def _tell(
    outside: numbers.Outside | None, bounds: numbers.Bounds, where: Where, look: Look
) -> None:
    """Note the first number that is outside of *bounds*, and how many more are."""
    if outside is None:
        return
    for step in outside.steps:
        where = (where, step)
    value, cls = outside.value, type(outside.value)
    name = "range" if bounds.ranged or not bounds.finite else "finite"
    if numbers.is_number(cls) or numbers.is_complex(cls):
        name, found = bounds.setting(value), shown(value)
        expected = "a finite number" if name == "finite" else str(bounds)
    elif bounds.ranged:
        found, expected = typed(value), "a number"
    else:
        found = Said("NaT", "NaT") if is_moment(cls) else typed(value)
        expected = "a number or a time"
    look.fail(where, name, found=found, expected=expected, more=outside.more)


def _dtype(value: Any, names: tuple[str, ...], where: Where, look: Look) -> None:
    dtype = numbers.dtype_of(value)
    expected = " or ".join(names)
    if dtype is None:
        look.fail(where, "dtype", found=typed(value), expected=f"an array of {expected}")
    elif not any(dtypes.same(name, dtype) for name in names) and not numbers.holds_nothing(value):
        name = dtypes.canonical(dtype)
        # An object that is no array may call anything its dtype.
        public = f"of {name}" if dtypes.known(name) else kind(value)
        look.fail(where, "dtype", found=Said(f"of {name}", public), expected=expected)


def _ndim(value: Any, ndim: int, where: Where, look: Look) -> None:
    shape = _shape_of(value)
    expected = many(ndim, "dimension")
    if shape is None:
        look.fail(where, "ndim", found=typed(value), expected=f"an array of {expected}")
    elif len(shape) != ndim:
        look.fail(where, "ndim", found=_shape_text(shape), expected=expected)


def _shape(value: Any, sizes: Sizes, where: Where, look: Look) -> None:
    """Look whether each dimension has its size; a name that is new takes the size that is found.

    A name stands for the same size wherever it is met.
    """
    shape = _shape_of(value)
    asked = size("null" if one is None else one for one in sizes)
    if shape is None:
        look.fail(where, "shape", found=typed(value), expected=f"an array of shape {asked}")
        return
    if len(shape) == len(sizes) and _fits(shape, sizes, look):
        return
    bound = [
        f"{name} = {_size_text(look.symbols[name])}"
        for name in dict.fromkeys(sizes)
        if name in look.symbols
    ]
    expected = f"{asked} with {', '.join(bound)}" if bound else asked
    look.fail(where, "shape", found=_shape_text(shape), expected=expected)


def _fits(shape: tuple[Any, ...], sizes: Sizes, look: Look) -> bool:
    for asked, found in zip(sizes, shape, strict=True):
        wanted = look.symbols.setdefault(asked, found) if isinstance(asked, str) else asked
        if wanted is not None and wanted != found:
            return False
    return True


def _shape_of(value: Any) -> tuple[Any, ...] | None:
    shape = getattr(value, "shape", None)
    return None if shape is None else tuple(shape)


def _shape_text(shape: tuple[Any, ...]) -> str:
    return f"of shape {size(_size_text(one) for one in shape)}"


def _size_text(found: Any) -> str:
    """Return one size of a shape; an object that is no array may call anything its shape."""
    return str(found) if found is None or is_of(type(found), "int") else path(type(found))


# --- keys and items -------------------------------------------------------------------


def _under(value: Any, key: str) -> Any:
    """Return what *value* has under *key*, or as its attribute."""
    if issubclass(type(value), Mapping):
        return value.get(key, _MISSING)
    return getattr(value, key, _MISSING)


def _required(value: Any, keys: tuple[str, ...], where: Where, look: Look) -> None:
    names = _column_names(value) if is_dataframe(type(value)) else None
    for key in keys:
        there = _under(value, key) is not _MISSING if names is None else key in names
        if not there:
            look.fail((where, key), "required", found="missing", expected="it to be there")


def _fields(value: Any, fields: dict[str, Checker], where: Where, look: Look) -> None:
    for key, checker in fields.items():
        part = _under(value, key)
        if part is not _MISSING:
            checker.look(part, (where, key), look)


def _items(value: Any, item: Checker, where: Where, look: Look) -> None:
    if not is_sequence(type(value)):
        look.fail(where, "items", found=typed(value), expected="a sequence")
    elif not item.passes_all(value):
        for at, part in enumerate(value):
            item.look(part, (where, at), look)


# --- columns --------------------------------------------------------------------------


def _columns(frame: Any, asked: dict[str, list[Check]], where: Where, look: Look) -> None:
    if not is_dataframe(type(frame)):
        look.fail(where, "columns", found=typed(frame), expected="a dataframe")
        return
    there = _column_names(frame)
    for name, checks in asked.items():
        times = there.count(name)
        if times != 1:
            found = f"there {times} times" if times else "missing"
            look.fail((where, name), "columns", found=found, expected="one column")
            continue
        column = frame[name]
        for check in checks:
            check.test(column, check.asked, (where, name), look)


def _column_names(frame: Any) -> list[Any]:
    names = getattr(frame, "column_names", None)
    return list(frame.columns if names is None else names)


def _nullable(column: Any, _: Any, where: Where, look: Look) -> None:
    count = numbers.count_nulls(column)
    if count:
        place = where, int(numbers.nulls(column).argmax())
        look.fail(place, "nullable", found="null", expected="no nulls", more=count - 1)


def _column_bounds(column: Any, bounds: numbers.Bounds, where: Where, look: Look) -> None:
    _tell(numbers.outside_column(column, bounds, with_nulls=False), bounds, where, look)


def _categories(column: Any, allowed: tuple[Any, ...], where: Where, look: Look) -> None:
    present = numbers.without_nulls(column) if numbers.count_nulls(column) else column
    each = numbers.values_of(present.unique())
    strange = [value for value in each if not any(_equal(value, one) for one in allowed)]
    if strange:
        expected, more = f"one of {listed(allowed)}", len(strange) - 1
        look.fail(where, "categories", found=shown(strange[0]), expected=expected, more=more)


TESTS: dict[str, Callable[[Any, Any, Where, Look], None]] = {
    "type": _type,
    "dtype": _dtype,
    "shape": _shape,
    "ndim": _ndim,
    "range": _bounds,
    "finite": _bounds,
    "enum": _enum,
    "min_len": _length,
    "pattern": _pattern,
    "max_bytes": _bytes,
    "required": _required,
    "fields": _fields,
    "items": _items,
    "columns": _columns,
    "nullable": _nullable,
    "column range": _column_bounds,
    "categories": _categories,
}
"""The test of each setting, in the order in which a spec runs them; two settings may share one."""
