"""Checks of arrays and tensors: dtype, shape, and their numbers in at most two reductions.

Nothing of numpy, torch or jax is imported: the value brings its own methods.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlpolicy.rules.validate.checks import dtypes
from mlpolicy.rules.validate.checks.classes import is_torch
from mlpolicy.rules.validate.look import Index, Look, Where
from mlpolicy.rules.validate.shown import size, typed

if TYPE_CHECKING:
    from mlpolicy.rules.validate.checks.bounds import Bounds

REDUCIBLE = "biuf"
"""Kinds of numpy dtypes whose least and greatest element tell of NaN and of every number."""
_LARGEST = {2: 65504.0, 4: 3.4028234663852886e38}
"""The greatest number by the bytes of a float."""


class DtypeCheck:
    """The elements are of a dtype."""

    name = "dtype"

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        dtype = getattr(value, "dtype", None)
        expected = " or ".join(self.names)
        if dtype is None:
            look.fail(where, "dtype", found=typed(value), expected=f"an array of {expected}")
        elif not any(dtypes.same(name, dtype) for name in self.names):
            look.fail(where, "dtype", found=f"of {dtypes.canonical(dtype)}", expected=expected)


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
            look.fail(
                where,
                "shape",
                found=f"of shape {size(shape)}",
                expected=self._said(look),
            )

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
        notes = ", ".join(f"{name} = {found}" for name, found in bound.items())
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
            look.fail(where, "ndim", found=f"of shape {size(shape)}", expected=str(self))

    def __str__(self) -> str:
        """Return what is expected."""
        return f"{self.ndim} dimension{'' if self.ndim == 1 else 's'}"


def shape_of(value: Any) -> tuple[Any, ...] | None:
    """Return the shape of an array as a tuple, None for what has none."""
    shape = getattr(value, "shape", None)
    return None if shape is None else tuple(shape)


def outside(value: Any, bounds: Bounds) -> Iterator[tuple[tuple[Index, ...], Any]]:
    """Yield (steps, number) for elements of *value* that are outside *bounds*.

    Raises:
        TypeError: The elements are no numbers.
    """
    if 0 in shape_of(value):  # type: ignore[operator]  # (an array has a shape)
        return
    if is_torch(value.__class__):
        yield from _outside_tensor(value, bounds)
        return
    kind = getattr(value.dtype, "kind", "f")
    if kind == "c" and not bounds.ranged:
        for part in (value.real, value.imag):
            yield from outside(part, bounds)
    elif kind not in REDUCIBLE:
        yield from _one_by_one(value, bounds)
    elif bounds.ranged or kind == "f":
        yield from _outside_array(value, bounds)


def _outside_array(value: Any, bounds: Bounds) -> Iterator[tuple[tuple[Index, ...], Any]]:
    """Look at the least and the greatest element; search only when one of them is outside."""
    if hasattr(value, "compressed"):  # elements that a mask hides are not there
        value = value.compressed() if value.mask.any() else value.data
        if not value.size:
            return
    low, high = fitted(bounds.low, value.dtype), fitted(bounds.high, value.dtype)
    least, greatest = value.min(), value.max()
    if not (low <= least and greatest <= high) or (bounds.finite and not _finite(least, greatest)):
        wrong = ~((value >= low) & (value <= high))
        if bounds.finite:
            wrong = wrong | (value == math.inf) | (value == -math.inf)
        yield from _located(value, wrong)


def _finite(least: Any, greatest: Any) -> bool:
    return bool(-math.inf < least and greatest < math.inf)


def fitted(bound: float, dtype: Any) -> Any:
    """Return *bound* as the floats of *dtype* hold it; one beyond all of them bounds nothing.

    A float32 of 0.1 is a little more than 0.1, and within a range that ends there.
    """
    if getattr(dtype, "kind", "") != "f":
        return bound
    if abs(bound) > _LARGEST.get(dtype.itemsize, math.inf):
        return math.copysign(math.inf, bound)
    return dtype.type(bound)


def _located(value: Any, wrong: Any) -> Iterator[tuple[tuple[Index, ...], Any]]:
    """Yield the first element that is marked, then as many blanks as there are others."""
    index = _unravel(int(wrong.argmax()), tuple(value.shape))
    yield ((index,) if index else ()), value[index].item()
    for _ in range(int(wrong.sum()) - 1):
        yield (), None


def _unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    index: list[int] = []
    for length in reversed(shape):
        flat, at = divmod(flat, length)
        index.append(at)
    return tuple(reversed(index))


def _one_by_one(value: Any, bounds: Bounds) -> Iterator[tuple[tuple[Index, ...], Any]]:
    """Look at every element of an array of objects, texts or complex numbers."""
    from mlpolicy.rules.validate.checks.bounds import is_number

    shape = tuple(value.shape)
    for at, element in enumerate(value.reshape(-1).tolist()):
        if not (is_number(element) and bounds.admits(element)):
            index = _unravel(at, shape)
            yield ((index,) if index else ()), element


def _outside_tensor(value: Any, bounds: Bounds) -> Iterator[tuple[tuple[Index, ...], Any]]:
    """One reduction on the device where the tensor is; two numbers come to the host."""
    value = value.detach()
    if value.is_complex():
        value = _real_parts(value, bounds)
    if value.dtype.itemsize == 1:  # truth values and the smallest floats have no reductions
        value = value.float()
    if not (bounds.ranged or value.is_floating_point()):
        return
    least, greatest = value.aminmax()
    if not bool((least >= bounds.low) & (greatest <= bounds.high)) or (
        bounds.finite and not bool((least > -math.inf) & (greatest < math.inf))
    ):
        wrong = ~((value >= bounds.low) & (value <= bounds.high))
        if bounds.finite:
            wrong = wrong | value.isinf()
        places = wrong.nonzero()
        index = tuple(places[0].tolist())
        yield ((index,) if index else ()), value[index].item()
        for _ in range(len(places) - 1):
            yield (), None


def _real_parts(value: Any, bounds: Bounds) -> Any:
    """Return the real and imaginary parts of *value* as one tensor of numbers.

    Raises:
        TypeError: A range was asked for, and complex numbers have no order.
    """
    if bounds.ranged:
        raise TypeError("complex numbers have no order")
    return value.view_as_real() if hasattr(value, "view_as_real") else value.abs()
