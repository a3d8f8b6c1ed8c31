"""How arrays, frames and tensors become tokens: by dtype, shape and content.

Nothing here imports numpy, pandas or torch: a class of theirs was met, so they are loaded.
"""

from __future__ import annotations

import sys
from typing import Any

from mlpolicy.rules.cache.canonical import (
    Encoder,
    Tag,
    Token,
    Unkeyable,
    encode,
    encode_all,
)
from mlpolicy.rules.cache.digest import SEED, digest
from mlpolicy.rules.cache.encoders import itself, zone

ARRAY, NUMBER, OBJECTS, FRAME, TENSOR = map(Tag, ("array", "number", "objects", "frame", "tensor"))

_PLAIN = 13
"""numpy's numbers of dtypes below it are booleans, integers and floats without padding."""
_TIGHT = frozenset({14, 15, 18, 19, 21, 22, 23})
"""Complex, text, bytes, times and half floats: their bytes say all as well."""
_PADDED = frozenset({13, 16})
"""Long doubles; nobody defines the bytes that fill them up."""


def find(kind: type) -> Encoder | None:
    """Return the encoder of *kind*, a class of numpy, pandas or torch; None if there is none."""
    package = kind.__module__.partition(".")[0]
    module = sys.modules.get(package)
    return {"numpy": _numpy, "pandas": _pandas, "torch": _torch}[package](module, kind)


def _numpy(numpy: Any, kind: type) -> Encoder | None:
    if kind in (numpy.ndarray, numpy.memmap):
        return array
    if issubclass(kind, numpy.generic):
        return _number
    return _dtype if issubclass(kind, numpy.dtype) else None


def array(value: Any, depth: int) -> Token:
    """Return the token of a numpy array: any two of equal dtype, shape and content share it."""
    dtype = value.dtype
    if dtype.num >= _PLAIN:
        return _odd(value, depth)
    try:
        return (digest(value, SEED), dtype, value.shape), ARRAY
    except (
        ValueError,
        BufferError,
        TypeError,
    ):  # the elements lie scattered, or reversed
        return (digest(value.tobytes(), SEED), dtype, value.shape), ARRAY


def _odd(value: Any, depth: int) -> Token:
    """Return the token of an array whose bytes may not say all, or say too much."""
    dtype = value.dtype
    if dtype.num in _TIGHT:
        return (digest(value.tobytes(), SEED), dtype, value.shape), ARRAY
    if dtype.num in _PADDED:
        raise Unkeyable(f"numpy array of {dtype}")
    # Objects are told apart by what they are, records without the gaps between fields.
    return (encode(value.tolist(), depth + 1), str(dtype), value.shape), OBJECTS


def _number(value: Any, _: int) -> Token:
    dtype = value.dtype
    if dtype.num >= _PLAIN and dtype.num not in _TIGHT:
        raise Unkeyable(f"numpy.{type(value).__name__}")
    return (type(value), dtype, value.tobytes()), NUMBER


def _dtype(value: Any, _: int) -> Token:
    return (type(value), str(value)), NUMBER


def _pandas(pandas: Any, kind: type) -> Encoder | None:
    if issubclass(kind, pandas.Index):
        return _range_index if kind is pandas.RangeIndex else _index
    known: dict[type, Encoder] = {
        pandas.DataFrame: _frame,
        pandas.Series: _series,
        pandas.Timestamp: _instant,
        pandas.Timedelta: _instant,
        type(pandas.NA): itself,
        type(pandas.NaT): itself,
    }
    return known.get(kind)


def _frame(value: Any, depth: int) -> Token:
    columns = [_column(value.iloc[:, at], depth) for at in range(value.shape[1])]
    return (
        "frame",
        encode(value.columns, depth + 1),
        encode(value.index, depth + 1),
        *columns,
    ), FRAME


def _series(value: Any, depth: int) -> Token:
    name = encode(value.name, depth + 1)
    return ("series", name, encode(value.index, depth + 1), _column(value, depth)), FRAME


def _index(value: Any, depth: int) -> Token:
    names = encode_all(list(value.names), depth)
    return (type(value), str(value.dtype), names, _column(value, depth)), FRAME


def _range_index(value: Any, depth: int) -> Token:
    name = encode(value.name, depth + 1)
    return (type(value), name, value.start, value.stop, value.step), FRAME


def _column(value: Any, depth: int) -> Token:
    """Return the token of the values of a column or an index."""
    numpy: Any = sys.modules["numpy"]
    if isinstance(value.dtype, numpy.dtype):
        return array(value.to_numpy(), depth)
    if hasattr(value.dtype, "categories"):
        codes = value.cat.codes if hasattr(value, "cat") else value.codes
        parts = (
            numpy.asarray(codes),
            value.dtype.categories,
            bool(value.dtype.ordered),
        )
        return encode_all(parts, depth), OBJECTS
    return (str(value.dtype), encode(value.tolist(), depth + 1)), OBJECTS


def _instant(value: Any, _: int) -> Token:
    fold, tz = getattr(value, "fold", 0), zone(getattr(value, "tzinfo", None))
    return (type(value), value.value, str(value.unit), fold, tz), NUMBER


def _torch(torch: Any, kind: type) -> Encoder | None:
    if kind in (torch.Tensor, torch.nn.Parameter):
        return _tensor
    if kind in (torch.dtype, torch.device):
        return lambda value, _: ((type(value), str(value)), NUMBER)
    return None


def _tensor(value: Any, _: int) -> Token:
    torch: Any = sys.modules["torch"]
    if value.layout != torch.strided or value.is_quantized:
        raise Unkeyable(f"torch tensor of layout {value.layout}")
    # Bytes, as numpy has no word for half of torch's dtypes; a tensor of a GPU is copied.
    plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    content = plain.reshape(-1).view(torch.uint8).numpy()
    about = (
        str(value.dtype),
        tuple(value.shape),
        str(value.device),
        value.requires_grad,
    )
    return (digest(content, SEED), type(value), *about), TENSOR
