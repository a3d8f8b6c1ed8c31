"""Values in a log: what they are, and nothing of what is in them.

No code of the user's runs here. A value is known by its own class, which is not asked either:
an attribute of it may be a property, its length may be computed, a mock makes what it is
asked for. What is not known is told by the name of its class.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

from mlpolicy.core.classes import members, mro_of
from mlpolicy.core.report import interrupts, redacted

MAPPINGS: Final = (dict, OrderedDict, defaultdict, Counter)
_ALONE: Final = frozenset((int, float, bool, complex, type(None)))
_SIZED: Final = {
    *(str, bytes, bytearray, list, tuple, set, frozenset, range, deque),
    *MAPPINGS,
}
_READ: Final = {
    "numpy": ("ndarray", "generic"),
    "torch": ("Tensor",),
    "pandas": ("DataFrame", "Series", "Index"),
    "polars": ("DataFrame", "Series"),
    "pyarrow": ("Table", "RecordBatch", "Array", "ChunkedArray"),
}
"""Classes of libraries that say the type of what is in them, and how much."""
FRAMES: Final = ("DataFrame", "Table", "RecordBatch")
"""Those with a type for each column, whose names may be those of attributes."""
LONGEST_NAME: Final = 200
REDACTED: Final = "[redacted]"
LARGEST: Final = 16 * 1024
"""Characters of all arguments of a call together; it bounds what is looked at, too."""


Seen = type | tuple[Any, ...]
"""What a value was when it was seen: its class, or the class with its length or type and shape."""


def seen(value: Any) -> Seen:
    """Return what *value* is: what the thread of a call takes down, for `described`."""
    cls = type(value)
    if type(cls) is type:  # (another metaclass may have code of its own for `in`)
        if cls in _ALONE:
            return cls
        if cls in _SIZED:
            return cls, len(value)
    library, base = library_class(cls)
    if not base:
        return cls
    has_type, has_length = base not in FRAMES, library == "pyarrow" and base not in FRAMES
    dtype = shape = None
    try:
        if has_type:
            dtype = value.type if has_length else value.dtype
        shape = len(value) if has_length else value.shape
    except Exception as failure:
        if interrupts(failure):
            raise  # (others come from the library: half a summary is one)
    return cls, dtype, shape


def described(value: Seen | dict[str, Any]) -> dict[str, Any]:
    """Return what was *seen* in words; what is said already as it is."""
    # (a metaclass may be asked by `isinstance`)
    if type(value) is dict:
        return value
    taken: Any = value if type(value) is tuple else (value,)
    cls, *held = taken
    said: dict[str, Any] = {"type": name_of(cls)}
    if len(held) == 1:
        return said | {"len": held[0]}
    dtype, shape = held or (None, None)
    try:
        if dtype is not None:
            said["dtype"] = _type_text(dtype)
        if type(shape) is int:
            said["len"] = shape
        elif shape is not None:
            said["shape"] = [int(length) for length in shape]
    except Exception as failure:
        if interrupts(failure):
            raise
    return said


def summary(value: Any) -> dict[str, Any]:
    """Return what *value* is, and nothing of what is in it."""
    return described(seen(value))


def library_class(cls: type) -> tuple[str, str]:
    """Return the library and its class that *cls*, itself of the library, is or is made from.

    Both are empty for all other classes, those that users derive included.
    """
    library = library_of(cls)
    if not library:
        return "", ""
    known = _libraries.get(cls)
    if known is not None:
        return known
    for base in _READ[library]:
        if members(sys.modules.get(library)).get(base) in mro_of(cls):
            _libraries[cls] = library, base
            return library, base
    return library, ""


_libraries: dict[type, tuple[str, str]] = {}
"""Those classes of libraries that were met: they are few, and stay."""


def name_of(cls: type) -> str:
    """Return the name of *cls*."""
    name: str = type.__dict__["__name__"].__get__(cls)
    return name[:LONGEST_NAME]


def own_attribute(cls: type, name: str) -> Any:
    """Return what an instance of *cls* has under *name* by its class, unbound; None if nothing."""
    return next((own[name] for own in map(members, mro_of(cls)) if name in own), None)


def library_of(cls: type) -> str:
    """Return the top-level package of *cls*, if that is a library known here and holds it."""
    module = type.__dict__["__module__"].__get__(cls)
    library = module.partition(".")[0] if type(module) is str else ""
    # (members: a module that is lazy is not woken)
    known = library in _READ and members(sys.modules.get(module)).get(name_of(cls)) is cls
    return library if known else ""


def _type_text(dtype: object) -> str:
    """Return *dtype* as its library writes it; one of the user's by the name of its class."""
    cls = type(dtype)
    text = str(dtype) if library_of(cls) else ""
    # (an enumeration of polars lists what may be in it)
    return name_of(cls) if not text or "categories=" in text else text[:LONGEST_NAME]


def safe_text(text: str, longest: int, hide: Callable[[str], str] = str) -> str:
    """Return *text* cut, and without what looks like a secret or what *hide* takes out."""
    # (cut first, a little later: what is looked through is bounded, and no secret is halved)
    text = hide(redacted(text[: longest + 1000], REDACTED))
    return text if len(text) <= longest else text[:longest] + "…"
