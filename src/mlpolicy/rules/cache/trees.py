"""Copies of nested containers whose every container stands in one place.

Several times as quick as `copy.deepcopy`, which remembers all that it has copied.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from mlpolicy.rules.cache.classes import BARE, of_library

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
