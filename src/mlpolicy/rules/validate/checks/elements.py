"""Numbers in arrays and tensors: at most two reductions, one pass more if an element is outside.

Nothing of numpy, jax or torch is imported: the value brings its own methods.
"""

from __future__ import annotations

import math
import operator
import sys
from typing import Any

from mlpolicy.rules.validate.checks.bounds import Bounds, Outside, all_within
from mlpolicy.rules.validate.checks.classes import is_moment, offers, paths

REDUCIBLE = "biuf"
"""Kinds of numpy dtypes whose least and greatest element tell of NaN and of every number."""
_LARGEST = {"float16": 65504.0, "float32": 3.4028234663852886e38}
"""The greatest number of a float; those of others are made without a warning."""


def outside(value: Any, bounds: Bounds) -> Outside | None:
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
    return _in_numbers(data, hidden, bounds) if bounds.ranged or kind == "f" else None


def _in_numbers(value: Any, hidden: Any, bounds: Bounds) -> Outside | None:
    """Look at the least and the greatest number; search only when one of them is outside."""
    least, greatest = _plain(value.min()), _plain(value.max())
    floats = value.dtype.kind == "f"
    fit = _fitted(bounds, value.dtype) if floats else bounds.among(least, greatest)
    if fit is not None and fit.admits(least) and fit.admits(greatest):
        return None
    return _located(value, hidden, None if fit is None else fit.within(value))


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
    """Return the first element that is not *inside*, in one pass; None if none is."""
    if getattr(hidden, "shape", ()):
        inside = hidden if inside is None else inside | hidden
    if inside is None:
        index, count = (0,) * len(value.shape), value.size
    else:
        wrong = ~inside
        index, count = unravel(int(wrong.argmax()), tuple(value.shape)), int(wrong.sum())
    if not count:
        return None
    return Outside((index,) if index else (), _plain(value[index]), count - 1)


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
    if _all_plain(elements, bounds):
        return None
    wrong = (at for at, one in enumerate(elements) if not bounds.takes(one))
    if getattr(hidden, "shape", ()):
        wrong = (at for at in wrong if not hidden.flat[at])
    first = next(wrong, None)
    if first is None:
        return None
    index = unravel(first, tuple(value.shape))
    return Outside((index,) if index else (), elements[first], sum(1 for _ in wrong))


def _all_plain(elements: list[Any], bounds: Bounds) -> bool:
    try:
        return all_within(elements, bounds)
    except OverflowError:
        return False


def outside_tensor(value: Any, bounds: Bounds) -> Outside | None:
    """Return the first element of a tensor that is outside_tensor *bounds*, if one is."""
    if 0 in value.shape:
        return None
    value = value.detach()
    if value.is_complex():
        return _located_tensor(value, _none(value) if bounds.ranged else value.isfinite())
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
    return _located_tensor(value, _none(value) if fit is None else fit.within(value))


def _none(value: Any) -> Any:
    """Return that no element is inside."""
    return value.new_zeros(value.shape).bool()


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


def _located_tensor(value: Any, inside: Any) -> Outside | None:
    """Return the first element that is not *inside*, in one pass."""
    wrong = ~inside
    count = int(wrong.sum())
    if not count:
        return None
    index = unravel(int(wrong.flatten().byte().argmax()), tuple(value.shape))
    return Outside((index,) if index else (), value[index].item(), count - 1)
