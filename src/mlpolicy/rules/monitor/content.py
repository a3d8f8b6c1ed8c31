"""What is in the arguments of a call, for `inputs: full`: redacted, bounded in size and time.

No code of the user's runs here: containers and instances are read as they lie in memory.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections import deque
from collections.abc import Iterable, Mapping
from types import GetSetDescriptorType, ModuleType
from typing import Any, Final

from mlpolicy.core.argpath import ArgPath, parse
from mlpolicy.core.classes import mro_of
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

At = tuple[str | int, ...]


class _TooLarge(Exception):
    """There is more than an event may hold."""


def content(arguments: Mapping[str, Any], redact: Iterable[str]) -> dict[str, Any]:
    """Return what is in each argument, less what must not be written; if it is much, the types."""
    try:
        writer = _Writer([parse(path) for path in redact])
        written = {name: writer.under(name, value, ()) for name, value in arguments.items()}
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

    def __init__(self, paths: list[ArgPath]) -> None:
        self._paths = paths
        self._left = LARGEST

    def under(self, name: str, value: Any, at: At) -> Any:
        """Return what is in the *value* that stands under *name*."""
        return REDACTED if is_secret(name) and name != "key" else self._plain(value, (*at, name))

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise _TooLarge

    def _plain(self, value: Any, at: At) -> Any:
        self._spend(1)
        if any(_covers(path, at) for path in self._paths):
            return REDACTED
        made_of = mro_of(type(value))
        if value is None or value is True or value is False:
            return value
        if int in made_of or float in made_of:
            return self._number(value, is_whole=int in made_of)
        if type(value) in _AS_TEXT and type(getattr(value, "tzinfo", None)) in _ZONES:
            return self._text(str(value))
        if str in made_of:
            return self._text(str.__str__(value))
        return self._summary(value) if len(at) > _DEEPEST else self._container(value, made_of, at)

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
        return safe_text(text, LARGEST)

    def _summary(self, value: Any) -> dict[str, Any]:
        self._spend(16)
        return summary(value)

    def _container(self, value: Any, made_of: tuple[type, ...], at: At) -> Any:
        if dict in made_of:
            return self._mapping(dict.items(value), at)
        for base in _LISTED:
            if base in made_of:
                items = enumerate(base.__iter__(value))
                return [self._plain(item, (*at, place)) for place, item in items]
        library, base_name = library_class(type(value))
        if library:
            return self._array(value, base_name, at)
        # The attributes of an instance, as they are stored.
        attribute = None if ModuleType in made_of else own_attribute(type(value), "__dict__")
        state = attribute.__get__(value) if type(attribute) is GetSetDescriptorType else None
        if type(state) is not dict or not state:
            return self._summary(value)
        public = ((key, item) for key, item in state.copy().items() if not key.startswith("_"))
        return self._mapping(public, at)

    def _mapping(self, items: Iterable[tuple[Any, Any]], at: At) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for key, value in items:
            name = _key(key)
            self._spend(len(name))
            written[name] = self.under(name, value, at)
        return written

    def _array(self, value: Any, base: str, at: At) -> Any:
        """Return an array of numpy, or a series of pandas, with its elements if they are few."""
        if base == "generic":
            item = value.item()
            return self._plain(item, at) if type(item) is not type(value) else summary(value)
        listed = base in ("ndarray", "Series") and hasattr(value, "tolist")
        if not listed or value.size > _MOST_ELEMENTS:
            return self._summary(value)
        return self._summary(value) | {"data": self._plain(value.tolist(), at)}


def _key(key: Any) -> str:
    """Return a key as text; one of a class of the user's by its name."""
    if str in mro_of(type(key)):
        return str.__str__(key)
    if type(key) in (bool, float, type(None)) or (type(key) is int and key.bit_length() <= _BITS):
        return str(key)
    return f"({name_of(type(key))})"


def _covers(path: ArgPath, at: At) -> bool:
    steps = (path.name, *path.steps)
    return len(steps) == len(at) and all(
        step == part or (step == "*" and isinstance(part, int))
        for step, part in zip(steps, at, strict=True)
    )
