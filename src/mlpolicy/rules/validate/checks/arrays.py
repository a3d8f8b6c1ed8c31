"""Checks of one value: its type, the values allowed, the look of a text; dtype and shape of arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mlpolicy.rules.validate.checks import dtypes
from mlpolicy.rules.validate.checks.classes import claimed, comes_from, is_array, is_of, path
from mlpolicy.rules.validate.checks.columns import dtype_of, holds_nothing
from mlpolicy.rules.validate.look import Look, Said, Where, kind, listed, shown, size, typed


class DtypeCheck:
    """The elements are of a dtype."""

    name = "dtype"

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        dtype = dtype_of(value)
        expected = " or ".join(self.names)
        if dtype is None:
            look.fail(where, "dtype", found=typed(value), expected=f"an array of {expected}")
        elif not any(dtypes.same(name, dtype) for name in self.names) and not holds_nothing(value):
            name = dtypes.canonical(dtype)
            # An object that is no array may call anything its dtype.
            public = f"of {name}" if dtypes.known(name) else kind(value)
            look.fail(where, "dtype", found=Said(f"of {name}", public), expected=expected)


class ShapeCheck:
    """Each dimension has its size; a name stands for the same size wherever it is met."""

    name = "shape"

    def __init__(self, sizes: tuple[int | str | None, ...]) -> None:
        self.sizes = sizes

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names among the sizes."""
        return tuple(one for one in self.sizes if isinstance(one, str))

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*; a name that is new takes the size that is found."""
        shape = shape_of(value)
        if shape is None:
            look.fail(where, "shape", found=typed(value), expected=f"an array of shape {self}")
        elif len(shape) != len(self.sizes) or not self._fits(shape, look):
            look.fail(where, "shape", found=f"of shape {_told(shape)}", expected=self._said(look))

    def bind(self, value: Any, look: Look) -> None:
        """Let the names that are new take the sizes of *value*, whatever else is wrong."""
        shape = shape_of(value) or ()
        if len(shape) == len(self.sizes):
            self._fits(shape, look)

    def _fits(self, shape: tuple[Any, ...], look: Look) -> bool:
        for asked, found in zip(self.sizes, shape, strict=True):
            size = look.symbols.setdefault(asked, found) if isinstance(asked, str) else asked
            if size is not None and size != found:
                return False
        return True

    def _said(self, look: Look) -> str:
        bound = {name: look.symbols[name] for name in self.symbols if name in look.symbols}
        notes = ", ".join(f"{name} = {_length(found)}" for name, found in bound.items())
        return f"{self}{f' with {notes}' if notes else ''}"

    def __str__(self) -> str:
        """Return the shape as the policy file writes it."""
        return size("null" if one is None else one for one in self.sizes)


class NdimCheck:
    """The array has so many dimensions."""

    name = "ndim"

    def __init__(self, ndim: int) -> None:
        self.ndim = ndim

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        shape = shape_of(value)
        if shape is None:
            look.fail(where, "ndim", found=typed(value), expected=f"an array of {self}")
        elif len(shape) != self.ndim:
            look.fail(where, "ndim", found=f"of shape {_told(shape)}", expected=str(self))

    def __str__(self) -> str:
        """Return what is expected."""
        return f"{self.ndim} dimension{'' if self.ndim == 1 else 's'}"


def _told(shape: tuple[Any, ...]) -> str:
    return size(_length(one) for one in shape)


def _length(found: Any) -> str:
    """Return one size of a shape; an object that is no array may call anything its shape."""
    return str(found) if found is None or is_of(type(found), "int") else path(type(found))


def shape_of(value: Any) -> tuple[Any, ...] | None:
    """Return the shape of an array as a tuple, None for what has none."""
    shape = getattr(value, "shape", None)
    return None if shape is None else tuple(shape)


class TypeCheck:
    """The value is of a type."""

    name = "type"

    def __init__(self, type: str | tuple[str, ...]) -> None:
        self.type = type[0] if isinstance(type, tuple) and len(type) == 1 else type
        self.expected = type if isinstance(type, str) else " or ".join(type)

    def admits(self, cls: type) -> bool:
        """Whether values of *cls* pass."""
        return is_of(cls, self.type)

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        if not (self.admits(type(value)) or self.admits(claimed(value))):
            look.fail(where, "type", found=typed(value), expected=self.expected)


class EnumCheck:
    """The value is one of a few; `true` is no `1`."""

    name = "enum"

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = tuple(values)

    def admits(self, value: Any) -> bool:
        """Whether *value* is one of those allowed."""
        return any(_equal(value, one) for one in self.values)

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        if not self.admits(value):
            look.fail(
                where,
                "enum",
                found=shown(value),
                expected=f"one of {listed(self.values)}",
            )


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


class PatternCheck:
    """A pattern is found in the text."""

    name = "pattern"

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.search = re.compile(pattern).search

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        if not issubclass(type(value), str):
            look.fail(where, "pattern", found=typed(value), expected="a text")
        elif self.search(value) is None:
            look.fail(
                where,
                "pattern",
                found=shown(value),
                expected=f"to match `{self.pattern}`",
            )
