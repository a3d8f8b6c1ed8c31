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
_ARRAY: Final = ("dtype", "shape")
_READ: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "numpy": {"ndarray": _ARRAY, "generic": _ARRAY},
    "torch": {"Tensor": _ARRAY},
    "pandas": {"DataFrame": ("", "shape"), "Series": _ARRAY, "Index": _ARRAY},
    "polars": {"DataFrame": ("", "shape"), "Series": _ARRAY},
    "pyarrow": {
        **dict.fromkeys(("Table", "RecordBatch"), ("", "shape")),
        **dict.fromkeys(("Array", "ChunkedArray"), ("type", "len")),
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
    described: dict[str, Any] = {"type": name_of(cls)}
    if cls in _SIZED:
        return described | {"len": len(value)}
    library, base = library_class(cls)
    if not base:
        return described
    dtype, size = _READ[library][base]
    try:
        if dtype:
            described["dtype"] = _type_text(getattr(value, dtype))
        if size == "shape":
            described["shape"] = [int(length) for length in value.shape]
        else:
            described["len"] = len(value)
    except Exception as failure:
        if interrupts(failure):
            raise  # (others come from the library: half a summary is one)
    return described


def summaries(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each argument is."""
    return {name: summary(value) for name, value in arguments.items()}


def library_class(cls: type) -> tuple[str, str]:
    """Return the library and its class that *cls*, itself of the library, is or is made from.

    Both are empty for all other classes, those that users derive included.
    """
    library = _library(cls)
    public, made_of = _attributes(library), bases(cls)
    for base in _READ.get(library, ()):
        if public.get(base) in made_of:
            return library, base
    return library, ""


def name_of(cls: type) -> str:
    """Return the name of *cls*."""
    name: str = type.__dict__["__name__"].__get__(cls)
    return name[:LONGEST_NAME]


def own_attribute(cls: type, name: str) -> Any:
    """Return what an instance of *cls* has under *name* by its class, unbound; None if nothing."""
    attributes = (_class_attributes(base) for base in bases(cls))
    return next((held[name] for held in attributes if name in held), None)


def _library(cls: type) -> str:
    """Return the top-level package of *cls*, if that is a library known here and holds it."""
    module = type.__dict__["__module__"].__get__(cls)
    library = module.partition(".")[0] if type(module) is str else ""
    known = library in _READ and _attributes(module).get(name_of(cls)) is cls
    return library if known else ""


def _attributes(module: str) -> dict[str, object]:
    """Return what *module* holds, if it is imported; a lazy one is not woken."""
    imported = sys.modules.get(module)
    return {} if imported is None else object.__getattribute__(imported, "__dict__")


def _type_text(dtype: object) -> str:
    """Return *dtype* as its library writes it; one of the user's by the name of its class."""
    cls = type(dtype)
    text = str(dtype) if _library(cls) else ""
    # (an enumeration of polars lists what may be in it)
    return name_of(cls) if not text or "categories=" in text else text[:LONGEST_NAME]
