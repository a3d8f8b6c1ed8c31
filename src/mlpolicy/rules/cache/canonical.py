"""Values become tokens that are equal exactly when the values are.

A token is a pair: of a plain scalar the value and its class, of anything else the tokens of its
parts, or a digest of them, and its class.
So `1`, `1.0` and `True` differ, `[1]` and `(1,)` too, and comparing tokens runs no code of the user's.
What has no token raises `Unkeyable`. No library is imported: where a class of one is met, it is
loaded.
"""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import os
import pathlib
import sys
import types
import uuid
import zoneinfo
from collections.abc import Callable, Sequence
from marshal import dumps
from operator import attrgetter, itemgetter, ne
from typing import Any, Final

# `digest(data, SEED)`; raises ValueError, TypeError or BufferError where bytes lie scattered.
from xxhash import xxh3_128_digest as digest

from mlpolicy.rules.cache.classes import (
    ByClass,
    Unkeyable,
    defined,
    has,
    instance_of,
    of_library,
    stored,
)

Token = tuple[object, object]
Encoder = Callable[[Any, int], Token]
"""Takes the value, and how deep it lies."""
Parts = Callable[[Any], Sequence[object]]
"""Gives the values that together say all of a value, its class apart."""

_DEEPEST = 50
_MOST_SHAPES = 2048
_HUGE, _HUGE_NEGATIVE = 0x7F, 0xFF
"""The highest byte of infinity, of NaN, and of floats beyond 1e304."""
_SCALARS: Final = frozenset({int, str, bytes, bool, type(None)})
"""Their own token, beside their class."""
_NUMBERS: Final = frozenset({int, float})
FLAT: Final = _SCALARS | _NUMBERS
"""Plain scalars: they cannot change, and hold nothing."""

SEED: Final = int.from_bytes(os.urandom(8), "little")
"""Another one in every process; a fork keeps it, and the keys that were made with it."""


def encode(value: object, depth: int = 0) -> Token:
    """Return the token of *value*.

    Raises:
        Unkeyable: It, or something in it, has none.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value, kind
    return ENCODERS[kind](value, depth)


def encode_all(values: Sequence[object], depth: int) -> tuple[object, ...]:
    """Return the tokens of *values*, one after the other.

    Raises:
        Unkeyable: They lie too deep, or one has no token.
    """
    if depth > _DEEPEST:
        raise Unkeyable(f"nested deeper than {_DEEPEST}")
    deeper = depth + 1
    return tuple([part for value in values for part in encode(value, deeper)])


def flat(values: list[Any] | tuple[Any, ...]) -> bytes | None:
    """Return a fingerprint of *values*, in order; None unless all are plain scalars.

    marshal's version 2 writes each class with its own mark and neither shares nor interns,
    so that equal values give equal bytes; but it takes an array for bytes, and keeps the
    many patterns of NaN apart: both are looked for first.
    """
    if not values:
        return None
    kind = type(values[0])
    if kind is type(values[-1]) and kind in _NUMBERS:
        text = dumps(values, 2)
        count = len(values)
        if kind is int:  # of 32 bits: a mark and four bytes each
            plain = len(text) == 5 + 5 * count and text[5::5] == b"i" * count
        else:
            # A mark and eight bytes each: where every ninth byte is the mark, so is every item.
            # The last of the eight is 7f or ff for NaN, infinity and the hugest numbers.
            last = text[13::9]
            plain = text[5::9] == b"g" * count and _HUGE not in last and _HUGE_NEGATIVE not in last
        if plain:
            return digest(text, SEED)
    if not FLAT.issuperset(map(type, values)):
        return None
    text = dumps(values, 2)
    # No NaN is written without one of these bytes.
    if (_HUGE in text or _HUGE_NEGATIVE in text) and any(map(ne, values, values)):
        return None
    return digest(text, SEED)


def _sequence(value: Any, depth: int) -> Token:
    return flat(value) or encode_all(value, depth), type(value)


def _float(value: float, _: int) -> Token:
    if value and value == value:  # noqa: PLR0124 (NaN alone is not itself)
        return value, float
    if value:
        return "nan", float
    return ("-0" if math.copysign(1.0, value) < 0 else "0"), float


class _Shape:
    """The keys of a dict, all of them text: mostly those of the dict before."""

    __slots__ = ("code", "get", "ints")

    def __init__(self, names: list[str]) -> None:
        names.sort()
        self.code = digest(dumps(names, 2), SEED)
        self.ints = b"i" * len(names)
        self.get: Callable[[dict[str, object]], tuple[Any, ...]] = itemgetter(*names)
        """All values, in the order of the names; KeyError for a dict of another shape."""


_shapes: dict[int, _Shape] = {}


def _dict(value: dict[Any, object], depth: int) -> Token:
    # What an itemgetter of as many names finds is all that the dict holds.
    shape = _shapes.get(len(value))
    if shape is not None:
        try:
            values = shape.get(value)
        except KeyError:
            return _other_dict(value, depth)
        if type(values[0]) is int and type(values[-1]) is int:
            text = dumps(values, 2)  # (`flat`, without its calls)
            if text[5::5] == shape.ints and len(text) == 5 + 5 * len(values):
                return (shape.code, digest(text, SEED)), dict
        return (shape.code, flat(values) or encode_all(values, depth)), dict
    return _other_dict(value, depth)


def _other_dict(value: dict[Any, object], depth: int) -> Token:
    count = len(value)
    if count < 2 or set(map(type, value)) != {str}:  # (an itemgetter of one gives no tuple)
        keys = encode_all(list(value), depth)
        items = encode_all(list(value.values()), depth)
        return frozenset(zip(keys[::2], keys[1::2], items[::2], items[1::2], strict=True)), dict
    shape = _Shape(list(value))
    if len(_shapes) < _MOST_SHAPES:
        _shapes[count] = shape
    values = shape.get(value)
    return (shape.code, flat(values) or encode_all(values, depth)), dict


def _set(value: set[object] | frozenset[object], depth: int) -> Token:
    parts = encode_all(list(value), depth)
    return frozenset(zip(parts[::2], parts[1::2], strict=True)), type(value)


# --- what is known by its content, or by its parts --------------------------------------


def _by_content(content: Callable[[Any], object]) -> Encoder:
    """Return an encoder of what is told apart by something immutable of the interpreter's own."""
    return lambda value, _: (content(value), type(value))


def _by_parts(parts: Parts) -> Encoder:
    return lambda value, depth: (encode_all(parts(value), depth), type(value))


def _itself(value: object) -> object:
    return value


def _moment(value: datetime.datetime | datetime.time) -> object:
    # Aware times are equal when the instant is, whatever the zone: the zone is kept apart.
    return value.replace(tzinfo=None), value.fold, _zone(value.tzinfo)


def _zone(tz: Any) -> object:
    """Return what tells one time zone from another.

    Raises:
        Unkeyable: It is of a class that is not known.
    """
    if tz is None:
        return None
    if type(tz) is datetime.timezone:
        return (tz.utcoffset(None), tz.tzname(None))
    kind: type = type(tz)
    if kind is zoneinfo.ZoneInfo and tz.key is not None:
        return tz.key
    if of_library(kind, "pytz", "BaseTzInfo", "UTC"):
        return tz.zone
    raise Unkeyable(f"time zone {kind.__qualname__}")


_CONTENTS: Final[dict[type, Callable[[Any], object]]] = {
    bytearray: bytes,
    range: attrgetter("start", "stop", "step"),
    fractions.Fraction: attrgetter("numerator", "denominator"),
    decimal.Decimal: decimal.Decimal.as_tuple,  # 1.0 and 1.00 print differently
    uuid.UUID: attrgetter("int"),
    array.array: lambda value: (value.typecode, value.tobytes()),
    **dict.fromkeys((datetime.datetime, datetime.time), _moment),
    **dict.fromkeys((datetime.date, datetime.timedelta), _itself),
    **dict.fromkeys((type(Ellipsis), type(NotImplemented)), _itself),
    datetime.timezone: _zone,
    **dict.fromkeys(
        (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath),
        os.fspath,
    ),
}
_PARTS: Final[dict[type, Parts]] = {
    collections.OrderedDict: lambda value: [*value, *value.values()],
    types.MappingProxyType: lambda value: (dict(value),),
    complex: attrgetter("real", "imag"),
    slice: attrgetter("start", "stop", "step"),
}

# --- classes of the user's ------------------------------------------------------------

_HOLDERS = (dict, list, set, tuple, str, bytes, int, float)


def _class(value: type, _: int) -> Token:
    if type(value).__eq__ is not type.__eq__ or type(value).__hash__ is not type.__hash__:
        raise Unkeyable(f"class {value.__qualname__}")
    return value, type


def _refuse(value: object, _: int = 0) -> Any:
    raise Unkeyable(f"{type(value).__module__}.{type(value).__qualname__}")


def _parts_of(kind: Any) -> Parts:
    """Return what reads the parts of a class of the user's; it refuses where that is not known."""
    own = kind.__dict__
    if issubclass(kind, enum.Flag):
        return lambda value: (instance_of(value, "_value_"),)
    if issubclass(kind, tuple) and "_fields" in own:
        return lambda value: tuple.__getitem__(value, slice(None))
    names: tuple[str, ...]
    # pydantic's dataclasses are dataclasses; its models are not. A plain class derived from a
    # dataclass, or a dataclass derived from dict, may hold more than its fields.
    if "__dataclass_fields__" in own and not issubclass(kind, _HOLDERS):
        names = tuple(field.name for field in dataclasses.fields(kind))
    elif has(kind, "__pydantic_fields__"):
        fields = tuple(defined(kind, "__pydantic_fields__"))
        return lambda value: _of_model(value, fields)
    elif has(kind, "__struct_fields__"):
        names = defined(kind, "__struct_fields__")
    elif "__attrs_attrs__" in own:
        names = tuple(field.name for field in defined(kind, "__attrs_attrs__"))
    else:
        return _refuse
    return lambda value: stored(value, names)


def _of_model(value: Any, names: tuple[str, ...]) -> Sequence[object]:
    # By field, however they were set; what a cached property left beside them is none.
    held = instance_of(value, "__dict__")
    fields = [held.get(name) for name in names]
    return fields, *(instance_of(value, f"__pydantic_{name}__") for name in ("extra", "private"))


# --- numpy, pandas, torch: by dtype, shape and content ---------------------------------

_PLAIN = 13
"""numpy's numbers of dtypes below it are booleans, integers and floats without padding."""
_TIGHT = frozenset({14, 15, 18, 19, 21, 22, 23})
"""Complex, text, bytes, times and half floats: their bytes say all as well."""
_PADDED = frozenset({13, 16})
"""Long doubles; nobody defines the bytes that fill them up."""


def _array(value: Any, depth: int) -> Token:
    """Return the token of a numpy array: any two of equal dtype, shape and content share it."""
    dtype = value.dtype
    if dtype.num in _PADDED:
        raise Unkeyable(f"numpy array of {dtype}")
    if dtype.num < _PLAIN or dtype.num in _TIGHT:
        try:
            content = digest(value if dtype.num < _PLAIN else value.tobytes(), SEED)
        except (ValueError, BufferError, TypeError):  # the elements lie scattered, or reversed
            content = digest(value.tobytes(), SEED)
        return (content, dtype, value.shape), "array"
    # Objects are told apart by what they are, records without the gaps between fields.
    return encode_all((value.tolist(), str(dtype), value.shape), depth), "array"


def _number(value: Any) -> object:
    if value.dtype.num >= _PLAIN and value.dtype.num not in _TIGHT:
        raise Unkeyable(f"numpy.{type(value).__name__}")
    return value.dtype, value.tobytes()


def _frame(value: Any) -> Sequence[object]:
    columns = [_column(value.iloc[:, at]) for at in range(value.shape[1])]
    return value.columns, value.index, *columns


def _series(value: Any) -> Sequence[object]:
    return value.name, value.index, _column(value)


def _index(value: Any) -> Sequence[object]:
    if type(value) is sys.modules["pandas"].RangeIndex:
        return value.name, value.start, value.stop, value.step
    return str(value.dtype), list(value.names), _column(value)


def _column(value: Any) -> object:
    """Return what says all of the values of a column or an index."""
    numpy: Any = sys.modules["numpy"]
    if isinstance(value.dtype, numpy.dtype):
        return value.to_numpy()
    if hasattr(value.dtype, "categories"):
        codes = value.cat.codes if hasattr(value, "cat") else value.codes
        return numpy.asarray(codes), value.dtype.categories, bool(value.dtype.ordered)
    return str(value.dtype), value.tolist()


def _instant(value: Any) -> object:
    fold, tz = getattr(value, "fold", 0), _zone(getattr(value, "tzinfo", None))
    return value.value, str(value.unit), fold, tz


def _tensor(value: Any) -> object:
    torch: Any = sys.modules["torch"]
    if value.layout != torch.strided or value.is_quantized:
        raise Unkeyable(f"torch tensor of layout {value.layout}")
    # Bytes, as numpy has no word for half of torch's dtypes; a tensor of a GPU is copied.
    plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    content = plain.reshape(-1).view(torch.uint8).numpy()
    about = str(value.dtype), tuple(value.shape), str(value.device), value.requires_grad
    return digest(content, SEED), *about


_OF_LIBRARY: Final[dict[str, dict[str, Encoder]]] = {
    "numpy": {"generic": _by_content(_number), "dtype": _by_content(str)},
    "pandas": {
        "DataFrame": _by_parts(_frame),
        "Series": _by_parts(_series),
        "Index": _by_parts(_index),
        **dict.fromkeys(("Timestamp", "Timedelta"), _by_content(_instant)),
        **dict.fromkeys(("NA", "NaT"), _by_content(_itself)),
    },
    "torch": {
        **dict.fromkeys(("Tensor", "nn.Parameter"), _by_content(_tensor)),
        **dict.fromkeys(("dtype", "device"), _by_content(str)),
    },
}

_FAMILIES: Final = ("generic", "dtype", "Index")
"""Of these, classes that derive from them are known too."""


def _find(kind: type) -> Encoder:
    package = kind.__module__.partition(".")[0]
    library: Any = sys.modules.get(package)
    if package == "numpy" and kind in (library.ndarray, library.memmap):
        return _array
    for name, encoder in _OF_LIBRARY.get(package, {}).items():
        known = attrgetter(name)(library)
        known = known if isinstance(known, type) else type(known)
        if kind is known or (name in _FAMILIES and issubclass(kind, known)):
            return encoder
    if package in _OF_LIBRARY:
        return _refuse
    if issubclass(kind, enum.Enum) and not issubclass(kind, enum.Flag):
        return _by_content(lambda value: instance_of(value, "_name_"))
    return _class if issubclass(kind, type) else _by_parts(_parts_of(kind))


ENCODERS: Final = ByClass[Encoder](
    {
        float: _float,
        **dict.fromkeys((list, tuple), _sequence),
        dict: _dict,
        **dict.fromkeys((set, frozenset), _set),
        **{kind: _by_content(content) for kind, content in _CONTENTS.items()},
        **{kind: _by_parts(parts) for kind, parts in _PARTS.items()},
    },
    _find,
)
