"""Values as messages show them: enough to find the fault, never the whole value."""

from __future__ import annotations

from typing import Any

from mlpolicy.rules.validate.checks.classes import is_array, path

LONGEST = 32
"""Characters of a text that a message shows."""


def shown(value: Any) -> str:
    """Return *value* for a message; texts are cut, and of containers only the sort is named."""
    if value is None:
        return "null"
    if isinstance(value, str | bytes):
        return cut(value)
    if is_array(value.__class__):
        return array(value)
    if isinstance(value, bool | int | float | complex) or hasattr(value, "as_integer_ratio"):
        return number(value)
    return f"a {path(value.__class__)}"


def typed(value: Any) -> str:
    """Return *value* with its class, where the class is what is wrong."""
    if value is None:
        return "null"
    name = path(value.__class__)
    if isinstance(value, str | bytes | bool | int | float):
        return f"{name} {shown(value)}"
    return array(value) if is_array(value.__class__) else name


def array(value: Any) -> str:
    """Return what an array is: its class, dtype and shape."""
    try:
        return f"{path(value.__class__)} of {value.dtype} with shape {size(value.shape)}"
    except Exception:  # noqa: BLE001 (the message must come out whatever the object does)
        return path(value.__class__)


def size(shape: Any) -> str:
    """Return a shape as a policy file writes it: `[3, 128]`."""
    return f"[{', '.join(str(one) for one in shape)}]"


def number(value: Any) -> str:
    """Return a number, whichever library it is of, as Python writes it."""
    item = getattr(value, "item", None)
    try:
        return cut_text(repr(item() if callable(item) else value))
    except ValueError:  # an integer with more digits than Python prints
        return f"a {path(value.__class__)}"


def cut(value: str | bytes) -> str:
    """Return a text quoted, its beginning alone if it is long."""
    if len(value) <= LONGEST:
        return repr(value)
    return f"{value[:LONGEST]!r}… ({len(value)} long)"


def cut_text(value: str) -> str:
    """Return *value* unless it is long; then its beginning."""
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def listed(values: Any) -> str:
    """Return the first few of *values* in a row."""
    values = list(values)
    parts = [shown(one) for one in values[:8]]
    return ", ".join(parts) + (", …" if len(values) > len(parts) else "")
