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
import zoneinfo
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
from mlpolicy.rules.cache.classes import defined, has, instance_of, of_library, stored

BY_NAME, BY_FIELD, SET, BYTEARRAY, OTHER, TYPE, ITSELF = map(
    Tag, ("enum", "fields", "set", "bytearray", "other", "type", "itself")
)


def find(kind: type) -> Encoder:
    """Return the encoder of *kind*; one that refuses where it is not known."""
    encoder = _EXACT.get(kind) or _foreign(kind)
    if encoder is None:
        encoder = next((make(kind) for test, make in _FAMILIES if test(kind)), _refuse)
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


def zone(tz: Any) -> object:
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
    if issubclass(type(value), enum.Flag):
        return (type(value), *encode(instance_of(value, "_value_"), depth)), BY_NAME
    return (type(value), instance_of(value, "_name_")), BY_NAME


def _type(value: type, _: int) -> Token:
    if type(value).__eq__ is not type.__eq__ or type(value).__hash__ is not type.__hash__:
        raise Unkeyable(f"class {value.__qualname__}")
    return value, TYPE


def _named_tuple(value: tuple[object, ...], depth: int) -> Token:
    return (type(value), *encode_all(tuple.__getitem__(value, _ALL), depth)), BY_FIELD


def _by_field(*names: str) -> Encoder:
    """Return the encoder of a class whose instances are what they hold under *names*."""

    def fields(value: object, depth: int) -> Token:
        return (type(value), *encode_all(stored(value, names), depth)), BY_FIELD

    return fields


def _dataclass(kind: type) -> Encoder:
    return _by_field(*(one.name for one in dataclasses.fields(kind)))


def _attrs(kind: type) -> Encoder:
    return _by_field(*(one.name for one in defined(kind, "__attrs_attrs__")))


def _struct(kind: type) -> Encoder:
    return _by_field(*defined(kind, "__struct_fields__"))


def _model(kind: type) -> Encoder:
    names = tuple(defined(kind, "__pydantic_fields__"))

    def model(value: Any, depth: int) -> Token:
        # By field, however they were set; what a cached property left beside them is none.
        held = instance_of(value, "__dict__")
        fields = [held.get(name) for name in names]
        more = (instance_of(value, f"__pydantic_{name}__") for name in ("extra", "private"))
        return (type(value), *encode_all((fields, *more), depth)), BY_FIELD

    return model


_ALL = slice(None)
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


_FAMILIES: Final[tuple[tuple[Callable[[type], bool], Callable[[type], Encoder]], ...]] = (
    (lambda kind: issubclass(kind, enum.Enum), lambda _: _enum),
    (lambda kind: issubclass(kind, type), lambda _: _type),
    (lambda kind: issubclass(kind, tuple) and "_fields" in kind.__dict__, lambda _: _named_tuple),
    # pydantic's dataclasses are dataclasses; its models are not.
    (_is_dataclass, _dataclass),
    (lambda kind: has(kind, "__pydantic_fields__"), _model),
    (lambda kind: has(kind, "__struct_fields__"), _struct),
    (lambda kind: "__attrs_attrs__" in kind.__dict__, _attrs),
)
