"""What is in the arguments of a call, for `inputs: full`: redacted, bounded in size and time.

No code of the user's runs here: containers and instances are read as they lie in memory.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import GetSetDescriptorType, ModuleType
from typing import Any, Final

from mlpolicy.core.argpath import EVERY, ArgPath, meets
from mlpolicy.core.classes import SCALARS, mro_of
from mlpolicy.core.report import interrupts, is_secret
from mlpolicy.rules.monitor.summary import (
    LARGEST,
    REDACTED,
    library_class,
    name_of,
    own_attribute,
    safe_text,
    summary,
)

_DEEPEST: Final = 6
_MOST_ELEMENTS: Final = 1000
"""Elements of an array that are written."""
_BITS: Final = 64
_LISTED: Final[tuple[Any, ...]] = (list, tuple, set, frozenset, deque)
_AS_TEXT: Final = {
    *(complex, decimal.Decimal),
    *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta),
}
_ZONES: Final = {type(None), datetime.timezone}
"""Time zones that need no code of others to be written."""

Paths = list[tuple[str | int, ...]]
"""What is left of the paths to what must not be written, from the value at hand on."""


class _TooLarge(Exception):
    """There is more than an event may hold."""


def content(
    arguments: Mapping[str, Any], redact: Iterable[ArgPath], hide: Callable[[str], str] = str
) -> dict[str, Any]:
    """Return what is in each argument, less what must not be written; if it is much, the types."""
    try:
        writer, paths = _Writer(hide), [(path.name, *path.steps) for path in redact]
        written = {name: writer.under(value, paths, name) for name, value in arguments.items()}
        if len(json.dumps(written, allow_nan=False)) <= LARGEST:
            return written
    except _TooLarge:
        pass
    except RuntimeError as failure:  # another thread changes a container as it is read
        if interrupts(failure):
            raise
    return {"truncated": True} | {name: summary(value) for name, value in arguments.items()}


class _Writer:
    """Makes JSON of values, as long as there is room."""

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._hide = hide
        self._left = LARGEST
        self._depth = 0

    def under(self, value: Any, paths: Paths, *keys: object) -> Any:
        """Return what is in the *value* that stands under these *keys*, names of the same place.

        A path may leave out the index of an item of a list.
        """
        self._spend(1)
        if any(isinstance(key, str) and is_secret(key) and key != "key" for key in keys):
            return REDACTED
        rest = [path[1:] for path in paths if any(meets(path[0], key) for key in keys)]
        if () in rest:
            return REDACTED
        self._depth += 1
        if type(keys[0]) is int:
            rest += [path for path in paths if isinstance(path[0], str) and path[0] != EVERY]
        written = self._plain(value, rest)
        self._depth -= 1
        return written

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise _TooLarge

    def _plain(self, value: Any, paths: Paths) -> Any:
        made_of = mro_of(type(value))
        if value is None or value is True or value is False:
            return value
        if int in made_of or float in made_of:
            return self._number(value, is_whole=int in made_of)
        if type(value) in _AS_TEXT and type(getattr(value, "tzinfo", None)) in _ZONES:
            return self._text(str(value))
        if str in made_of:
            return self._text(str.__str__(value))
        deep = self._depth > _DEEPEST
        return self._summary(value) if deep else self._container(value, made_of, paths)

    def _number(self, value: Any, *, is_whole: bool) -> int | float | str:
        if not is_whole:
            real = float.__float__(value)
            return real if math.isfinite(real) else json.dumps(real)  # (as text: `NaN`)
        number = int.__add__(value, 0)
        # Few readers of JSON take more, and Python writes no more than 4,300 digits.
        self._spend(number.bit_length() // 4)
        return number if number.bit_length() <= _BITS else hex(number)

    def _text(self, text: str) -> str:
        self._spend(len(text))
        return safe_text(text, LARGEST, self._hide)

    def _summary(self, value: Any) -> dict[str, Any]:
        self._spend(16)
        return summary(value)

    def _container(self, value: Any, made_of: tuple[type, ...], paths: Paths) -> Any:
        if dict in made_of:
            return self._mapping(dict.items(value), paths)
        for base in _LISTED:
            if base in made_of:
                return self._list(enumerate(base.__iter__(value)), type(value), paths)
        library, base_name = library_class(type(value))
        if library:
            return self._array(value, base_name, paths)
        # The attributes of an instance, as they are stored.
        attribute = None if ModuleType in made_of else own_attribute(type(value), "__dict__")
        state = attribute.__get__(value) if type(attribute) is GetSetDescriptorType else None
        if type(state) is not dict or not state or _computes(value, state, paths):
            return self._summary(value)
        public = ((key, item) for key, item in state.copy().items() if not key.startswith("_"))
        return self._mapping(public, paths)

    def _list(self, items: Iterable[tuple[int, Any]], cls: type, paths: Paths) -> list[Any]:
        """Return the *items* of a *cls*; those of a named tuple bear names too."""
        fields = own_attribute(cls, "_fields") if tuple in mro_of(cls) else None
        names = fields if type(fields) is tuple else ()
        return [
            self.under(item, paths, at, *(one for one in names[at : at + 1] if type(one) is str))
            for at, item in items
        ]

    def _mapping(self, items: Iterable[tuple[Any, Any]], paths: Paths) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for key, value in items:
            name = _key(key)
            self._spend(len(name))
            raw = key[:LARGEST].decode("utf-8", "replace") if type(key) is bytes else key
            same = raw if type(raw) in SCALARS else name
            written[self._hide(name)] = self.under(value, paths, name, same)
        return written

    def _array(self, value: Any, base: str, paths: Paths) -> Any:
        """Return an array of numpy, or a series of pandas, with its elements if they are few."""
        labels = name_of(type(getattr(value, "index", None))) if base == "Series" else "RangeIndex"
        if labels != "RangeIndex" or getattr(getattr(value, "dtype", None), "names", None):
            return self._summary(value)  # (its elements go by names)
        if base == "generic":
            item = value.item()
            return self._plain(item, paths) if type(item) is not type(value) else summary(value)
        listed = base in ("ndarray", "Series") and hasattr(value, "tolist")
        if not listed or value.size > _MOST_ELEMENTS:
            return self._summary(value)
        return self._summary(value) | {"data": self._plain(value.tolist(), paths)}


def _computes(value: object, state: Mapping[str, Any], paths: Paths) -> bool:
    """Whether a path goes on to what *value* makes of its attributes: a property, an item."""
    cls = type(value)
    hooks = ("__getattr__", "__getitem__")
    absent = [str(path[0]) for path in paths if path[0] not in state]
    return any(own_attribute(cls, name) is not None for one in absent for name in (one, *hooks))


def _key(key: Any) -> str:
    """Return a key as text; one of a class of the user's by its name."""
    if str in mro_of(type(key)):
        return str.__str__(key)
    if type(key) in (bool, float, type(None)) or (type(key) is int and key.bit_length() <= _BITS):
        return str(key)
    return f"({name_of(type(key))})"
