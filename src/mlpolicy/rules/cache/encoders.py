"""How values of the standard library, of the user's classes and of numpy, pandas and torch become tokens.

No library is imported: where a class of one was met, it is loaded.
"""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import sys
import types
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, Final

from mlpolicy.rules.cache.canonical import (
    ENCODERS,
    SEED,
    Encoder,
    Tag,
    Token,
    digest,
    encode,
    encode_all,
)
from mlpolicy.rules.cache.classes import (
    Unkeyable,
    defined,
    has,
    instance_of,
    of_library,
    stored,
)

BY_NAME, BY_FIELD, SET, BYTEARRAY, OTHER, TYPE, ITSELF = map(
    Tag, ("enum", "fields", "set", "bytearray", "other", "type", "itself")
)
ARRAY, NUMBER, OBJECTS, FRAME, TENSOR = map(Tag, ("array", "number", "objects", "frame", "tensor"))


def _find(kind: type) -> Encoder:
    """Return the encoder of *kind*, met for the first time; one that refuses where it is unknown."""
    known = _EXACT.get(kind)
    if known is not None:
        return known
    package = kind.__module__.partition(".")[0]
    if package in _LIBRARIES:
        return _LIBRARIES[package](sys.modules.get(package), kind) or _refuse
    return next((make(kind) for test, make in _FAMILIES if test(kind)), _refuse)


ENCODERS.find = _find


def _refuse(value: object, _: int) -> Token:
    raise Unkeyable(f"{type(value).__module__}.{type(value).__qualname__}")


# --- the standard library


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


def _decimal(value: decimal.Decimal, _: int) -> Token:
    sign, digits, exponent = value.as_tuple()  # 1.0 and 1.00 print differently
    return (decimal.Decimal, sign, digits, exponent), OTHER


def _complex(value: complex, depth: int) -> Token:
    return (complex, *encode(value.real, depth), *encode(value.imag, depth)), OTHER


def _itself(value: object, _: int) -> Token:
    return value, ITSELF


_PATHS = (
    pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath
)  # fmt: skip

_EXACT: Final[dict[type, Encoder]] = {
    set: _set,
    frozenset: _set,
    bytearray: lambda value, _: (bytes(value), BYTEARRAY),
    collections.OrderedDict: lambda value, depth: (
        (type(value), *encode_all([*value, *value.values()], depth)),
        OTHER,
    ),
    types.MappingProxyType: lambda value, depth: (
        (type(value), *encode(dict(value), depth + 1)),
        OTHER,
    ),
    datetime.datetime: _datetime,
    datetime.time: _datetime,
    datetime.date: lambda value, _: ((datetime.date, value.toordinal()), OTHER),
    datetime.timedelta: _itself,
    datetime.timezone: lambda value, _: ((datetime.timezone, _zone(value)), OTHER),
    decimal.Decimal: _decimal,
    fractions.Fraction: lambda value, _: (
        (fractions.Fraction, value.numerator, value.denominator),
        OTHER,
    ),
    uuid.UUID: lambda value, _: ((uuid.UUID, value.int), OTHER),
    complex: _complex,
    range: lambda value, _: ((range, value.start, value.stop, value.step), OTHER),
    slice: lambda value, depth: (
        (slice, *encode_all((value.start, value.stop, value.step), depth)),
        OTHER,
    ),
    array.array: lambda value, _: ((array.array, value.typecode, value.tobytes()), OTHER),
    type(Ellipsis): _itself,
    type(NotImplemented): _itself,
    **dict.fromkeys(_PATHS, lambda value, _: ((type(value), value.__fspath__()), OTHER)),
}


# --- classes of the user's


def _enum(value: Any, depth: int) -> Token:
    if issubclass(type(value), enum.Flag):
        return (type(value), *encode(instance_of(value, "_value_"), depth)), BY_NAME
    return (type(value), instance_of(value, "_name_")), BY_NAME


def _type(value: type, _: int) -> Token:
    if type(value).__eq__ is not type.__eq__ or type(value).__hash__ is not type.__hash__:
        raise Unkeyable(f"class {value.__qualname__}")
    return value, TYPE


def _named_tuple(value: tuple[object, ...], depth: int) -> Token:
    return (type(value), *encode_all(tuple.__getitem__(value, slice(None)), depth)), BY_FIELD


def _by_field(*names: str) -> Encoder:
    """Return the encoder of a class whose instances are what they hold under *names*."""

    def fields(value: object, depth: int) -> Token:
        return (type(value), *encode_all(stored(value, names), depth)), BY_FIELD

    return fields


def _model(kind: type) -> Encoder:
    names = tuple(defined(kind, "__pydantic_fields__"))

    def model(value: Any, depth: int) -> Token:
        # By field, however they were set; what a cached property left beside them is none.
        held = instance_of(value, "__dict__")
        fields = [held.get(name) for name in names]
        more = (instance_of(value, f"__pydantic_{name}__") for name in ("extra", "private"))
        return (type(value), *encode_all((fields, *more), depth)), BY_FIELD

    return model


_HOLDERS = (dict, list, set, tuple, str, bytes, int, float)


def _is_dataclass(kind: type) -> bool:
    """Tell whether the fields of *kind* are all that its instances hold.

    A plain class derived from a dataclass, or a dataclass derived from dict, may hold more.
    """
    return "__dataclass_fields__" in kind.__dict__ and not issubclass(kind, _HOLDERS)


_FAMILIES: Final[tuple[tuple[Callable[[type], bool], Callable[[type], Encoder]], ...]] = (
    (lambda kind: issubclass(kind, enum.Enum), lambda _: _enum),
    (lambda kind: issubclass(kind, type), lambda _: _type),
    (lambda kind: issubclass(kind, tuple) and "_fields" in kind.__dict__, lambda _: _named_tuple),
    # pydantic's dataclasses are dataclasses; its models are not.
    (
        _is_dataclass,
        lambda kind: _by_field(*(field.name for field in dataclasses.fields(kind))),
    ),
    (lambda kind: has(kind, "__pydantic_fields__"), _model),
    (
        lambda kind: has(kind, "__struct_fields__"),
        lambda kind: _by_field(*defined(kind, "__struct_fields__")),
    ),
    (
        lambda kind: "__attrs_attrs__" in kind.__dict__,
        lambda kind: _by_field(*(field.name for field in defined(kind, "__attrs_attrs__"))),
    ),
)


# --- numpy, pandas, torch: by dtype, shape and content

_PLAIN = 13
"""numpy's numbers of dtypes below it are booleans, integers and floats without padding."""
_TIGHT = frozenset({14, 15, 18, 19, 21, 22, 23})
"""Complex, text, bytes, times and half floats: their bytes say all as well."""
_PADDED = frozenset({13, 16})
"""Long doubles; nobody defines the bytes that fill them up."""


def _numpy(numpy: Any, kind: type) -> Encoder | None:
    if kind in (numpy.ndarray, numpy.memmap):
        return _array
    if issubclass(kind, numpy.generic):
        return _number
    if issubclass(kind, numpy.dtype):
        return lambda value, _: ((type(value), str(value)), NUMBER)
    return None


def _array(value: Any, depth: int) -> Token:
    """Return the token of a numpy array: any two of equal dtype, shape and content share it."""
    dtype = value.dtype
    if dtype.num < _PLAIN:
        try:
            return (digest(value, SEED), dtype, value.shape), ARRAY
        except (ValueError, BufferError, TypeError):  # the elements lie scattered, or reversed
            return (digest(value.tobytes(), SEED), dtype, value.shape), ARRAY
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


def _pandas(pandas: Any, kind: type) -> Encoder | None:
    if issubclass(kind, pandas.Index):
        return _range_index if kind is pandas.RangeIndex else _index
    known: dict[type, Encoder] = {
        pandas.DataFrame: _frame,
        pandas.Series: _series,
        pandas.Timestamp: _instant,
        pandas.Timedelta: _instant,
        type(pandas.NA): _itself,
        type(pandas.NaT): _itself,
    }
    return known.get(kind)


def _frame(value: Any, depth: int) -> Token:
    columns = [_column(value.iloc[:, at], depth) for at in range(value.shape[1])]
    axes = encode(value.columns, depth + 1), encode(value.index, depth + 1)
    return ("frame", *axes, *columns), FRAME


def _series(value: Any, depth: int) -> Token:
    axes = encode(value.name, depth + 1), encode(value.index, depth + 1)
    return ("series", *axes, _column(value, depth)), FRAME


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
        return _array(value.to_numpy(), depth)
    if hasattr(value.dtype, "categories"):
        codes = value.cat.codes if hasattr(value, "cat") else value.codes
        parts = (numpy.asarray(codes), value.dtype.categories, bool(value.dtype.ordered))
        return encode_all(parts, depth), OBJECTS
    return (str(value.dtype), encode(value.tolist(), depth + 1)), OBJECTS


def _instant(value: Any, _: int) -> Token:
    fold, tz = getattr(value, "fold", 0), _zone(getattr(value, "tzinfo", None))
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
    about = str(value.dtype), tuple(value.shape), str(value.device), value.requires_grad
    return (digest(content, SEED), type(value), *about), TENSOR


_LIBRARIES: Final[dict[str, Callable[[Any, type], Encoder | None]]] = {
    "numpy": _numpy,
    "pandas": _pandas,
    "torch": _torch,
}
