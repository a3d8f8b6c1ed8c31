"""What is kept of a result, and what a caller gets of what is kept.

Neither shares anything that can be changed with the other, as far as the copy mode says.
"""

from __future__ import annotations

import copy
import operator
import sys
from collections.abc import Callable
from dataclasses import is_dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

CopyMode = Literal["auto", "none", "shallow", "deep", "readonly"]


class Kept(NamedTuple):
    """A result made ready for the store."""

    value: object
    """What the store holds."""
    copied: Callable[[Any], object] | None
    """Makes what a later caller gets; None where that is the value itself."""
    given: object
    """What the caller gets for whom it was computed."""


Keep = Callable[[Any], Kept]

_CONSTANT: Final = frozenset(
    {
        int,
        str,
        bytes,
        bool,
        float,
        complex,
        type(None),
        frozenset,
        range,
        MappingProxyType,
    }
)


def keeping(mode: CopyMode) -> Keep:
    """Return how results are kept under *mode*."""
    modes = {"none": _shared, "shallow": _shallow, "deep": _deep, "readonly": _readonly}
    return modes.get(mode, _auto)


def one_shot(value: object) -> bool:
    """Tell whether *value* can be used only once: an iterator, a generator, a coroutine."""
    kind = type(value)
    return any(hasattr(kind, name) for name in ("__next__", "__anext__", "__await__"))


def _shared(value: Any) -> Kept:
    return Kept(value, None, value)


def _shallow(value: Any) -> Kept:
    if type(value) in _CONSTANT:
        return _shared(value)
    return Kept(copy.copy(value), copy.copy, value)


def _deep(value: Any) -> Kept:
    if type(value) in _CONSTANT - {frozenset, MappingProxyType}:
        return _shared(value)
    return Kept(copy.deepcopy(value), copy.deepcopy, value)


def _auto(value: Any) -> Kept:
    kind = type(value)
    if kind in _CONSTANT:
        return _shared(value)
    copied = _COPIES.get(kind)
    if copied is not None:
        return Kept(copied(value), copied, value)
    if isinstance(value, tuple):
        return _tuple(value, _auto)
    return _block(value) or _object(value)


def _readonly(value: Any) -> Kept:
    sealed = _SEALS.get(type(value))
    if sealed is not None:
        shown = sealed(value)
        return Kept(shown, None, shown)
    return _tuple(value, _readonly) if isinstance(value, tuple) else _auto(value)


_COPIES: Final[dict[type, Callable[[Any], object]]] = {
    list: list.copy,
    dict: dict.copy,
    set: set.copy,
    bytearray: bytearray.copy,
}
_SEALS: Final[dict[type, Callable[[Any], object]]] = {
    list: tuple,
    dict: lambda value: MappingProxyType(value.copy()),
    set: frozenset,
    bytearray: bytes,
}


def _tuple(value: tuple[Any, ...], keep: Keep) -> Kept:
    """Keep a tuple by its items: a pair of arrays is as changeable as its arrays."""
    build: Any = tuple if type(value) is tuple else getattr(type(value), "_make", None)
    items = [keep(item) for item in value] if build else []
    copiers = [item.copied for item in items]
    if not any(copiers) and all(map(operator.is_, (item.value for item in items), value)):
        return _shared(value)

    def copied(kept: tuple[Any, ...]) -> object:
        pairs = zip(copiers, kept, strict=True)
        return build([item if copier is None else copier(item) for copier, item in pairs])

    kept = build([item.value for item in items])
    return Kept(kept, copied, build([item.given for item in items]))


def _block(value: Any) -> Kept | None:
    """Keep an array, a frame or a tensor; None where *value* is none of them."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return _array(value, numpy)
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        return _frame(value, pandas)
    torch: Any = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return Kept(value.clone(), type(value).clone, value)
    return None


def _array(value: Any, numpy: Any) -> Kept:
    if type(value) is not numpy.ndarray:
        return Kept(value.copy(), type(value).copy, value)
    kept = value.copy(order="K")
    kept.flags.writeable = False
    # Each caller gets a view of its own: to reshape it in place is nobody else's business,
    # and it cannot be made writable, as what it looks into is not.
    return Kept(kept, numpy.ndarray.view, kept.view())


def _frame(value: Any, pandas: Any) -> Kept:
    if int(pandas.__version__.partition(".")[0]) >= 3:
        return Kept(value.copy(), _lazily, value)
    return Kept(value.copy(), type(value).copy, value)


def _lazily(value: Any) -> object:
    return value.copy(deep=False)


def _object(value: Any) -> Kept:
    """Keep a record by a copy of its fields; any other object as it is."""
    kind = type(value)
    record = is_dataclass(kind) or hasattr(kind, "__pydantic_fields__")
    if not record or _frozen(kind):
        return _shared(value)
    return Kept(copy.copy(value), copy.copy, value)


def _frozen(kind: Any) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    if parameters is not None:
        return bool(parameters.frozen)
    return bool(getattr(kind, "model_config", {}).get("frozen"))
