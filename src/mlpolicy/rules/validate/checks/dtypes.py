"""Names of dtypes: one spelling for numpy, torch, jax, pandas, polars and pyarrow."""

from __future__ import annotations

import re
from typing import Any

from mlpolicy.core.spelling import alike

_PLAIN = frozenset((
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "float128", "bfloat16", "complex64", "complex128",
    "object", "string", "bytes", "category", "date", "time", "decimal",
))  # fmt: skip
_OPEN = re.compile(r"(datetime64|timedelta64)(\[[^\]]+\])?|float8_\w+|u?int[24]")
_SAME = {
    "str": "string", "utf8": "string", "large_string": "string", "boolean": "bool",
    "longdouble": "float128", "large_binary": "bytes", "binary": "bytes",
}  # fmt: skip
_OTHERS = {
    "double": "float64", "float": "float32", "halffloat": "float16", "date32": "date",
    "date64": "date", "time32": "time", "time64": "time", "decimal32": "decimal",
    "decimal64": "decimal", "decimal128": "decimal", "decimal256": "decimal",
    "dictionary": "category", "categorical": "category", "enum": "category",
}  # fmt: skip
_UNSAID = {
    "int": "int64", "float": "float64", "double": "float64", "half": "float16",
    "complex": "complex128", "long": "int64", "short": "int16", "single": "float32",
    "datetime": "datetime64", "timedelta": "timedelta64",
}  # fmt: skip
_SIZED = re.compile(r"(str|bytes|stringdtype)\d*")
_MOMENT = re.compile(
    r"(datetime64|timestamp|datetime|timedelta64|duration)"  # of numpy, of arrow, of polars
    r"(?:\[(\w+)(?:, (?:tz=)?(.+))?\]|\(time_unit='(\w+)'(?:, time_zone='?([^']+?)'?)?\))?"
)
_MOMENTS = ("datetime64", "timedelta64", "date", "time", "period")


def canonical(dtype: Any) -> str:
    """Return the name of a *dtype* object as policy files write it.

    What a dtype lists of its own (categories, names of fields) is no part of its name.
    """
    named = getattr(dtype, "name", None)
    name = named if isinstance(named, str) else str(dtype)
    name = name.lower().rpartition("torch.")[2].removesuffix("[pyarrow]")
    moment = _MOMENT.fullmatch(name)
    if moment:
        unit, zone = moment[2] or moment[4], moment[3] or moment[5]
        name = "timedelta64" if moment[1] in ("timedelta64", "duration") else "datetime64"
        if unit is None:
            return name
        return f"{name}[{unit}]" if zone in (None, "none") else f"{name}[{unit}, {zone}]"
    name = re.split(r"[^\w.]", name, maxsplit=1)[0]
    sized = _SIZED.fullmatch(name)
    if sized:
        name = "bytes" if sized[1] == "bytes" else "string"
    return _OTHERS.get(name) or spelt(name)


def is_moment(dtype: Any) -> bool:
    """Whether elements of a *dtype* object are dates, times or durations."""
    return canonical(dtype).partition("[")[0] in _MOMENTS


def named(dtype: Any) -> str:
    """Return the name of a *dtype*, or of a class that stands for one: `numpy.float32`, `float`."""
    if not isinstance(dtype, type):
        return canonical(dtype)
    name = dtype.__name__.lower().rstrip("_0")
    return _UNSAID.get(name, spelt(name)) if dtype.__module__ == "builtins" else spelt(name)


def spelt(name: str) -> str:
    """Return a *name* in a policy file in its one spelling."""
    return _SAME.get(name.lower(), name.lower())


def same(asked: str, dtype: Any) -> bool:
    """Whether a *dtype* object is the one *asked* for; `datetime64` is of any unit."""
    name = canonical(dtype)
    asked = spelt(asked)
    return name == asked or ("[" not in asked and name.partition("[")[0] == asked)


def known(name: str) -> bool:
    """Whether a *name* in a policy file is one of a dtype."""
    return spelt(name) in _PLAIN or _OPEN.fullmatch(spelt(name)) is not None


def meant(name: str) -> str | None:
    """Return the dtype that was probably meant by an unknown *name*."""
    return _UNSAID.get(name.lower()) or alike(name.lower(), sorted(_PLAIN), cutoff=0.6)


def as_names(names: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of dtypes or types, one or many in the file."""
    return (names,) if isinstance(names, str) else names
