"""Values become tokens that are equal exactly when the values are.

A token is a pair of something hashable and a tag: the class for a plain scalar, and a mark of
ours for the rest.
So `1`, `1.0` and `True` differ, `[1]` and `(1,)` too, and the pair holds nothing but built-in,
immutable objects: comparing tokens runs no code of the user's.
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

_DEEPEST = 50
_MOST_SHAPES = 2048
_HUGE, _HUGE_NEGATIVE = 0x7F, 0xFF
"""The highest byte of infinity, of NaN, and of floats beyond 1e304."""
SCALARS: Final = frozenset({int, str, bytes, bool, type(None)})
"""Their own token, beside their class."""
_NUMBERS: Final = frozenset({int, float})
_FLAT: Final = SCALARS | _NUMBERS

SEED: Final = int.from_bytes(os.urandom(8), "little")
"""Another one in every process; a fork keeps it, and the keys that were made with it."""


def _load() -> Callable[[Any, int], bytes]:
    """Return xxhash's function, or one that is as good and ten times slower."""
    try:
        from xxhash import xxh3_128_digest
    except ImportError:
        from _blake2 import blake2b  # (what hashlib itself uses; hashlib costs 5 ms)

        return lambda data, seed: blake2b(
            data, digest_size=16, key=seed.to_bytes(8, "little")
        ).digest()
    return xxh3_128_digest


digest: Final[Callable[[Any, int], bytes]] = _load()
"""`digest(data, SEED)`; raises ValueError, TypeError or BufferError where bytes lie scattered."""


class Tag:
    """Says of what sort a token is; equal to itself alone."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


FLOAT, LIST, TUPLE, DICT, MAPPING, SET = map(
    Tag, ("float", "list", "tuple", "dict", "mapping", "set")
)
BYTEARRAY, BY_NAME, BY_FIELD, OTHER, TYPE, ITSELF = map(
    Tag, ("bytearray", "enum", "fields", "other", "type", "itself")
)
ARRAY, NUMBER, OBJECTS, FRAME, TENSOR = map(Tag, ("array", "number", "objects", "frame", "tensor"))


def encode(value: object, depth: int = 0) -> Token:
    """Return the token of *value*.

    Raises:
        Unkeyable: It, or something in it, has none.
    """
    kind = type(value)
    if kind in SCALARS:
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
    if not _FLAT.issuperset(map(type, values)):
        return None
    text = dumps(values, 2)
    # No NaN is written without one of these bytes.
    if (_HUGE in text or _HUGE_NEGATIVE in text) and any(map(ne, values, values)):
        return None
    return digest(text, SEED)


def _float(value: float, _: int) -> Token:
    if value and value == value:  # noqa: PLR0124 (NaN alone is not itself)
        return value, float
    if value:
        return "nan", FLOAT
    return ("-0" if math.copysign(1.0, value) < 0 else "0"), FLOAT


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
                return (shape.code, digest(text, SEED)), DICT
        return (shape.code, flat(values) or encode_all(values, depth)), DICT
    return _other_dict(value, depth)


def _other_dict(value: dict[Any, object], depth: int) -> Token:
    count = len(value)
    if count < 2 or set(map(type, value)) != {str}:  # (an itemgetter of one gives no tuple)
        keys = encode_all(list(value), depth)
        items = encode_all(list(value.values()), depth)
        pairs = zip(keys[::2], keys[1::2], items[::2], items[1::2], strict=True)
        return frozenset(pairs), MAPPING
    shape = _Shape(list(value))
    if len(_shapes) < _MOST_SHAPES:
        _shapes[count] = shape
    values = shape.get(value)
    return (shape.code, flat(values) or encode_all(values, depth)), DICT


def _set(value: set[object] | frozenset[object], depth: int) -> Token:
    parts = encode_all(list(value), depth)
    return (type(value), frozenset(zip(parts[::2], parts[1::2], strict=True))), SET


def _datetime(value: datetime.datetime | datetime.time, _: int) -> Token:
    # Aware times are equal when the instant is, whatever the zone: the zone is kept apart.
    return (type(value), value.replace(tzinfo=None), value.fold, _zone(value.tzinfo)), OTHER


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


def _by_attributes(*names: str) -> Encoder:
    read = attrgetter(*names)
    return lambda value, _: ((type(value), read(value)), OTHER)


def _itself(value: object, _: int) -> Token:
    return value, ITSELF


# --- classes of the user's ------------------------------------------------------------


def _enum(value: Any, depth: int) -> Token:
    if issubclass(type(value), enum.Flag):
        return (type(value), *encode(instance_of(value, "_value_"), depth)), BY_NAME
    return (type(value), instance_of(value, "_name_")), BY_NAME


def _type(value: type, _: int) -> Token:
    if type(value).__eq__ is not type.__eq__ or type(value).__hash__ is not type.__hash__:
        raise Unkeyable(f"class {value.__qualname__}")
    return value, TYPE


def _of_class(kind: Any) -> Encoder:
    """Return the encoder of a class of the user's; one that refuses where it is unknown."""
    if issubclass(kind, enum.Enum | type):
        return _enum if issubclass(kind, enum.Enum) else _type
    own = kind.__dict__
    names: Any
    read: Callable[[Any, Any], Sequence[object]] = stored
    if issubclass(kind, tuple) and "_fields" in own:
        read, names = tuple.__getitem__, slice(None)
    # pydantic's dataclasses are dataclasses; its models are not. A plain class derived from a
    # dataclass, or a dataclass derived from dict, may hold more than its fields.
    elif "__dataclass_fields__" in own and not issubclass(kind, _HOLDERS):
        names = tuple(field.name for field in dataclasses.fields(kind))
    elif has(kind, "__pydantic_fields__"):
        read, names = _of_model, tuple(defined(kind, "__pydantic_fields__"))
    elif has(kind, "__struct_fields__"):
        names = defined(kind, "__struct_fields__")
    elif "__attrs_attrs__" in own:
        names = tuple(field.name for field in defined(kind, "__attrs_attrs__"))
    else:
        return _refuse
    return lambda value, depth: ((type(value), *encode_all(read(value, names), depth)), BY_FIELD)


_HOLDERS = (dict, list, set, tuple, str, bytes, int, float)


def _of_model(value: Any, names: tuple[str, ...]) -> Sequence[object]:
    # By field, however they were set; what a cached property left beside them is none.
    held = instance_of(value, "__dict__")
    fields = [held.get(name) for name in names]
    return fields, *(instance_of(value, f"__pydantic_{name}__") for name in ("extra", "private"))


def _refuse(value: object, _: int) -> Token:
    raise Unkeyable(f"{type(value).__module__}.{type(value).__qualname__}")


# --- numpy, pandas, torch: by dtype, shape and content ---------------------------------

_PLAIN = 13
"""numpy's numbers of dtypes below it are booleans, integers and floats without padding."""
_TIGHT = frozenset({14, 15, 18, 19, 21, 22, 23})
"""Complex, text, bytes, times and half floats: their bytes say all as well."""
_PADDED = frozenset({13, 16})
"""Long doubles; nobody defines the bytes that fill them up."""


def _of_library(library: Any, package: str, kind: type) -> Encoder:
    known: dict[Any, Encoder]
    families: dict[Any, Encoder] = {}
    if package == "numpy":
        known = {library.ndarray: _array, library.memmap: _array}
        families = {library.generic: _number, library.dtype: _by_text}
    elif package == "pandas":
        known = {library.DataFrame: _frame, library.Series: _series}
        known |= dict.fromkeys((library.Timestamp, library.Timedelta), _instant)
        known |= dict.fromkeys((type(library.NA), type(library.NaT)), _itself)
        families = {library.Index: _index}
    else:
        known = {library.Tensor: _tensor, library.nn.Parameter: _tensor}
        known |= {library.dtype: _by_text, library.device: _by_text}
    inherited = (encoder for base, encoder in families.items() if issubclass(kind, base))
    return known.get(kind) or next(inherited, _refuse)


def _by_text(value: Any, _: int) -> Token:
    return (type(value), str(value)), NUMBER


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
        return (content, dtype, value.shape), ARRAY
    # Objects are told apart by what they are, records without the gaps between fields.
    return (encode(value.tolist(), depth + 1), str(dtype), value.shape), OBJECTS


def _number(value: Any, _: int) -> Token:
    dtype = value.dtype
    if dtype.num >= _PLAIN and dtype.num not in _TIGHT:
        raise Unkeyable(f"numpy.{type(value).__name__}")
    return (type(value), dtype, value.tobytes()), NUMBER


def _frame(value: Any, depth: int) -> Token:
    columns = [_column(value.iloc[:, at], depth) for at in range(value.shape[1])]
    axes = encode(value.columns, depth + 1), encode(value.index, depth + 1)
    return ("frame", *axes, *columns), FRAME


def _series(value: Any, depth: int) -> Token:
    axes = encode(value.name, depth + 1), encode(value.index, depth + 1)
    return ("series", *axes, _column(value, depth)), FRAME


def _index(value: Any, depth: int) -> Token:
    if type(value) is sys.modules["pandas"].RangeIndex:
        name = encode(value.name, depth + 1)
        return (type(value), name, value.start, value.stop, value.step), FRAME
    names = encode_all(list(value.names), depth)
    return (type(value), str(value.dtype), names, _column(value, depth)), FRAME


def _column(value: Any, depth: int) -> Token:
    """Return the token of the values of a column or an index."""
    numpy: Any = sys.modules["numpy"]
    if isinstance(value.dtype, numpy.dtype):
        return _array(value.to_numpy(), depth)
    if hasattr(value.dtype, "categories"):
        codes = value.cat.codes if hasattr(value, "cat") else value.codes
        parts = (numpy.asarray(codes), value.dtype.categories, bool(value.dtype.ordered))
        return encode_all(parts, depth), OBJECTS
    return (str(value.dtype), encode(value.tolist(), depth + 1)), OBJECTS


def _instant(value: Any, _: int) -> Token:
    fold, tz = getattr(value, "fold", 0), _zone(getattr(value, "tzinfo", None))
    return (type(value), value.value, str(value.unit), fold, tz), NUMBER


def _tensor(value: Any, _: int) -> Token:
    torch: Any = sys.modules["torch"]
    if value.layout != torch.strided or value.is_quantized:
        raise Unkeyable(f"torch tensor of layout {value.layout}")
    # Bytes, as numpy has no word for half of torch's dtypes; a tensor of a GPU is copied.
    plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    content = plain.reshape(-1).view(torch.uint8).numpy()
    about = str(value.dtype), tuple(value.shape), str(value.device), value.requires_grad
    return (digest(content, SEED), type(value), *about), TENSOR


# --- by class --------------------------------------------------------------------------

_OURS: Final[dict[type, Encoder]] = {
    float: _float,
    list: lambda value, depth: (flat(value) or encode_all(value, depth), LIST),
    tuple: lambda value, depth: (flat(value) or encode_all(value, depth), TUPLE),
    dict: _dict,
    **dict.fromkeys((set, frozenset), _set),
    bytearray: lambda value, _: (bytes(value), BYTEARRAY),
    collections.OrderedDict: lambda value, depth: (
        (type(value), *encode_all([*value, *value.values()], depth)),
        OTHER,
    ),
    types.MappingProxyType: lambda value, depth: (
        (type(value), *encode(dict(value), depth + 1)),
        OTHER,
    ),
    **dict.fromkeys((datetime.datetime, datetime.time), _datetime),
    datetime.date: lambda value, _: ((datetime.date, value.toordinal()), OTHER),
    datetime.timezone: lambda value, _: ((datetime.timezone, _zone(value)), OTHER),
    # 1.0 and 1.00 print differently.
    decimal.Decimal: lambda value, _: ((decimal.Decimal, *value.as_tuple()), OTHER),
    fractions.Fraction: _by_attributes("numerator", "denominator"),
    uuid.UUID: _by_attributes("int"),
    complex: lambda value, depth: (
        (complex, *encode(value.real, depth), *encode(value.imag, depth)),
        OTHER,
    ),
    range: _by_attributes("start", "stop", "step"),
    slice: lambda value, depth: (
        (slice, *encode_all((value.start, value.stop, value.step), depth)),
        OTHER,
    ),
    array.array: lambda value, _: ((array.array, value.typecode, value.tobytes()), OTHER),
    **dict.fromkeys((datetime.timedelta, type(Ellipsis), type(NotImplemented)), _itself),
    **dict.fromkeys(
        (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath),
        lambda value, _: ((type(value), value.__fspath__()), OTHER),
    ),
}


def _find(kind: type) -> Encoder:
    package = kind.__module__.partition(".")[0]
    if package in ("numpy", "pandas", "torch"):
        return _of_library(sys.modules.get(package), package, kind)
    return _of_class(kind)


ENCODERS: Final = ByClass(_OURS, _find)
