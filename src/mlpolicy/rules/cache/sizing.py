"""About how many bytes a value takes: an estimate in bounded time that runs no code of the user's."""

from __future__ import annotations

import gc
import sys
import types
from itertools import islice
from sys import getsizeof
from typing import Any, Final

from mlpolicy.core.classes import mro_of
from mlpolicy.rules.cache.classes import BARE, object_columns, of_library

_LOOKED_AT: Final = (256, 32, 8, 4, 2, 1)
"""Items of one container that are looked at, by how deep it lies; the others are taken to be
like them."""
_HEADER: Final = 112
"""Bytes of the header of a numpy array."""
_OF_ARROW: Final = ("Table", "RecordBatch", "Array", "ChunkedArray")
_SHARED: Final = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


def size_of(value: Any, depth: int = 0) -> int:
    """Return an estimate of what *value* takes, with all that it holds."""
    kind = type(value)
    if kind in BARE:
        return getsizeof(value)
    if issubclass(kind, _SHARED):
        return 0
    block = _block(value, kind)
    if block is not None:
        return block
    own: int = _own(kind).__sizeof__(value)
    return own if depth >= len(_LOOKED_AT) else own + _inside(value, kind, _LOOKED_AT[depth], depth)


def _own(kind: type) -> Any:
    """Return the first class of *kind* that is not of the user's: its size is asked for."""
    return next(one for one in mro_of(kind) if one.__module__ in ("builtins", "collections"))


def _inside(value: Any, kind: type, most: int, depth: int) -> int:
    """Return the size of what *value* holds, from at most *most* items of it."""
    if issubclass(kind, dict):
        items = [one for pair in islice(dict.items(value), most) for one in pair]
        return _of_each(items, dict.__len__(value) * 2, depth)
    if issubclass(kind, list | tuple):
        sequence: Any = list if issubclass(kind, list) else tuple
        count = sequence.__len__(value)
        # From end to end: what grows, or was sorted, is not like its first items.
        every = slice(None, None, max(count // most, 1))
        return _of_each(sequence.__getitem__(value, every), count, depth)
    held = gc.get_referents(value)
    return _of_each(held[:most], len(held), depth)


def _of_each(items: Any, count: int, depth: int) -> int:
    total = sum([size_of(item, depth + 1) for item in items])
    return total * count // max(len(items), 1)


def _block(value: Any, kind: type) -> int | None:
    """Return the size of an array, a frame or a tensor, which know it themselves."""
    if of_library(kind, "numpy", "ndarray"):
        return _of_array(value, sys.modules["numpy"].ndarray)
    if of_library(kind, "pandas", "DataFrame", "Series", "Index"):
        return _of_frame(value)
    if of_library(kind, "torch", "Tensor") or of_library(kind, "pyarrow", *_OF_ARROW):
        return int(value.nbytes) + _HEADER
    if of_library(kind, "polars", "DataFrame", "Series"):
        return int(value.estimated_size())
    return None


def _of_array(value: Any, own: Any) -> int:
    """Return the size of an array, asked of numpy's class, not of one that derives from it."""
    inside = 0
    if own.dtype.__get__(value).hasobject:
        sample = own.ravel(value)[: _LOOKED_AT[0]].tolist()
        inside = _of_each(sample, own.size.__get__(value), 1)
    return int(own.nbytes.__get__(value)) + _HEADER + inside


def _of_frame(value: Any) -> int:
    usage = value.memory_usage(deep=False)
    total = int(usage if isinstance(usage, int) else usage.sum()) + getsizeof(type)
    for column in object_columns(value):
        total += _of_each(column[: _LOOKED_AT[0]].tolist(), len(column), 1)
    return total
