"""Values become tokens that are equal exactly when the values are.

A token is a pair: of a plain scalar the value and its class, of anything else a digest of its
parts, or what is as small, and its class.
So `1`, `1.0` and `True` differ, `[1]` and `(1,)` too, and comparing tokens runs no code of the user's.
What has no token raises `Unkeyable`. No library is imported: where a class of one is met, it is
loaded.

The digests are keyed: nobody who sends arguments can know which of them meet in a table. What
callers choose and Python hashes without a key, which is long integers, does not get there.
"""

from __future__ import annotations

import enum
import itertools
import os
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from marshal import dumps
from operator import attrgetter, countOf, itemgetter, ne
from typing import Any, Final

# `digest(data, SEED)`; raises ValueError, TypeError or BufferError where bytes lie scattered.
from xxhash import xxh3_128_digest

from mlpolicy.rules.cache.classes import (
    CONTENTS,
    PARTS,
    ByClass,
    Content,
    Parts,
    Unkeyable,
    has,
    instance_of,
    parts_of,
    refuse,
    zone_of,
)

Token = tuple[Any, type]
"""`marshal` writes the first of it."""
Encoder = Callable[[Any, "Walk | None"], Token]
"""Takes the value, and what was met on the way to it; None for a whole argument."""
_DEEPEST = 50
_MOST: Final = 100_000
"""Values that are looked at one by one for one key: about 50 ms."""
_MOST_NAMES, _LONGEST_NAMES = 256, 16_384
"""Keys of a dict that are remembered, and the bytes of them all."""
WIDE: Final = 1 << 60
"""From here on integers have no place in a key: many of them share a hash."""
LONG: Final = 1024
"""Longer text and bytes have no place in a key; to digest shorter ones makes a hit half as dear again."""
_HUGE, _HUGE_NEGATIVE = 0x7F, 0xFF
"""The highest byte of infinity, of NaN, and of floats beyond 1e304."""
FLAT: Final = frozenset({int, float, str, bytes, bool, type(None)})
"""Plain scalars: they cannot change, and hold nothing."""
_SHORT: Final = frozenset({float, bool, type(None)})
_MANY: Final = 8
"""Fewer values are looked at one by one: that is as quick."""
_LONG_ON_AVERAGE: Final = 300
digest: Final = xxh3_128_digest
_OF_ENUM: Final = frozenset({"_name_", "_value_", "_sort_order_", "__objclass__", "_inverted_"})
"""What members of enums hold, beside what somebody has put there."""
SEED, SEED_OF_INTEGERS, SEED_OF_FLOATS = struct.unpack("3Q", os.urandom(24))
"""Others in every process; a fork keeps them, and the keys that were made with them."""
_PACKED: Final[dict[Any, Any]] = {int: ("q", SEED_OF_INTEGERS), float: ("d", SEED_OF_FLOATS)}


class Walk:
    """The way through one value: each object in it is looked at once, however often it stands there."""

    __slots__ = ("depth", "left", "met")

    def __init__(self) -> None:
        self.depth = 0
        self.left = _MOST
        self.met: dict[int, tuple[object, object]] = {}
        """By `id`: what stands for an object, and the object, as its `id` is to serve no other."""


def encode(value: Any, walk: Walk | None = None) -> Token:
    """Return the token of *value*.

    Raises:
        Unkeyable: It, or something in it, has none.
    """
    kind = type(value)
    if kind is int:
        # (-1 and -2 have one hash, and so have all rows of them)
        if -WIDE < value < WIDE and value != -1:
            return value, int
        return digest(dumps(value, 2), SEED), int
    if kind is str or kind is bytes:
        if len(value) <= LONG:
            return value, kind
        content = value if kind is bytes else value.encode("utf-8", "surrogatepass")
        return (digest(content, SEED),), kind
    if kind is bool or value is None:
        return value, kind
    return ENCODERS[kind](value, walk)


def fold(values: Sequence[object], walk: Walk | None) -> bytes:
    """Return a digest of *values*, one after the other.

    Raises:
        Unkeyable: As `parts`.
    """
    return flat(values) or digest(dumps(parts(values, walk or Walk()), 2), SEED)


def parts(values: Sequence[object], walk: Walk) -> list[object]:
    """Return what stands for *values*: plain scalars, of all else class and content.

    Raises:
        Unkeyable: They lie too deep, are too many, or one has no token.
    """
    if walk.depth > _DEEPEST:
        raise Unkeyable(f"nested deeper than {_DEEPEST}")
    walk.left -= len(values)
    if walk.left < 0:
        raise Unkeyable(f"over {_MOST:,} items that are not plain scalars in a row")
    walk.depth += 1
    met, found = walk.met, list[object]()
    for value in values:
        known = met.get(id(value))
        if known is None:
            content, kind = ENCODERS[type(value)](value, walk)
            if content is value:
                found.append(value)
                continue
            known = met[id(value)] = (_NUMBERED[kind], content), value
        found.append(known[0])
    walk.depth -= 1
    return found


def _unordered(rows: Iterable[Any]) -> bytes:
    return digest(dumps(sorted([dumps(row, 2) for row in rows]), 2), SEED)


_numbers = itertools.count()
_NUMBERED: Final = ByClass[int]({}, lambda _: next(_numbers))
"""A number for each class, never given twice: `marshal` writes no classes."""


def flat(values: Any) -> bytes | None:
    """Return a fingerprint of *values*, in order; None unless all are plain scalars.

    marshal's version 2 writes each class with its own mark and neither shares nor interns,
    so that equal values give equal bytes; but it takes an array for bytes, goes through all that
    a nest holds as often as it stands there, and keeps the many patterns of NaN apart.
    """
    count = len(values)
    kind = type(values[-1]) if count >= _MANY else None
    if kind not in _PACKED or countOf(map(type, values), kind) != count:
        return _mixed(values) if count else None
    letter, seed = _PACKED[kind]
    try:
        text = struct.pack(f"{count}{letter}", *values)
    except struct.error:  # (over 64 bits)
        return _mixed(values)
    last = text[7::8] if kind is float else b""  # no NaN is written without one of these bytes
    if (_HUGE in last or _HUGE_NEGATIVE in last) and any(map(ne, values, values)):
        return None
    return digest(text, seed)


def _mixed(values: Any) -> bytes | None:
    size = 0
    for one in values:
        kind = type(one)
        if kind is str or kind is bytes:
            size += len(one)
        elif kind is int:
            size += one.bit_length() >> 3
        elif kind not in _SHORT or one != one:  # noqa: PLR0124 (NaN alone is not itself)
            return None
    # Long ones are digested one by one: one that stands in many places is to be read once.
    return None if size > _LONG_ON_AVERAGE * len(values) else digest(dumps(values, 2), SEED)


def _sequence(value: Any, walk: Walk | None) -> Token:
    return fold(value, walk), type(value)


def _float(value: float, _: Walk | None) -> Token:
    if value != value:  # noqa: PLR0124 (NaN alone is not itself)
        return "nan", float
    return value or repr(value), float  # (0.0 equals -0.0)


class _Shape:
    """The keys of a dict, all of them text: mostly those of the dict before."""

    __slots__ = ("code", "get", "pack")

    def __init__(self, names: list[str]) -> None:
        names.sort()
        text = dumps(names, 2)
        self.code = digest(text, SEED)
        self.pack = partial(struct.Struct(f"16s{len(names)}q").pack, self.code)
        # (an itemgetter of one gives no tuple)
        self.get: Any = itemgetter(*names) if names[1:] else lambda value: (value[names[0]],)
        """All values, in the order of the names; KeyError for a dict of another shape."""
        if len(names) <= _MOST_NAMES and len(text) <= _LONGEST_NAMES:
            _shapes[len(names)] = self


_shapes: dict[int, _Shape] = {}


def _dict(value: dict[Any, object], walk: Walk | None) -> Token:
    count = len(value)
    try:  # what an itemgetter of as many names finds is all that the dict holds
        shape = _shapes[count]
        values = shape.get(value)
    except KeyError:
        if set(map(type, value)) != {str}:
            walk = walk or Walk()
            both = (parts(list(each), walk) for each in (value, value.values()))
            return _unordered(zip(*both, strict=True)), dict
        shape = _Shape(list(value))
        values = shape.get(value)
    if type(values[0]) is int and [*map(type, values)].count(int) == count:
        try:  # (`flat`, without its calls)
            return digest(shape.pack(*values), SEED_OF_INTEGERS), dict
        except struct.error:
            pass
    return (shape.code, fold(values, walk)), dict


def _set(value: set[Any] | frozenset[Any], walk: Walk | None) -> Token:
    if set(map(type, value)) in ({str}, {int}):  # (not bytes: `_unordered` makes some)
        return fold(sorted(value), walk), type(value)
    return _unordered(parts(list(value), walk or Walk())), type(value)


# --- what is known by its content, or by its parts --------------------------------------


def _by_content(content: Content) -> Encoder:
    """Return an encoder of what is told apart by something that `marshal` writes."""
    return lambda value, _: (digest(dumps(content(value), 2), SEED), type(value))


def _by_parts(read: Parts) -> Encoder:
    return lambda value, walk: (fold(read(value), walk), type(value))


def _class(value: type, _: Walk | None) -> Token:
    if type(value).__eq__ is not type.__eq__ or type(value).__hash__ is not type.__hash__:
        raise Unkeyable(f"class {value.__qualname__}")
    return _NUMBERED[value], type


def _member(value: Any, walk: Walk | None) -> Token:
    told = instance_of(value, "_value_" if issubclass(type(value), enum.Flag) else "_name_")
    held = instance_of(value, "__dict__")
    if _OF_ENUM.issuperset(held):
        return (told if type(told) is str else encode(told, walk)[0]), type(value)
    rest = {name: one for name, one in held.items() if name not in _OF_ENUM}
    return fold((told, rest), walk), type(value)


# --- numpy, pandas, torch: by dtype, shape and content ---------------------------------

_PLAIN = 13
"""numpy's numbers of dtypes below it are booleans, integers and floats without padding."""
_TIGHT = frozenset({14, 15, 18, 19, 21, 22, 23})
"""Complex, text, bytes, times and half floats: their bytes say all as well."""
_PADDED = frozenset({13, 16})
"""Long doubles; nobody defines the bytes that fill them up."""


def _dtype_of(value: Any) -> object:
    if value.metadata is not None:
        raise Unkeyable("numpy dtype with metadata")
    if value.num < _PLAIN and value.isnative:
        return value.num
    return value.str if value.num in _TIGHT else repr(value)


def _file(value: Any) -> Sequence[object]:
    held = {name: one for name, one in instance_of(value, "__dict__").items() if name != "_mmap"}
    return held, value.view(_numpy().ndarray)


def _number(value: Any) -> object:
    if value.dtype.num >= _PLAIN and value.dtype.num not in _TIGHT:
        raise Unkeyable(f"numpy.{type(value).__name__}")
    return _dtype_of(value.dtype), value.tobytes()


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
        levels, codes = list(value.levels), [_numpy().asarray(one) for one in value.codes]
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
    if isinstance(value.dtype, _numpy().dtype):
        return value.to_numpy()
    if hasattr(value.dtype, "categories"):
        codes = value.cat.codes if hasattr(value, "cat") else value.codes
        return _numpy().asarray(codes), value.dtype.categories, bool(value.dtype.ordered)
    return repr(value.dtype), value.tolist()


def _numpy() -> Any:
    return sys.modules["numpy"]


def _instant(value: Any) -> object:
    fold, tz = getattr(value, "fold", 0), zone_of(getattr(value, "tzinfo", None))
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


def _array(value: Any, walk: Walk | None) -> Token:
    """Return the token of a numpy array: any two of equal dtype, shape and content share it."""
    dtype = value.dtype
    number = dtype.num
    if number < _PLAIN or number in _TIGHT:
        try:
            content = digest(value if number < _PLAIN else value.tobytes(), SEED)
        except (ValueError, BufferError, TypeError):  # the elements lie scattered, or reversed
            content = digest(value.tobytes(), SEED)
        about = number if dtype.isbuiltin and number < _PLAIN else _dtype_of(dtype)
        return (content, about, value.shape), type(value)
    if number in _PADDED:
        raise Unkeyable(f"numpy array of {dtype}")
    # Objects are told apart by what they are, records without the gaps between fields.
    return fold((value.tolist(), _dtype_of(dtype), value.shape), walk), type(value)


_OF_LIBRARY: Final[dict[str, dict[str, Encoder]]] = {
    "numpy": {
        "ndarray": _array,
        "memmap": _by_parts(_file),
        "generic": _by_content(_number),
        "dtype": _by_content(_dtype_of),
    },
    "pandas": {
        "DataFrame": _by_parts(_frame),
        "Series": _by_parts(_series),
        "Index": _by_parts(_index),
        **dict.fromkeys(("Timestamp", "Timedelta"), _by_content(_instant)),
        **dict.fromkeys(("NA", "NaT"), _by_content(id)),
    },
    "torch": {
        **dict.fromkeys(("Tensor", "nn.Parameter"), _by_parts(_tensor)),
        **dict.fromkeys(("dtype", "device"), _by_content(str)),
    },
}

_FAMILIES: Final = ("generic", "dtype", "Index")
"""Of these, classes that derive from them are known too."""


def _find(kind: type) -> Encoder:
    package = kind.__module__.partition(".")[0]
    for name, encoder in _OF_LIBRARY.get(package, {}).items():
        known = attrgetter(name)(sys.modules[package])
        known = known if isinstance(known, type) else type(known)
        if kind is known or (name in _FAMILIES and issubclass(kind, known)):
            return encoder
    if package in _OF_LIBRARY:
        return refuse
    if issubclass(kind, enum.Enum):
        return _member
    return _class if issubclass(kind, type) else _by_parts(parts_of(kind))


class _Encoders(ByClass[Encoder]):
    def __reduce__(self) -> str:  # (a constant of drivers)
        return "ENCODERS"


ENCODERS: Final = _Encoders(
    {
        **dict.fromkeys((int, str, bytes, bool, type(None)), encode),
        float: _float,
        **dict.fromkeys((list, tuple), _sequence),
        dict: _dict,
        **dict.fromkeys((set, frozenset), _set),
        **{kind: _by_content(content) for kind, content in CONTENTS.items()},
        **{kind: _by_parts(read) for kind, read in PARTS.items()},
    },
    _find,
)
ENCODER_OF: Final = ENCODERS.__getitem__
