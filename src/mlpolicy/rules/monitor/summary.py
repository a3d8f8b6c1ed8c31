"""Values in a log: what they are, and, where asked for, what is in them.

No code of the user's runs here. A value is known by its own class, which is not asked either:
an attribute of it may be a property, its length may be computed, a mock makes what it is
asked for. What is not known is told by the name of its class.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Mapping
from typing import Any, Final

from mlpolicy.core.interrupt import interrupts

_SIZED: Final = frozenset(
    {str, bytes, bytearray, list, tuple, dict, set, frozenset, range, deque}
    | {OrderedDict, defaultdict, Counter}
)
_READ: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "numpy": {"ndarray": ("dtype", "shape"), "generic": ("dtype", "shape")},
    "torch": {"Tensor": ("dtype", "shape")},
    "pandas": {
        "DataFrame": ("", "shape"),
        "Series": ("dtype", "shape"),
        "Index": ("dtype", "shape"),
    },
    "polars": {"DataFrame": ("", "shape"), "Series": ("dtype", "shape")},
    "pyarrow": {
        "Table": ("", "shape"),
        "RecordBatch": ("", "shape"),
        "Array": ("type", "len"),
        "ChunkedArray": ("type", "len"),
    },
}
"""Of classes of libraries: the attributes that hold the type of what is in them, and how much."""
LONGEST_NAME: Final = 200

_class_attributes: Any = type.__dict__["__dict__"].__get__
bases: Any = type.__dict__["__mro__"].__get__
"""Gives the classes that a class is made of, without asking a class of it."""


def summary(value: Any) -> dict[str, Any]:
    """Return what *value* is, and nothing of what is in it."""
    cls = type(value)
    found: dict[str, Any] = {"type": name_of(cls)}
    if cls in _SIZED:
        return found | {"len": len(value)}
    library, base = library_class(cls)
    if not base:
        return found
    dtype, size = _READ[library][base]
    try:
        if dtype:
            found["dtype"] = _text(getattr(value, dtype))
        if size == "shape":
            found["shape"] = [int(one) for one in value.shape]
        else:
            found["len"] = len(value)
    except Exception as failure:
        if interrupts(failure):
            raise  # (others come from the library: half a summary is one)
    return found


def summaries(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each argument is."""
    return {name: summary(value) for name, value in arguments.items()}


def library_class(cls: type) -> tuple[str, str]:
    """Return the library and its class that *cls*, itself of the library, is or is made from.

    Both are empty for all other classes, those that users derive included.
    """
    library, attributes = _home(cls)
    if library not in _READ or attributes.get(name_of(cls)) is not cls:
        return "", ""
    public, made_of = _attributes(library), bases(cls)
    for base in _READ[library]:
        if public.get(base) in made_of:
            return library, base
    return library, ""


def name_of(cls: type) -> str:
    """Return the name of *cls*."""
    name: str = type.__dict__["__name__"].__get__(cls)
    return name[:LONGEST_NAME]


def own_attribute(cls: type, name: str) -> object:
    """Return what an instance of *cls* has under *name* by its class, unbound; None if nothing."""
    for base in bases(cls):
        attributes = _class_attributes(base)
        if name in attributes:
            found: object = attributes[name]
            return found
    return None


def _home(cls: type) -> tuple[str, Mapping[str, object]]:
    """Return the top-level package of *cls*, and what its module holds."""
    module = type.__dict__["__module__"].__get__(cls)
    if type(module) is not str:
        return "", {}
    return module.partition(".")[0], _attributes(module)


def _attributes(module: str) -> dict[str, object]:
    """Return what *module* holds, if it is imported; a lazy one is not woken."""
    found = sys.modules.get(module)
    held: dict[str, object] = {} if found is None else object.__getattribute__(found, "__dict__")
    return held


def _text(dtype: object) -> str:
    """Return *dtype* as its library writes it; one of the user's by the name of its class."""
    cls = type(dtype)
    library, attributes = _home(cls)
    if library not in _READ or attributes.get(name_of(cls)) is not cls:
        return name_of(cls)
    text = str(dtype)
    # (an enumeration of polars lists what may be in it)
    return name_of(cls) if "categories=" in text else text[:LONGEST_NAME]
