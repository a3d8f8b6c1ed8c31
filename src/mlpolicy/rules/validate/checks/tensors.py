"""Numbers in tensors of torch: one reduction on the device where the tensor is.

Two numbers come to the host, where they are compared as they are. Nothing of torch is imported.
"""

from __future__ import annotations

import math
from typing import Any

from mlpolicy.rules.validate.checks.bounds import Bounds, Outside
from mlpolicy.rules.validate.checks.elements import unravel


def outside(value: Any, bounds: Bounds) -> Outside | None:
    """Return the first element of a tensor that is outside *bounds*, if one is."""
    if 0 in value.shape:
        return None
    value = value.detach()
    if value.is_complex():
        return _located(value, _none(value) if bounds.ranged else value.isfinite())
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
    return _located(value, _none(value) if fit is None else fit.within(value))


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


def _located(value: Any, inside: Any) -> Outside | None:
    """Return the first element that is not *inside*, in one pass."""
    wrong = ~inside
    count = int(wrong.sum())
    if not count:
        return None
    index = unravel(int(wrong.flatten().byte().argmax()), tuple(value.shape))
    return Outside((index,) if index else (), value[index].item(), count - 1)
