"""What classes say of their instances, asked of the classes alone: no code of the user's runs."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import gc
import os
import pathlib
import re
import sys
import types
import typing
import uuid
import weakref
import zoneinfo
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

from mlpolicy.core.classes import mro_of

_names_of: Any = type.__dict__["__dict__"].__get__
instance_of: Any = object.__getattribute__
"""Reads what an instance holds, past any `__getattribute__` and `__getattr__` of its class."""

BARE: Final[frozenset[type]] = frozenset({int, str, bytes, bool, float, complex, type(None)})
"""Scalars that cannot change."""
_FIXED: Final[frozenset[type]] = frozenset(
    {
        *BARE, object, range, type(Ellipsis), type(NotImplemented),
        datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone,
        decimal.Decimal, fractions.Fraction, uuid.UUID, zoneinfo.ZoneInfo, re.Pattern,
        pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath,
        types.FunctionType, types.BuiltinFunctionType, weakref.ref,
    }
)  # fmt: skip
"""No caller changes them, or `copy.deepcopy` would not copy them either."""


_T = TypeVar("_T")
_MOST: Final = 2048


class ByClass(dict[type, _T]):
    """What is known of instances by their exact class; a class is added when it is first met."""

    def __init__(self, known: dict[type, _T], find: Callable[[type], _T]) -> None:
        super().__init__(known)
        self._known = known
        self._find = find

    def __missing__(self, kind: type) -> _T:
        """Find out what is to be known of *kind*."""
        found = self._find(kind)
        if len(self) > _MOST:  # classes made on the fly must not pile up
            self.clear()
            self.update(self._known)
        self[kind] = found
        return found


class Unkeyable(TypeError):
    """A value has no token; the message names its class, never its content."""


class Unkept(TypeError):
    """A result is not cached; the message names classes, never values."""


def has(kind: type, name: str) -> bool:
    """Return whether *kind*, or a class that it derives from, defines *name*."""
    return any(name in _names_of(one) for one in mro_of(kind))


def defined(kind: type, name: str) -> Any:
    """Return what *kind* defines as *name*, as it stands there; None if it does not."""
    return next((_names_of(one)[name] for one in mro_of(kind) if name in _names_of(one)), None)


def stored(value: Any, names: tuple[str, ...]) -> list[Any]:
    """Return what *value* holds under *names*, and all that it holds beside them.

    Neither properties nor `__getattr__` run.

    Raises:
        Unkeyable: A name is not held, but worked out when it is asked for.
    """
    kind = type(value)
    held: dict[str, Any] = instance_of(value, "__dict__") if kind.__dictoffset__ else {}
    if type(held) is not dict:
        raise Unkeyable(f"{kind.__qualname__}, whose attributes are in a dict of their own class")
    found, left = [], len(held)
    for name in names:
        slot = None if name in held else defined(kind, name)
        if slot is not None and type(slot) is not types.MemberDescriptorType:
            raise Unkeyable(f"{kind.__qualname__}.{name}, which is no plain field")
        if slot is None:
            found.append(held[name])
            left -= 1
            continue
        try:
            found.append(slot.__get__(value))
        except AttributeError:
            found.append(Unkeyable)  # (a slot that is empty: no value is this class)
    if left:  # `__orig_class__`, cached properties, what somebody has put there
        found.append({name: one for name, one in held.items() if name not in names})
    return found


def holds_more(kind: type) -> bool:
    """Return whether instances hold more than slots and a dict of attributes.

    So do those that derive from a class written in C: a list, an exception, a deque.
    """
    words = len(_slots_of(kind)) + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    own = kind.__basicsize__ - object.__basicsize__
    return bool(kind.__itemsize__) or own != words * tuple.__itemsize__


def _slots_of(kind: type) -> list[str]:
    own = (pair for one in mro_of(kind) for pair in _names_of(one).items())
    return [name for name, held in own if type(held) is types.MemberDescriptorType]


def one_shot(kind: type) -> bool:
    """Return whether a *kind* is used up by the first who uses it."""
    return any(has(kind, name) for name in ("__next__", "__anext__", "__await__"))


def of_library(kind: type, package: str, *names: str) -> bool:
    """Return whether *kind* is, or derives from, a class of *package*, where that is loaded."""
    library: Any = sys.modules.get(package)
    if library is None:
        return False
    known = [getattr(library, name, None) for name in names]
    return any(one in known for one in mro_of(kind))


def object_columns(frame: Any) -> list[Any]:
    """Return those columns of a pandas frame, series or index that hold objects, as arrays."""
    columns = [frame] if frame.ndim == 1 else [frame.iloc[:, at] for at in range(frame.shape[1])]
    return [one.to_numpy() for one in columns if getattr(one.dtype, "hasobject", False)]


def fixed(kind: type) -> bool:
    """Return whether no instance of *kind* can be changed, whatever it holds."""
    if (
        kind in _FIXED
        or issubclass(kind, enum.Enum | type)
        or (of_library(kind, "numpy", "generic", "dtype") and not of_library(kind, "numpy", "void"))
        or of_library(kind, "pandas", "Timestamp", "Timedelta", "Period", "Interval")
        or of_library(kind, "pyarrow", "Table", "RecordBatch", "Array", "ChunkedArray", "Scalar")
    ):
        return True
    # Instances of a class that is written in Python may have no room for anything.
    plain = all(one.__flags__ & _HEAP for one in mro_of(kind)[:-1])
    return plain and kind.__basicsize__ == object.__basicsize__ and not kind.__dictoffset__


_HEAP = 1 << 9
"""The flag of classes that were made at run time."""


def frozen_record(kind: type) -> bool:
    """Return whether instances of *kind* are as immutable as what their fields hold."""
    if "__dataclass_fields__" in _names_of(kind):
        return bool(defined(kind, "__dataclass_params__").frozen)
    if has(kind, "__pydantic_fields__"):
        return bool((defined(kind, "model_config") or {}).get("frozen"))
    return False


# --- what values of a class are told apart by -------------------------------------------

Content = Callable[[Any], Any]
"""Gives what `marshal` writes, and what says all of a value, its class apart."""
Parts = Callable[[Any], Sequence[object]]
"""Gives the values that together say all of a value, its class apart."""


def _moment(value: datetime.datetime | datetime.time) -> object:
    # Aware times are equal when the instant is, whatever the zone: the zone is kept apart.
    return value.__reduce_ex__(4)[1][0], zone_of(value.tzinfo)  # (all but the zone)


def zone_of(tz: Any) -> object:
    """Return what tells one time zone from another.

    Raises:
        Unkeyable: It is of a class that is not known.
    """
    if tz is None:
        return None
    kind: type = type(tz)
    if kind is datetime.timezone:
        offset, *name = tz.__getinitargs__()
        return *_SPAN(offset), *name
    if kind is zoneinfo.ZoneInfo and tz.key is not None:
        return (tz.key,)
    if of_library(kind, "pytz", "BaseTzInfo", "UTC"):
        # (summer and winter are instances of their own)
        return tz.zone, str(getattr(tz, "_utcoffset", "")), getattr(tz, "_tzname", "")
    raise Unkeyable(f"time zone {kind.__qualname__}")


_SPAN: Final[Callable[[Any], tuple[int, int, int]]] = attrgetter("days", "seconds", "microseconds")


CONTENTS: Final[dict[type, Content]] = {
    decimal.Decimal: decimal.Decimal.__str__,  # 1.0 and 1.00 print differently
    uuid.UUID: attrgetter("int", "is_safe.value"),
    **dict.fromkeys((datetime.datetime, datetime.time), _moment),
    datetime.date: datetime.date.toordinal,
    datetime.timedelta: _SPAN,
    **dict.fromkeys((type(Ellipsis), type(NotImplemented)), id),
    datetime.timezone: zone_of,
    **dict.fromkeys(
        (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath),
        os.fspath,
    ),
}
PARTS: Final[dict[type, Parts]] = {
    collections.OrderedDict: lambda value: (
        *value,
        *value.values(),
        instance_of(value, "__dict__"),
    ),
    types.MappingProxyType: gc.get_referents,  # (what it shows may be any mapping)
    bytearray: lambda value: (bytes(value),),
    array.array: lambda value: (value.typecode, value.tobytes()),
    complex: attrgetter("real", "imag"),
    fractions.Fraction: attrgetter("numerator", "denominator"),
    **dict.fromkeys((range, slice), attrgetter("start", "stop", "step")),
    types.GenericAlias: attrgetter("__origin__", "__args__", "__unpacked__"),
    vars(typing)["_GenericAlias"]: attrgetter("__origin__", "__args__"),
}


def refuse(value: object, _: object = None) -> Any:
    """Raise Unkeyable for *value*."""
    raise Unkeyable(f"{type(value).__module__}.{type(value).__qualname__}")


def parts_of(kind: Any) -> Parts:
    """Return what reads the parts of a class of the user's; it refuses where that is not known."""
    own = kind.__dict__
    if issubclass(kind, tuple) and "_fields" in own and not kind.__dictoffset__:
        return lambda value: tuple.__getitem__(value, slice(None))
    if has(kind, "__struct_fields__"):
        return lambda value: stored(value, defined(kind, "__struct_fields__"))
    if holds_more(kind):
        return refuse
    record: Any = kind
    names: tuple[str, ...]
    # pydantic's dataclasses are dataclasses; its models are not.
    if "__dataclass_fields__" in own:
        names = tuple(field.name for field in dataclasses.fields(record))
    elif has(kind, "__pydantic_fields__"):
        names = tuple(defined(kind, "__pydantic_fields__"))
    elif "__attrs_attrs__" in own:
        names = tuple(field.name for field in defined(kind, "__attrs_attrs__"))
    else:
        return refuse
    names = tuple(dict.fromkeys((*names, *_slots_of(kind))))
    return lambda value: stored(value, names)
