"""What values of known classes are told apart by: something that `marshal` writes, or other values.

No code of the user's runs for it, and no library is imported.
"""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import fractions
import gc
import os
import pathlib
import sys
import types
import typing
import uuid
import zoneinfo
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

from mlpolicy.rules.cache.classes import (
    Unkeyable,
    defined,
    has,
    holds_more,
    instance_of,
    of_library,
    slots_of,
    stored,
)

Content = Callable[[Any], Any]
"""Gives what `marshal` writes, and what says all of a value, its class apart."""
Parts = Callable[[Any], Sequence[object]]
"""Gives the values that together say all of a value, its class apart."""


def _moment(value: datetime.datetime | datetime.time) -> object:
    # Aware times are equal when the instant is, whatever the zone: the zone is kept apart.
    return value.__reduce_ex__(4)[1][0], _zone(value.tzinfo)  # (all but the zone)


def _zone(tz: Any) -> object:
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
    datetime.timezone: _zone,
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

# --- classes of the user's ------------------------------------------------------------


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
    names: tuple[str, ...]
    # pydantic's dataclasses are dataclasses; its models are not.
    if "__dataclass_fields__" in own:
        names = tuple(field.name for field in dataclasses.fields(kind))
    elif has(kind, "__pydantic_fields__"):
        names = tuple(defined(kind, "__pydantic_fields__"))
    elif "__attrs_attrs__" in own:
        names = tuple(field.name for field in defined(kind, "__attrs_attrs__"))
    else:
        return refuse
    names += slots_of(kind, names)
    return lambda value: stored(value, names)


# --- numpy, pandas, torch: by dtype, shape and content ---------------------------------

PLAIN = 13
"""numpy's numbers of dtypes below it are booleans, integers and floats without padding."""
TIGHT = frozenset({14, 15, 18, 19, 21, 22, 23})
"""Complex, text, bytes, times and half floats: their bytes say all as well."""
PADDED = frozenset({13, 16})
"""Long doubles; nobody defines the bytes that fill them up."""


def dtype_of(value: Any) -> object:
    """Return what tells one dtype of numpy from another."""
    if value.metadata is not None:
        raise Unkeyable("numpy dtype with metadata")
    if value.num < PLAIN and value.isnative:
        return value.num
    return value.str if value.num in TIGHT else repr(value)


def _file(value: Any) -> Sequence[object]:
    held = {name: one for name, one in instance_of(value, "__dict__").items() if name != "_mmap"}
    return held, value.view(numpy().ndarray)


def _number(value: Any) -> object:
    if value.dtype.num >= PLAIN and value.dtype.num not in TIGHT:
        raise Unkeyable(f"numpy.{type(value).__name__}")
    return dtype_of(value.dtype), value.tobytes()


def _frame(value: Any) -> Sequence[object]:
    columns = [_column(value.iloc[:, at]) for at in range(value.shape[1])]
    return *_beside(value), value.columns, value.index, *columns


def _series(value: Any) -> Sequence[object]:
    return *_beside(value), value.name, value.index, _column(value)


def _index(value: Any) -> Sequence[object]:
    _beside(value)
    if type(value) is sys.modules["pandas"].RangeIndex:
        return value.name, value.start, value.stop, value.step
    if hasattr(value, "levels"):
        levels, codes = list(value.levels), [numpy().asarray(one) for one in value.codes]
        return list(value.names), levels, codes
    freq = getattr(value, "freqstr", None)
    return repr(value.dtype), list(value.names), freq, _column(value)


def _beside(value: Any) -> tuple[object, ...]:
    """Return what a frame or series holds beside its values.

    Raises:
        Unkeyable: Somebody has put an attribute of his own there.
    """
    kind = type(value)
    if not all(
        name[0] == "_" or name == "sortorder" or has(kind, name)
        for name in instance_of(value, "__dict__")
    ):
        raise Unkeyable(f"{kind.__qualname__} with an attribute of its own")
    return (value.attrs, value.flags.allows_duplicate_labels) if hasattr(value, "attrs") else ()


def _column(value: Any) -> object:
    """Return what says all of the values of a column or an index."""
    if isinstance(value.dtype, numpy().dtype):
        return value.to_numpy()
    if hasattr(value.dtype, "categories"):
        codes = value.cat.codes if hasattr(value, "cat") else value.codes
        return numpy().asarray(codes), value.dtype.categories, bool(value.dtype.ordered)
    return repr(value.dtype), value.tolist()


def numpy() -> Any:
    """Return numpy, where a value of it was met."""
    return sys.modules["numpy"]


def _instant(value: Any) -> object:
    fold, tz = getattr(value, "fold", 0), _zone(getattr(value, "tzinfo", None))
    return value.value, str(value.unit), fold, tz


def _tensor(value: Any) -> Sequence[object]:
    torch: Any = sys.modules["torch"]
    if value.layout != torch.strided or value.is_quantized:
        raise Unkeyable(f"torch tensor of layout {value.layout}")
    if value.grad is not None or instance_of(value, "__dict__"):
        raise Unkeyable("torch tensor with a gradient, or an attribute of its own")
    # Bytes, as numpy has no word for half of torch's dtypes; a tensor of a GPU is copied.
    plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
    content = plain.reshape(-1).view(torch.uint8).numpy()
    about = str(value.dtype), tuple(value.shape), str(value.device), value.requires_grad
    return content, *about


CONTENTS_OF: Final[dict[str, dict[str, Content]]] = {
    "numpy": {"generic": _number, "dtype": dtype_of},
    "pandas": {
        **dict.fromkeys(("Timestamp", "Timedelta"), _instant),
        **dict.fromkeys(("NA", "NaT"), id),
    },
    "torch": dict.fromkeys(("dtype", "device"), str),
}
PARTS_OF: Final[dict[str, dict[str, Parts]]] = {
    "numpy": {"memmap": _file},
    "pandas": {"DataFrame": _frame, "Series": _series, "Index": _index},
    "torch": dict.fromkeys(("Tensor", "nn.Parameter"), _tensor),
}
_FAMILIES: Final = ("generic", "dtype", "Index")
"""Of these, classes that derive from them are known too."""


def reader_of(kind: type, package: str, known: dict[str, dict[str, Any]]) -> Any:
    """Return what is *known* for the instances of a class of *package*; None if nothing is."""
    for name, reader in known.get(package, {}).items():
        one = attrgetter(name)(sys.modules[package])
        one = one if isinstance(one, type) else type(one)
        if kind is one or (name in _FAMILIES and issubclass(kind, one)):
            return reader
    return None
