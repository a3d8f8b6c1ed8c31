"""The core schema of YAML 1.2: which plain scalars are no text.

`NO`, `on`, `1:30` and dates are text, and `010` is ten: YAML 1.1 reads them otherwise.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from mlpolicy.document.node import Plain

TAG = "tag:yaml.org,2002:"
_TAGGED: dict[str, tuple[object, ...]] = {
    TAG + "str": (str,),
    TAG + "int": (int,),
    TAG + "float": (float, int),
    TAG + "bool": (bool,),
    TAG + "null": (type(None),),
    TAG + "map": ("MappingStartEvent",),
    TAG + "seq": ("SequenceStartEvent",),
}
"""What may stand behind each tag."""

_NULL: dict[str, Plain] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_TRUE: dict[str, Plain] = dict.fromkeys(("true", "True", "TRUE"), True)
_FALSE: dict[str, Plain] = dict.fromkeys(("false", "False", "FALSE"), False)
_WORDS = _NULL | _TRUE | _FALSE
_FIRST = frozenset("+-.0123456789")
"""What a number begins with."""
_LAST = frozenset("0123456789.abcdefABCDEFnN")
"""What a number ends with: digits, and the ends of `.inf` and `.nan`."""
_INT = re.compile(r"[-+]?[0-9]{1,400}")
_OCTAL = re.compile(r"0o[0-7]{1,100}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,100}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})


@lru_cache(4096)  # policies repeat themselves
def value_of(text: str) -> Plain:
    """Return what the plain scalar *text* stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST or text[-1] not in _LAST:
        return text
    whole = _whole(text)
    if whole is not None:
        return whole
    fraction = _fraction(text)
    return text if fraction is None else fraction


def fits(tag: str, found: object) -> bool:
    """Whether *tag* says what *found* is: a value, or the name of the event of a block."""
    kind = found if isinstance(found, str) and found.endswith("StartEvent") else type(found)
    return kind in _TAGGED.get(tag, ())


@lru_cache(4096)
def is_word(text: str) -> bool:
    """Whether *text* is text however it is written: it begins with a letter, and says no value."""
    return text[:1].isalpha() and text not in _WORDS


def _whole(text: str) -> int | None:
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    return int(text, 16) if _HEX.fullmatch(text) else None


def _fraction(text: str) -> float | None:
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text in _NAN else None
