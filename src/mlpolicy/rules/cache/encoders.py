"""How values of the standard library, and of classes of the user's, become tokens."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import types
import uuid
from collections.abc import Callable
from typing import Any, Final

from mlpolicy.rules.cache.canonical import (
    Encoder,
    Tag,
    Token,
    Unkeyable,
    encode,
    encode_all,
)

BY_NAME, BY_FIELD, SET, BYTEARRAY, OTHER, TYPE, ITSELF = map(
    Tag, ("enum", "fields", "set", "bytearray", "other", "type", "itself")
)


def find(kind: type) -> Encoder:
    """Return the encoder of *kind*; one that refuses where it is not known."""
    encoder = _EXACT.get(kind) or _foreign(kind)
    if encoder is None:
        encoder = next((found for test, found in _FAMILIES if test(kind)), _refuse)
    return encoder


def _foreign(kind: type) -> Encoder | None:
    """Return the encoder of a class of numpy, pandas or torch, without importing any."""
    if kind.__module__.partition(".")[0] not in ("numpy", "pandas", "torch"):
        return None
    from mlpolicy.rules.cache.arrays import find as find_array

    return find_array(kind) or _refuse


def _refuse(value: object, _: int) -> Token:
    raise Unkeyable(f"{type(value).__module__}.{type(value).__qualname__}")


def _set(value: set[object] | frozenset[object], depth: int) -> Token:
    parts = encode_all(list(value), depth)
    return (type(value), frozenset(zip(parts[::2], parts[1::2], strict=True))), SET


def _ordered(value: collections.OrderedDict[object, object], depth: int) -> Token:
    return (type(value), *encode_all([*value, *value.values()], depth)), OTHER


def _proxy(value: types.MappingProxyType[object, object], depth: int) -> Token:
    return (type(value), *encode(dict(value), depth + 1)), OTHER


def _datetime(value: datetime.datetime | datetime.time, _: int) -> Token:
    # Aware times are equal when the instant is, whatever the zone: the zone is kept apart.
    return (
        type(value),
        value.replace(tzinfo=None),
        value.fold,
        zone(value.tzinfo),
    ), OTHER


def zone(tz: datetime.tzinfo | None) -> object:
    """Return what tells one time zone from another.

    Raises:
        Unkeyable: It is of a class that is not known.
    """
    if tz is None:
        return None
    if type(tz) is datetime.timezone:
        return (tz.utcoffset(None), tz.tzname(None))
    name = getattr(tz, "key", None) or getattr(tz, "zone", None)
    if type(name) is not str:
        raise Unkeyable(f"time zone {type(tz).__qualname__}")
    return name


def _decimal(value: decimal.Decimal, _: int) -> Token:
    sign, digits, exponent = value.as_tuple()  # 1.0 and 1.00 print differently
    return (decimal.Decimal, sign, digits, exponent), OTHER


def _fraction(value: fractions.Fraction, _: int) -> Token:
    return (fractions.Fraction, value.numerator, value.denominator), OTHER


def _complex(value: complex, depth: int) -> Token:
    return (complex, *encode(value.real, depth), *encode(value.imag, depth)), OTHER


def _range(value: range, _: int) -> Token:
    return (range, value.start, value.stop, value.step), OTHER


def _slice(value: slice, depth: int) -> Token:
    return (slice, *encode_all((value.start, value.stop, value.step), depth)), OTHER


def _array(value: array.array[Any], _: int) -> Token:
    return (array.array, value.typecode, value.tobytes()), OTHER


def itself(value: object, _: int) -> Token:
    """Return the token of what is its own."""
    return value, ITSELF


def _enum(value: Any, depth: int) -> Token:
    if isinstance(value, enum.Flag):
        return (type(value), *encode(value._value_, depth)), BY_NAME
    return (type(value), value._name_), BY_NAME


def _type(value: type, _: int) -> Token:
    if type(value).__eq__ is not type.__eq__ or type(value).__hash__ is not type.__hash__:
        raise Unkeyable(f"class {value.__qualname__}")
    return value, TYPE


def _named_tuple(value: tuple[object, ...], depth: int) -> Token:
    return (type(value), *encode_all(value, depth)), BY_FIELD


def _dataclass(value: Any, depth: int) -> Token:
    fields = dataclasses.fields(value)
    return (
        type(value),
        *encode_all([getattr(value, f.name) for f in fields], depth),
    ), BY_FIELD


def _struct(value: Any, depth: int) -> Token:
    fields = [getattr(value, name) for name in type(value).__struct_fields__]
    return (type(value), *encode_all(fields, depth)), BY_FIELD


def _attrs(value: Any, depth: int) -> Token:
    fields = [getattr(value, one.name) for one in type(value).__attrs_attrs__]
    return (type(value), *encode_all(fields, depth)), BY_FIELD


def _pydantic(value: Any, depth: int) -> Token:
    # By field, however they were set; what a cached property left beside them is none.
    fields = [value.__dict__.get(name) for name in type(value).__pydantic_fields__]
    parts = (fields, value.__pydantic_extra__, value.__pydantic_private__)
    return (type(value), *encode_all(parts, depth)), BY_FIELD


_PATHS = (
    pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath
)  # fmt: skip

_EXACT: Final[dict[type, Encoder]] = {
    set: _set,
    frozenset: _set,
    bytearray: lambda value, _: (bytes(value), BYTEARRAY),
    collections.OrderedDict: _ordered,
    types.MappingProxyType: _proxy,
    datetime.datetime: _datetime,
    datetime.time: _datetime,
    datetime.date: lambda value, _: ((datetime.date, value.toordinal()), OTHER),
    datetime.timedelta: itself,
    datetime.timezone: lambda value, _: ((datetime.timezone, zone(value)), OTHER),
    decimal.Decimal: _decimal,
    fractions.Fraction: _fraction,
    uuid.UUID: lambda value, _: ((uuid.UUID, value.int), OTHER),
    complex: _complex,
    range: _range,
    slice: _slice,
    array.array: _array,
    type(Ellipsis): itself,
    type(NotImplemented): itself,
    **dict.fromkeys(_PATHS, lambda value, _: ((type(value), value.__fspath__()), OTHER)),
}

_HOLDERS = (dict, list, set, tuple, str, bytes, int, float)


def _is_dataclass(kind: type) -> bool:
    """Tell whether the fields of *kind* are all that its instances hold.

    A plain class derived from a dataclass, or a dataclass derived from dict, may hold more.
    """
    return "__dataclass_fields__" in kind.__dict__ and not issubclass(kind, _HOLDERS)


_FAMILIES: Final[tuple[tuple[Callable[[type], bool], Encoder], ...]] = (
    (lambda kind: issubclass(kind, enum.Enum), _enum),
    (lambda kind: issubclass(kind, type), _type),
    (lambda kind: issubclass(kind, tuple) and "_fields" in kind.__dict__, _named_tuple),
    # pydantic's dataclasses are dataclasses; its models are not.
    (_is_dataclass, _dataclass),
    (lambda kind: hasattr(kind, "__pydantic_fields__"), _pydantic),
    (lambda kind: hasattr(kind, "__struct_fields__"), _struct),
    (lambda kind: "__attrs_attrs__" in kind.__dict__, _attrs),
)
