"""Values become tokens that are equal exactly when the values are.

A token is a pair of something hashable and a tag: the class for a plain scalar, and a mark of
ours for the rest.
So `1`, `1.0` and `True` differ, `[1]` and `(1,)` too, and the pair holds nothing but built-in,
immutable objects: comparing tokens runs no code of the user's.
What has no token raises `Unkeyable`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from marshal import dumps
from operator import itemgetter, ne
from typing import Any, Final

from mlpolicy.rules.cache.classes import Unkeyable

Token = tuple[object, object]
Encoder = Callable[[Any, int], Token]
"""Takes the value, and how deep it lies."""

_DEEPEST = 50
_MOST_CLASSES = 2048
_HUGE, _HUGE_NEGATIVE = 0x7F, 0xFF
"""The highest byte of infinity, of NaN, and of floats beyond 1e304."""
_NONE = type(None)

SCALARS: Final = frozenset({int, str, bytes, bool, _NONE})
"""Their own token, beside their class."""
_FLAT: Final = frozenset({*SCALARS, float})


SEED: Final = int.from_bytes(os.urandom(8), "little")
"""Another one in every process; a fork keeps it, and the keys that were made with it."""

Digest = Callable[[Any, int], bytes]
"""Takes an object whose bytes lie in one row, and the seed."""


def _load() -> Digest:
    try:
        from xxhash import xxh3_128_digest
    except ImportError:
        return _blake2
    return xxh3_128_digest


def _blake2(data: Any, seed: int) -> bytes:
    """Stand in where xxhash is not installed: as good, and ten times slower."""
    import hashlib

    return hashlib.blake2b(data, digest_size=16, key=seed.to_bytes(8, "little")).digest()


digest: Final = _load()
"""`digest(data, SEED)`; raises ValueError, TypeError or BufferError where bytes lie scattered."""


class Tag:
    """Says of what sort a token is; equal to itself alone."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


FLOAT, LIST, TUPLE, DICT, MAPPING = map(Tag, ("float", "list", "tuple", "dict", "mapping"))


def encode(value: object, depth: int = 0) -> Token:
    """Return the token of *value*.

    Raises:
        Unkeyable: It, or something in it, has none.
    """
    kind = type(value)
    if kind in SCALARS:
        return value, kind
    return (ENCODERS.get(kind) or ENCODERS.of(kind))(value, depth)


def encode_all(values: Sequence[object], depth: int) -> tuple[object, ...]:
    """Return the tokens of *values*, one after the other.

    Raises:
        Unkeyable: They lie too deep, or one has no token.
    """
    if depth > _DEEPEST:
        raise Unkeyable(f"nested deeper than {_DEEPEST}")
    deeper = depth + 1
    return tuple([part for value in values for part in encode(value, deeper)])


def flat(values: list[Any] | tuple[Any, ...]) -> bytes | None:
    """Return a fingerprint of *values*, in order; None unless all are plain scalars.

    marshal's version 2 writes each class with its own mark and neither shares nor interns,
    so that equal values give equal bytes; but it takes an array for bytes, and keeps the
    many patterns of NaN apart: both are looked for first.
    """
    if not values:
        return None
    kind = type(values[0])
    if kind is type(values[-1]) and (kind is float or kind is int):
        text = dumps(values, 2)
        if (_all_floats if kind is float else _all_ints)(text, len(values)):
            return digest(text, SEED)
    if not _FLAT.issuperset(map(type, values)):
        return None
    text = dumps(values, 2)
    # No NaN is written without one of these bytes.
    if (_HUGE in text or _HUGE_NEGATIVE in text) and any(map(ne, values, values)):
        return None
    return digest(text, SEED)


def _all_floats(text: bytes, count: int) -> bool:
    """Tell whether marshal wrote nothing but finite floats, from the bytes alone.

    Each takes a mark and eight bytes: where every ninth byte is the mark, so is every item.
    The last of the eight is 7f or ff for NaN, infinity and the hugest numbers.
    """
    last = text[13::9]
    return text[5::9] == b"g" * count and _HUGE not in last and _HUGE_NEGATIVE not in last


def _all_ints(text: bytes, count: int) -> bool:
    """Tell whether marshal wrote nothing but ints of 32 bits: a mark and four bytes each."""
    return len(text) == 5 + 5 * count and text[5::5] == b"i" * count


def _float(value: float, _: int) -> Token:
    if value and value == value:  # noqa: PLR0124 (NaN alone is not itself)
        return value, float
    if value:
        return "nan", FLOAT
    return ("-0" if math.copysign(1.0, value) < 0 else "0"), FLOAT


def _list(value: list[object], depth: int) -> Token:
    return flat(value) or encode_all(value, depth), LIST


def _tuple(value: tuple[object, ...], depth: int) -> Token:
    return flat(value) or encode_all(value, depth), TUPLE


class _Shape:
    """The keys of a dict, all of them text: mostly those of the dict before."""

    __slots__ = ("code", "get", "ints")

    def __init__(self, names: list[str]) -> None:
        names.sort()
        self.code = digest(dumps(names, 2), SEED)
        self.ints = b"i" * len(names)
        self.get: Callable[[dict[str, object]], tuple[Any, ...]] = itemgetter(*names)
        """All values, in the order of the names; KeyError for a dict of another shape."""


_shapes: dict[int, _Shape] = {}


def _dict(value: dict[Any, object], depth: int) -> Token:
    # What an itemgetter of as many names finds is all that the dict holds.
    shape = _shapes.get(len(value))
    if shape is not None:
        try:
            values = shape.get(value)
        except KeyError:
            return _other_dict(value, depth)
        if type(values[0]) is int and type(values[-1]) is int:
            text = dumps(values, 2)  # (`flat`, without its calls)
            if text[5::5] == shape.ints and len(text) == 5 + 5 * len(values):
                return (shape.code, digest(text, SEED)), DICT
        return (shape.code, flat(values) or encode_all(values, depth)), DICT
    return _other_dict(value, depth)


def _other_dict(value: dict[Any, object], depth: int) -> Token:
    count = len(value)
    if count < 2 or set(map(type, value)) != {str}:  # (an itemgetter of one gives no tuple)
        return _mapping(value, depth), MAPPING
    shape = _Shape(list(value))
    if len(_shapes) < _MOST_CLASSES:
        _shapes[count] = shape
    values = shape.get(value)
    return (shape.code, flat(values) or encode_all(values, depth)), DICT


def _mapping(value: dict[object, object], depth: int) -> frozenset[object]:
    items = list(value.items())
    keys = encode_all([key for key, _ in items], depth)
    values = encode_all([item for _, item in items], depth)
    pairs = zip(keys[::2], keys[1::2], values[::2], values[1::2], strict=True)
    return frozenset(pairs)


class _Encoders(dict[type, Encoder]):
    """Encoders by exact class; a class is added when it is first met."""

    find: Callable[[type], Encoder]
    """Returns the encoder of another class; `encoders` gives it."""

    def of(self, kind: type) -> Encoder:
        """Return the encoder of a class that is met for the first time."""
        encoder = self.find(kind)
        if len(self) > _MOST_CLASSES:  # classes made on the fly must not pile up
            self.clear()
            self.update(_OURS)
        self[kind] = encoder
        return encoder


_OURS: Final[dict[type, Encoder]] = {float: _float, list: _list, tuple: _tuple, dict: _dict}
ENCODERS: Final = _Encoders(_OURS)
