"""How a result can be copied, from the classes of all that it holds: no code of the user's runs."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mlpolicy.rules.cache.classes import (
    BARE,
    Unkept,
    fixed,
    frozen_record,
    has,
    object_columns,
    of_library,
    one_shot,
)
from mlpolicy.rules.cache.streams import is_response, used_once

MOST: Final = 1_000_000
"""Items that a result may have if it is to be copied for each caller."""
_OBJECT: Final = 10
"""Items that an object counts for which `copy.deepcopy` copies."""
_MOST_CLASSES: Final = 2048

SAME, PLAIN, TREE, DEEP = range(4)
"""Nothing in it can change; lists, dicts, sets and scalars; containers that `trees` copies; else."""

_Traits = int
_CHANGES, _ODD, _ARRAY, _RECORD, _FOREIGN, _SHARED = (1 << at for at in range(6))
"""Of a class: an instance can change; `marshal` does not know it; it is a numpy array; `trees`
cannot make another with other contents; `copy.deepcopy` alone can copy it.
Of an instance: it stands in two places, and only a copy that remembers keeps it one."""


class Look(NamedTuple):
    """What there is in a result."""

    sort: int
    arrays: bool
    """Whether numpy arrays are in it."""


Inside = Callable[[Any], Any]
"""Gives what an instance holds."""
How = tuple[_Traits, Inside | None]
"""The traits of a class, and how to look into it; None where that does not matter."""


def survey(value: Any, most: int | None = MOST) -> Look:
    """Return what there is in *value*.

    Raises:
        Unkept: It cannot be copied: it has too many items, or one that is used up by its use.
    """
    traits, count, seen = 0, 0, set[int]()
    ahead: list[Any] = [value]
    while ahead:
        one = ahead.pop()
        how, look_into = _HOWS.get(type(one)) or _find(type(one))
        traits |= how
        if look_into is None:
            continue
        inside = look_into(one)
        flat = BARE.issuperset(map(type, inside))
        if id(one) in seen:
            traits |= 0 if flat and not how else _SHARED
            continue
        seen.add(id(one))
        count += len(inside) + (_OBJECT if how & _FOREIGN else 1)
        if most is not None and count > most:
            raise Unkept(f"over {most:,} items to copy for each caller; `copy: none` copies none")
        if not flat:
            ahead += inside
            traits |= _FOREIGN if how & _ARRAY else 0  # a view would share what is in it
        if type(one) is dict and not BARE.issuperset(map(type, one.values())):
            ahead += one.values()
    return Look(_sort(traits), bool(traits & _ARRAY))


def _sort(traits: _Traits) -> int:
    if not traits & (_CHANGES | _ARRAY | _FOREIGN):
        return SAME
    if traits & (_FOREIGN | _SHARED | _RECORD):
        return DEEP
    return TREE if traits & (_ODD | _ARRAY) else PLAIN


def holds_objects(frame: Any) -> bool:
    """Return whether a pandas frame or series holds what can change, and what it would share."""
    columns = (tuple(one.tolist()) for one in object_columns(frame))
    odd = tuple(one for one in columns if not BARE.issuperset(map(type, one)))
    return survey(odd).sort != SAME


def _itself(value: Any) -> Any:
    return value


def _nothing(_: object) -> tuple[object, ...]:
    return ()


def _elements(array: Any) -> Any:
    return array.ravel().tolist() if array.dtype.hasobject else ()


def _frame(value: Any) -> tuple[object, ...]:
    if holds_objects(value):
        raise Unkept("a frame of objects that can change is in a container")
    return ()


def _response(value: object) -> tuple[object, ...]:
    if used_once(value):
        raise Unkept(f"a {type(value).__qualname__} in it can be used only once")
    return ()  # (read by now: it knows how to copy itself)


def _find(kind: type) -> How:
    """Return what is known of a class that is met for the first time."""
    how = _how(kind)
    if len(_HOWS) > _MOST_CLASSES:  # classes made on the fly must not pile up
        _HOWS.clear()
        _HOWS.update(_OURS)
    _HOWS[kind] = how
    return how


def _how(kind: type) -> How:
    if fixed(kind):
        return _ODD, None
    if one_shot(kind) or kind is types.ModuleType:
        raise Unkept(f"a {kind.__qualname__} in it cannot be copied")
    if issubclass(kind, tuple) and has(kind, "_fields"):
        return _ODD, _itself
    if frozen_record(kind):
        return _RECORD, gc.get_referents
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        return _ARRAY, _elements
    if of_library(kind, "pandas", "DataFrame", "Series"):
        look_into: Inside = _frame
    else:
        look_into = _response if is_response(kind) else gc.get_referents
    return _FOREIGN, look_into


_OURS: Final[dict[type, How]] = {
    **dict.fromkeys(BARE, (0, None)),
    **dict.fromkeys((tuple, frozenset), (0, _itself)),
    **dict.fromkeys((list, dict, set), (_CHANGES, _itself)),
    bytearray: (_CHANGES | _ODD, _nothing),
    types.MappingProxyType: (_CHANGES | _ODD, gc.get_referents),
}
_HOWS: Final[dict[type, How]] = dict(_OURS)
"""By exact class; a class is added when it is first met."""
