"""What is known of classes, without asking them."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from mlpolicy.core.live import Live

_T = TypeVar("_T")

SCALARS = (int, float, str, bytes, bool, complex, type(None))
_WORDS = frozenset(
    (*(cls.__name__ for cls in SCALARS), "None", "Optional", "Union", "list", "tuple", "dict")
)
"""Annotations of these words alone promise plain values."""

_MOST: Final = 1000
mro_of: Any = type.__dict__["__mro__"].__get__
"""The classes that a class derives from, itself first, whatever its metaclass says."""
_module_of: Any = type.__dict__["__module__"].__get__
name_of: Any = type.__dict__["__qualname__"].__get__
"""The qualified name of a class, whatever its metaclass says."""


class Plain(set[type], Live):
    """Classes that a driver need not look at again; it looks into this set."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # (a constant of drivers)
    __reduce__ = Live.__reduce__  # (set's own travels by content)

    def learn(self, kind: type) -> None:
        """Know *kind* from now on, if it is in its module for good: others must be free to go."""
        module = sys.modules.get(kind.__module__)
        if len(self) < _MOST and getattr(module, "__dict__", {}).get(kind.__qualname__) is kind:
            self.add(kind)


def by_path(kind: type, table: Mapping[str, _T]) -> _T | None:
    """Return what *table* has under the path of *kind*, or of a class that it derives from."""
    for one in mro_of(kind):
        found = table.get(f"{_module_of(one)}.{name_of(one)}")
        if found is not None:
            return found
    return None


def promises(annotation: object) -> bool:
    """Tell whether *annotation* promises scalars, or containers of them."""
    if annotation is None:
        return False
    text = annotation if isinstance(annotation, str) else _spelt(annotation)
    words = re.findall(r"\w+", text)
    plain = bool(words) and _WORDS.issuperset(words)
    return plain and ("[" in text or not {"list", "tuple", "dict"}.intersection(words))


def _spelt(annotation: object) -> str:
    if isinstance(annotation, type):
        return annotation.__name__
    # (of the user's classes none is asked for its text)
    return str(annotation) if type(annotation).__module__ in ("types", "typing") else ""
