"""Values as messages show them: enough to find the fault, never the whole value.

The caller is shown a little of the value, logs its class alone. Neither runs code of the value:
what is not of a class that is known by itself is the name of its class.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.rules.validate.checks.classes import (
    is_array,
    is_moment,
    is_scalar_of_numpy,
    made_by,
    path,
)
from mlpolicy.rules.validate.checks.dtypes import canonical

LONGEST = 32
"""Characters of a text that a message shows."""
MOST = 100
"""Characters that a message shows of another message."""
_LIBRARIES = frozenset(("numpy", "torch", "jaxlib", "pandas", "polars", "pyarrow"))
_TEXTS = frozenset((str, bytes))
_NUMBERS = frozenset((bool, int, float, complex, Decimal, Fraction))
_TYPED = frozenset((str, bytes, bool, int, float))
"""Classes of values that are shown with their class, where that is what is wrong."""


@frozen()
class Said:
    """A part of a message, as the caller reads it and as logs may have it."""

    text: str
    public: str


def shown(value: Any) -> Said:
    """Return *value* for a message; texts are cut, and of containers only the sort is named."""
    public = kind(value)
    plain = _plain(value)
    if type(plain) in _TEXTS:
        return Said(cut(plain), public)
    if type(plain) in _NUMBERS:
        return Said(number(plain), public)
    named = value is None or _is_looked_into(type(value))
    return Said(public if named else f"a {public}", public)


def typed(value: Any) -> Said:
    """Return *value* with its class, where the class is what is wrong."""
    public = kind(value)
    plain = _plain(value)
    return Said(f"{public} {shown(plain).text}" if type(plain) in _TYPED else public, public)


def kind(value: Any) -> str:
    """Return what sort of thing *value* is: of its contents nothing but dtype and shape."""
    if value is None:
        return "null"
    name = path(type(value))
    if not _is_looked_into(type(value)):
        return name
    try:
        return f"{name} of {canonical(value.dtype)} with shape {size(value.shape)}"
    except (AttributeError, TypeError, ValueError):
        return name


def unreadable(value: Any, error: Exception) -> Said:
    """Return that *value* raised *error* when it was looked at.

    Exceptions of a library or a program make their text by code of their own.
    """
    name = type(error).__name__
    told = error.args[:1] if type(error).__module__ == "builtins" else ()
    text = f"{name}: {told[0][:MOST]}" if told and type(told[0]) is str else name
    said = typed(value)
    return Said(
        f"{said.text}, which cannot be checked ({text})",
        f"{said.public}, which cannot be checked ({name})",
    )


def size(shape: Any) -> str:
    """Return a shape as a policy file writes it: `[3, 128]`."""
    return f"[{', '.join(str(one) for one in shape)}]"


def number(value: Any) -> str:
    """Return a plain number as Python writes it."""
    try:
        return cut_text(repr(value))
    except ValueError:  # an integer with more digits than Python prints
        return f"a {path(type(value))}"


def cut(value: str | bytes) -> str:
    """Return a text quoted, its beginning alone if it is long."""
    if len(value) <= LONGEST:
        return repr(value)
    return f"{value[:LONGEST]!r}… ({len(value)} long)"


def cut_text(value: str) -> str:
    """Return *value* unless it is long; then its beginning."""
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def listed(values: Any) -> str:
    """Return the first few of *values*, of a policy file, in a row."""
    values = list(values)
    parts = [shown(one).text for one in values[:8]]
    return ", ".join(parts) + (", …" if len(values) > len(parts) else "")


def _plain(value: Any) -> Any:
    """Return a scalar of numpy as Python has it, anything else as it is."""
    cls = type(value)
    scalar = made_by(cls) == "numpy" and is_scalar_of_numpy(cls) and not is_moment(cls)
    return value.item() if scalar else value


def _is_looked_into(cls: type) -> bool:
    """Whether *cls* itself, not only a base of it, is an array of a library that is known."""
    return made_by(cls) in _LIBRARIES and is_array(cls)
