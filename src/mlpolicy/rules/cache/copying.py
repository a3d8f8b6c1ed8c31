"""What is kept of a result, and what a caller gets of what is kept.

Neither shares anything that can be changed with the other, as far as the copy mode says.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from functools import partial
from marshal import dumps, loads
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mlpolicy.core.report import interrupts, say_once
from mlpolicy.rules.cache.classes import BARE, Unkept, fixed, of_library
from mlpolicy.rules.cache.contents import (
    ARRAYS,
    DEEP,
    MOST,
    PLAIN,
    SAME,
    holds_objects,
    is_flat,
    refuse_one_shots,
    survey,
)

if TYPE_CHECKING:
    from mlpolicy.rules.cache.rule import CopyMode


Copy = Callable[[Any], Any]


def _copies(array: Copy, *, seal: bool = False) -> Copy:
    """Return what copies a tree, with its arrays as *array* gives them; sealed, on request."""

    def items(value: Any) -> list[Any]:
        return [one if type(one) in BARE else copied(one) for one in value]

    def mapping(value: Any) -> dict[Any, Any]:
        return {k: one if type(one) in BARE else copied(one) for k, one in value.items()}

    def copied(value: Any) -> Any:
        kind = type(value)
        known = table.get(kind)
        if known is not None:
            return known(value)
        if issubclass(kind, tuple):  # named: of the same class, and what it checks was checked
            return tuple.__new__(kind, items(value))
        return array(value) if of_library(kind, "numpy", "ndarray") else value

    table: dict[type, Copy] = {
        list: items,
        dict: mapping,
        set: set.copy,
        bytearray: bytearray.copy,
        tuple: lambda value: tuple(items(value)),
        MappingProxyType: lambda value: MappingProxyType(mapping(value)),
    }
    if seal:
        table[list] = table[tuple]
        table[dict] = table[MappingProxyType]
        table |= {set: frozenset, bytearray: bytes}
    return copied


def _frozen(array: Any) -> Any:
    made = array.copy(order="K")
    made.flags.writeable = False
    return made


again: Final = _copies(lambda array: array.view())
"""Returns what a caller gets of what is kept: nothing that can be changed is shared."""
kept: Final = _copies(_frozen)
"""Returns what is kept of a result: its arrays are read-only, so that views will do later."""
sealed: Final = _copies(_frozen, seal=True)
"""Returns what is kept where no caller may change anything: tuples for lists, and so on."""


class Kept(NamedTuple):
    """A result made ready for the store."""

    value: object
    """What the store holds."""
    copied: Copy | None
    """Makes what a later caller gets; None where that is the value itself."""
    given: object
    """What the caller gets for whom it was computed."""


Keep = Callable[[Any], Kept]


class Lost:
    """Stands for what a caller would have got of an entry that could not be copied."""


_FRAMES: Final = ("pandas", "DataFrame", "Series")


def _own_copy() -> Any:
    """Return a module `copy` of our own: a policy on the program's would meet itself in here."""
    spec: Any = copy.__spec__
    own = ModuleType(spec.name)
    spec.loader.exec_module(own)
    return own


_OWN: Final = _own_copy()


class Copier:
    """Copies what is kept for one more caller; gives `Lost` where that fails."""

    __slots__ = ("_copy", "_target")

    def __init__(self, copy: Callable[[Any], object], target: str) -> None:
        self._copy = copy
        self._target = target

    def __call__(self, value: Any) -> object:
        """Return what the caller gets."""
        try:
            return self._copy(value)
        except Exception as error:
            if interrupts(error):
                raise
            not_kept(self._target, value, error)
            return Lost


def not_kept(target: str, result: object, error: Exception) -> None:
    """Say once why results of *target* are not cached; by classes alone, never by values."""
    what = f"{type(result).__module__}.{type(result).__qualname__}"
    why = f"a {what} cannot be copied ({type(error).__name__}); where no caller changes it, "
    why = str(error) if type(error) is Unkept else f"{why}`copy: none` keeps it as it is"
    say_once(f"cache:{target}:keep", f"{target}: a result is not cached: {why}")


def keeping(mode: CopyMode, target: str) -> Keep:
    """Return how results of *target* are kept under *mode*."""
    modes = {"none": _none, "shallow": _shallow, "deep": _deep, "readonly": _readonly}
    return partial(modes.get(mode, _auto), target)


def _none(_: str, value: Any) -> Kept:
    refuse_one_shots(value)
    return Kept(value, None, value)


def _shallow(target: str, value: Any) -> Kept:
    refuse_one_shots(value)
    if fixed(type(value)) or type(value) is frozenset:
        return Kept(value, None, value)
    return Kept(_OWN.copy(value), Copier(_OWN.copy, target), value)


def _deep(target: str, value: Any) -> Kept:
    if of_library(type(value), *_FRAMES):
        return _frame(target, value)
    sort = survey(value, most=None)
    return _nest(target, value, DEEP if sort == ARRAYS else sort)


def _auto(target: str, value: Any) -> Kept:
    kind = type(value)
    if kind in BARE:
        return Kept(value, None, value)
    copied = _FLAT.get(kind)
    if copied is not None and len(value) <= MOST:
        values = value.values() if kind is dict else ()
        if is_flat(value) and is_flat(values):
            return Kept(copied(value), copied, value)
    return _block(target, value) or _nest(target, value, survey(value))


def _readonly(target: str, value: Any) -> Kept:
    block = _block(target, value)
    if block is not None:
        return block
    sort = survey(value)
    if sort in (SAME, DEEP):
        return _nest(target, value, sort)
    made = sealed(value)
    if sort == ARRAYS:
        return Kept(made, Copier(again, target), again(made))
    return Kept(made, None, made)


def _nest(target: str, value: Any, sort: int) -> Kept:
    if sort == SAME:
        return Kept(value, None, value)
    if sort == PLAIN:
        return Kept(dumps(value, 2), loads, value)
    if sort == DEEP:
        return Kept(_OWN.deepcopy(value), Copier(_OWN.deepcopy, target), value)
    made = kept(value)
    # Arrays are read-only for the first caller too: what writes fails at once, not at a hit.
    return Kept(made, Copier(again, target), again(made) if sort == ARRAYS else value)


_FLAT: Final[dict[type, Copy]] = {
    list: list.copy,
    dict: dict.copy,
    set: set.copy,
    bytearray: bytearray.copy,
}


def _block(target: str, value: Any) -> Kept | None:
    """Keep an array, a frame or a tensor; None where *value* is none of them."""
    kind = type(value)
    if of_library(kind, "numpy", "ndarray"):
        return _array(target, value)
    if of_library(kind, *_FRAMES):
        return _frame(target, value)
    if of_library(kind, "torch", "Tensor"):
        return Kept(value.clone(), Copier(kind.clone, target), value)
    return None


def _array(target: str, value: Any) -> Kept:
    numpy: Any = sys.modules["numpy"]
    if value.dtype.hasobject and survey(value.tolist()) != SAME:
        return _nest(target, value, DEEP)
    if type(value) is not numpy.ndarray:
        return Kept(value.copy(), Copier(type(value).copy, target), value)
    made = kept(value)
    # Each caller gets a view of its own: to reshape it in place is nobody else's business,
    # and it cannot be made writable, as what it looks into is not.
    return Kept(made, numpy.ndarray.view, made.view())


def _frame(target: str, value: Any) -> Kept:
    pandas: Any = sys.modules["pandas"]
    copied: Copy = type(value).copy
    if holds_objects(value):  # which its own copies would share
        copied = _pickled
    made = copied(value)
    if copied is not _pickled and int(pandas.__version__.partition(".")[0]) >= 3:
        copied = _lazily
    return Kept(made, Copier(copied, target), value)


def _lazily(frame: Any) -> object:
    return frame.copy(deep=False)


def _pickled(value: Any) -> object:
    import pickle

    return pickle.loads(pickle.dumps(value, 5))  # nosec B301  # noqa: S301 (what this very line has written)
