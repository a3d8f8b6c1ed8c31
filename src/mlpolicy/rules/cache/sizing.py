"""About how many bytes a value takes: an estimate in bounded time."""

from __future__ import annotations

from itertools import islice
from sys import getsizeof
from typing import Any

_LOOKED_AT = 256
"""Items of one container that are looked at; the others are taken to be like them."""
_DEEPEST = 6


def size_of(value: Any, depth: int = 0) -> int:
    """Return an estimate of what *value* takes, with all that it holds."""
    kind = type(value)
    if kind in (str, bytes, bytearray, int, float, bool, type(None)):
        return getsizeof(value)
    block = _block(value)
    if block is not None:
        return block
    own = getsizeof(value)
    return own if depth >= _DEEPEST else own + _inside(value, depth)


def _inside(value: Any, depth: int) -> int:
    if isinstance(value, dict):
        return _of_items(value.items(), len(value), depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _of_items(value, len(value), depth)
    return _of_items(getattr(value, "__dict__", {}).values(), 0, depth)


def _block(value: Any) -> int | None:
    """Return the size of an array, a frame or a tensor, which know it themselves."""
    usage = getattr(value, "memory_usage", None)
    if usage is not None and hasattr(value, "iloc"):
        total = usage(index=True, deep=len(value) <= _LOOKED_AT)
        return getsizeof(type) + int(getattr(total, "sum", lambda: total)())
    size = getattr(value, "nbytes", None)
    return size + 112 if isinstance(size, int) else None  # (112: the header of an ndarray)


def _of_items(items: Any, count: int, depth: int) -> int:
    looked_at = 0
    total = 0
    for item in islice(items, _LOOKED_AT):
        total += size_of(item, depth + 1)
        looked_at += 1
    return total * max(count, looked_at) // looked_at if looked_at else 0
