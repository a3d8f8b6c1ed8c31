"""Classes and dtypes that passed before, so that the generated lines need not ask again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mlpolicy.core.live import Live
from mlpolicy.rules.validate.checks.elements import REDUCIBLE, fitted

if TYPE_CHECKING:
    from mlpolicy.rules.validate.checks.bounds import Bounds

MOST = 8
"""Classes and dtypes that are remembered; a service meets one or two."""
_TRUSTED = (
    "numpy.ndarray",
    "torch.Tensor",
    "jaxlib.xla_extension.ArrayImpl",
    "jaxlib._jax.ArrayImpl",
)
"""Classes of arrays whose `shape`, `ndim` and `dtype` do what they should."""


class Known(Live):
    """What one spec has learned from values that passed all its checks.

    Whether a class is of the type, and whether a dtype is one of those allowed, depends on
    nothing else; so the two are remembered apart.
    """

    classes: tuple[type, ...] = ()
    arrays: tuple[type, ...] = ()
    dtypes: tuple[Any, ...] = ()

    def __init__(self, bounds: Bounds | None) -> None:
        self._bounds = bounds

    def learn(self, value: Any) -> None:
        """Remember the class and the dtype of *value*, which passed."""
        cls = type(value)
        if cls not in self.classes and len(self.classes) < MOST:
            self.classes = (*self.classes, cls)
        if self._is_plain_array(cls) and cls not in self.arrays and len(self.arrays) < MOST:
            self.arrays = (*self.arrays, cls)
        if cls in self.arrays:
            self._learn_dtype(value.dtype)

    def _is_plain_array(self, cls: type) -> bool:
        path = f"{cls.__module__}.{cls.__qualname__}"
        return path in _TRUSTED if self._bounds is None else path == _TRUSTED[0]

    def _learn_dtype(self, dtype: Any) -> None:
        if dtype in self.dtypes or len(self.dtypes) >= MOST:
            return
        if self._bounds is None or comparable(dtype, self._bounds):
            self.dtypes = (*self.dtypes, dtype)


def comparable(dtype: Any, bounds: Bounds) -> bool:
    """Whether elements of *dtype* can be compared with *bounds* as they stand.

    A bound that a float16 cannot hold would overflow, with a warning, at each call; a whole
    number would be compared with a large float as a float, which may equal it or not.
    """
    ends = (bounds.low, bounds.high)
    infinite = (-math.inf, math.inf)
    if dtype.kind == "f":
        return all(end in infinite or fitted(end, dtype) not in infinite for end in ends)
    if any(isinstance(end, float) and end not in infinite and abs(end) > 2**53 for end in ends):
        return False
    return dtype.kind in REDUCIBLE
