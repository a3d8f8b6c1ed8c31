"""Arguments that somebody chose to make keys slow, large or equal."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import itertools
import random
import struct
import sys
import time
import types
import typing
import uuid
from marshal import dumps
from typing import Any, Generic, TypeVar

import attrs
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.rules.cache.canonical import LONG, WIDE, encode
from mlpolicy.rules.cache.classes import Unkeyable
from mlpolicy.rules.cache.contents import size_of

MODULUS = sys.hash_info.modulus
"""All multiples of it have the hash 0."""
WIDE_ONES = [at * MODULUS for at in range(1, 2000)]


def nest(depth: int, leaf: Any = ()) -> list[Any]:
    value: list[Any] = list(leaf)
    for _ in range(depth):
        value = [value, value]
    return value


def deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value += [value, value]
    return value


def known(place, function):
    """Return the keys of the entries of a function."""
    return list(place.step(function, "cache").store.entries)


# --- tables ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda at: at * MODULUS,
        lambda at: (at * MODULUS, 1),
        lambda at: [at * MODULUS],
        lambda at: {at * MODULUS},
        lambda at: {at * MODULUS: 1},
        lambda at: fractions.Fraction(at * MODULUS),
        lambda at: uuid.UUID(int=at * MODULUS),
        lambda at: decimal.Decimal(at * MODULUS),
        lambda at: range(at * MODULUS),
        lambda at: tuple(-1 - (at >> bit & 1) for bit in range(11)),
        lambda at: frozenset(frozenset({-1 - (at >> bit & 1), bit}) for bit in range(11)),
    ],
)
def test_what_shares_a_hash_has_keys_that_do_not(make):
    """A table of such keys is as quick as any."""
    tokens = {encode(make(at)) for at in range(1, 2000)}

    assert len(tokens) == 1999
    assert len(set(map(hash, tokens))) > 1990


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (lambda number: number, lambda wide: (wide,)),
        (lambda number, user: number, lambda wide: (wide, "a")),
        (lambda user, number: number, lambda wide: (1, wide)),
        (lambda a, b, c, d, e: a, lambda wide: (wide, 1, 2, 3, 4)),
        (lambda *rest: rest[0], lambda wide: (wide, 1)),
    ],
    ids=["one", "first", "second", "many", "star"],
)
def test_long_integers_are_not_in_the_table(place, function, arguments, mode):
    """Their hashes would meet: anyone can make ten thousand with one hash."""
    load = place(
        types.FunctionType(function.__code__, globals(), "load"),
        cache={"ttl": "1h", "max_entries": 4000, "mode": mode},
    )

    assert [load(*arguments(wide)) for wide in WIDE_ONES] == WIDE_ONES
    assert [load(*arguments(wide)) for wide in WIDE_ONES] == WIDE_ONES

    keys = known(place, load)
    assert len(keys) == len(WIDE_ONES)
    assert len(set(map(hash, keys))) > len(WIDE_ONES) - 5


@pytest.mark.parametrize("number", [WIDE, -WIDE, WIDE + 1, MODULUS, -MODULUS, 2**64, -(2**200)])
def test_a_long_integer_is_found_again(place, requests, number):
    """It costs a digest, no more."""
    load = place(lambda a, b: (a, b), cache={"ttl": "1h"})

    assert [load(number, 1), load(number, 1), load(number + 1, 1)][0] == (number, 1)
    assert load(WIDE - 1, 1 - WIDE) == load(WIDE - 1, 1 - WIDE)

    assert requests(load) == {"hit": 2, "miss": 3}


def test_all_rows_of_minus_one_and_minus_two_spread(place):
    """`hash(-1) == hash(-2)`: 2**n calls of n such arguments would share a hash."""
    load = place(lambda *rest: rest, cache={"ttl": "1h"})
    many = place(lambda a, b, c, d, e, f, g, h: a, cache={"ttl": "1h"})

    for row in itertools.product((-1, -2), repeat=8):
        assert load(*row) == row
        assert many(*row) == row[0]

    assert len(set(map(hash, known(place, load)))) == 256
    assert len(set(map(hash, known(place, many)))) == 256


# --- size ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1_000_000,
        "é" * 1_000_000,
        "\ud800" * 1_000_000,
        b"x" * 1_000_000,
        bytearray(1_000_000),
        ["x" * 1_000_000],
        [["x" * 100] for _ in range(1000)],
        {str(at): [at] for at in range(1000)},
        {at: "x" for at in range(1000)},
        set(map(str, range(1000))),
        frozenset(range(100_000)),
        array.array("q", range(10_000)),
        2**1_000_000,
        decimal.Decimal("1" * 10_000),
        pd.DataFrame({"a": ["x" * 1000] * 1000}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_key_is_small_whatever_it_stands_for(place, value):
    """The table holds digests, not what callers sent."""
    load = place(lambda value: 1, cache={"ttl": "1h"})
    pair = place(lambda value, other: 1, cache={"ttl": "1h"})

    assert load(value) == load(value) == pair(value, 1) == pair(value, "a") == 1

    keys = [*known(place, load), *known(place, pair)]
    assert len(keys) == 3
    assert max(map(size_of, keys)) < 1000


@given(st.text(min_size=LONG - 1, max_size=LONG + 2), st.text(min_size=LONG, max_size=LONG + 2))
def test_long_texts_and_bytes_keep_apart(one, other):
    """Text from bytes of the same, and from their digests."""
    raw = one.encode("utf-8", "surrogatepass")

    assert (encode(one) == encode(other)) is (one == other)
    assert len({encode(one), encode(raw), encode(bytearray(raw)), encode([one])}) == 4
    if len(one) > LONG:
        assert encode(encode(one)[0]) != encode(one)
        assert encode(encode(raw)[0]) != encode(raw)
    for within in ([raw, []], (one, []), [[one], []], [one, one]):
        assert encode(within) != encode([one, []])


def test_the_long_text_before_is_known_by_itself_alone(place):
    """Another with the same letters has the same key, one that is too long is not held."""
    load = place(lambda text: text[-1:], cache={"ttl": "1h"})
    texts = ["x" * 1300 + letter for letter in "aba"]
    for text in (*texts, texts[0], "".join(list(texts[0])), "y" * 100_000, texts[1]):
        assert load(text) == text[-1:]

    assert len(known(place, load)) == 3
    assert place.step(load, "cache").keys.last[0] is texts[1]
    load("y" * 100_000)
    assert place.step(load, "cache").keys.last[0] is texts[1]


def test_a_digest_is_no_argument(place):
    """Who knew what stands for a text could not pass it off as the text."""
    load = place(lambda value: value, cache={"ttl": "1h"})

    assert load("x" * 1300) == "x" * 1300
    (key,) = known(place, load)

    assert load(key) == key
    assert load(key[0]) == key[0]


# --- time ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: nest(40),
        lambda: nest(48, ["x" * 1_000_000]),
        lambda: tuple(nest(40)),
        lambda: {"a": nest(30), "b": nest(30)},
        lambda: deep(100_000),
        circle,
        lambda: {"a": circle(), "b": 1},
        lambda: [nest(20)] * 50_000,
        lambda: ["x" * 1_000_000] * 5_000,
        lambda: [b"x" * 1_000_000, 1] * 5_000,
        lambda: [["x" * 1_000_000] for _ in range(500)] * 10,
        lambda: [2**1_000_000] * 5_000,
        lambda: (2**1_000_000, "a") * 5_000,
        lambda: {str(at): text for text in ["x" * 1_000_000] for at in range(3000)},
        lambda: set(range(300_000)),
        lambda: {str(at) for at in range(100_000)} | {1},
        lambda: set(WIDE_ONES),
        lambda: dict.fromkeys(WIDE_ONES, 1),
        lambda: [[at] for at in range(1_000_000)],
        lambda: {float(at * 2**61): at for at in range(1000)},
        lambda: [1.0, -0.0, float("nan")] * 100_000,
        lambda: {float("nan"): at for at in range(1000)},
        lambda: {(at, -1): (at, -2) for at in range(10_000)},
        lambda: np.array(nest(16), object),
        lambda: Query(nest(40)),
        lambda: collections.OrderedDict(a=nest(40), b=nest(40)),
    ],
)  # fmt: skip
def test_a_key_is_made_or_given_up_in_a_moment(place, requests, make):
    """The call gives its result, whatever becomes of its key."""
    value = make()

    def many(*rest, **named):
        return 1

    load = place(lambda value: 1, cache={"ttl": "1h"})
    place(many, cache={"ttl": "1h"})

    began = time.perf_counter()
    for _ in range(2):
        assert load(value) == many(value, value, a=value) == 1
    took = time.perf_counter() - began

    assert took < 20
    assert requests(load) in ({"bypass": 2}, {"hit": 1, "miss": 1})
    assert requests(many) == requests(load)


def test_what_stands_in_many_places_is_walked_once():
    """Shared or not, equal content has one key."""
    shared = nest(6, ["a", [1]])

    assert encode(shared) == encode(eval(repr(shared)))
    assert encode(nest(7, ["a", [1]])) != encode(shared)


def test_a_walk_that_is_too_long_is_a_bypass_that_is_counted(place, requests, caplog):
    """The log says how many are too many."""
    load = place(lambda value: 1, cache={"ttl": "1h"})

    assert load([[at] for at in range(200_000)]) == 1

    assert requests(load) == {"bypass": 1}
    assert "over 100,000 items" in caplog.text


# --- what fields do not show ------------------------------------------------------------

T = TypeVar("T")


@dataclasses.dataclass
class Query:
    text: Any = "a"


@dataclasses.dataclass
class Box(Generic[T]):
    held: int = 1


class WithSlot:
    __slots__ = ("hidden",)


@dataclasses.dataclass(slots=True)
class Slotted(WithSlot):
    text: str = "a"


@dataclasses.dataclass(eq=False)
class Failure(Exception):
    text: str = "a"


@dataclasses.dataclass(eq=False)
class Queue(collections.deque):
    text: str = "a"


@dataclasses.dataclass(eq=False)
class Frozen(frozenset):
    text: str = "a"


@dataclasses.dataclass(eq=False)
class Row(np.ndarray):
    text: str = "a"


@attrs.define(slots=False)
class Attrs:
    text: str = "a"


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    text: str = "a"
    _note: int = 1


class Named(tuple):
    _fields = ("text",)


class Color(enum.Enum):
    RED = "red"


class Many(enum.Flag):
    ONE = 1
    TWO = 2


def with_state(make: Any, **state: Any) -> Any:
    value = make()
    for name, one in state.items():
        object.__setattr__(value, name, one)
    return value


def frame_with(**attrs: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1, 2]})
    frame.attrs.update(attrs)
    return frame


def series_with(**attrs: Any) -> pd.Series:
    series = pd.Series([1, 2])
    series.attrs.update(attrs)
    return series


def tagged(frame: Any) -> Any:
    object.__setattr__(frame, "note", "x")
    return frame


def private(number: int) -> Model:
    model = Model()
    model._note = number
    return model


def levels(kind: str) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([np.array([1, 2], kind), ["a", "b"]])


def token(value: Any) -> Any:
    """Return the token, or a new object where the value has no key."""
    try:
        return encode(value)
    except Unkeyable:
        return object()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Query(), with_state(Query, note=1)),
        (with_state(Query, note=2), with_state(Query, note=1)),
        (Query(), with_state(Query, note=[1])),
        (Box[int](1), Box(1)),
        (Box[int](1), Box[str](1)),
        (with_state(Slotted, hidden=1), with_state(Slotted, hidden=2)),
        (Slotted(), with_state(Slotted, hidden=2)),
        (Failure(), Failure("a").with_traceback(None)),
        (Queue(), with_state(Queue, text="a")),
        (Attrs(), with_state(Attrs, note=1)),
        (Model(), Model(text="a")),
        (Model(), Model(extra=1)),
        (private(1), private(2)),
        (Model(), with_state(Model, note=1)),
        (Named([1]), with_state(lambda: Named([1]), note=1)),
        (frame_with(), frame_with(unit="m")),
        (frame_with(unit="kg"), frame_with(unit="m")),
        (series_with(), series_with(unit="m")),
        (frame_with(), frame_with().set_flags(allows_duplicate_labels=False)),
        (frame_with(), tagged(frame_with())),
        (series_with(), tagged(series_with())),
        (pd.Index([1]), tagged(pd.Index([1]))),
        (levels("i4"), levels("i8")),
        (pd.date_range("2026", periods=3), pd.DatetimeIndex(list(pd.date_range("2026", periods=3)))),
        (np.zeros(2, np.dtype("i4", metadata={"a": 1})), np.zeros(2, "i4")),
        (np.dtype("i4", metadata={"a": 1}), np.dtype("i4", metadata={"a": 2})),
        (np.dtype({"names": ["a"], "formats": ["i4"]}),
         np.dtype({"names": ["a"], "formats": ["i4"], "itemsize": 8})),
        (collections.OrderedDict(a=1), with_state(lambda: collections.OrderedDict(a=1), note=1)),
        (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(int, a=1), collections.defaultdict(str, a=1)),
        (collections.defaultdict(int, a=1), {"a": 1}),
        (collections.deque([1], 2), collections.deque([1], 3)),
        (collections.Counter("a"), {"a": 1}),
        (types.MappingProxyType({"a": 1}), types.MappingProxyType(collections.OrderedDict(a=1))),
        (uuid.UUID(int=1), uuid.UUID(int=1, is_safe=uuid.SafeUUID.safe)),
        (datetime.timezone(datetime.timedelta(0), "UTC"), datetime.UTC),
        (datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 1, fold=1)),
        (frozenset({float("nan")}), frozenset({float("nan"), float("nan")})),
        ({1, "a"}, {dumps(1, 2), dumps("a", 2)}),
        ({1, 2.5}, {dumps(1, 2), dumps(2.5, 2)}),
        (("a", 1), struct.unpack("<2q", dumps(("a", 1), 2))),
        ({"a": "a", "b": 1}, dict(zip("ab", struct.unpack("<2q", dumps(("a", 1), 2)), strict=True))),
        (list[int], list[str]),
        (list[int], typing.List[int]),  # noqa: UP006
        ([Query(), [Query()]], [Query(), [with_state(Query, note=1)]]),
        (-1, -2),
        ((-1,), (-2,)),
        ([1, [MODULUS]], [1, [2 * MODULUS]]),
        ([1, [True]], [1, [1]]),
        ([[], [0.0]], [[], [-0.0]]),
        ([[], 0.0], [[], -0.0]),
    ],
)  # fmt: skip
def test_what_a_function_can_tell_apart_has_no_key_in_common(one, other):
    """Hidden state is in the key, or there is none."""
    assert token(one) != token(other)


@pytest.mark.parametrize("value", [Failure(), Queue(), Frozen(), np.zeros(2).view(Row)])
def test_a_dataclass_that_derives_from_a_class_in_c_has_no_key(value):
    """It holds more than its fields."""
    with pytest.raises(Unkeyable):
        encode(value)


def test_a_member_of_an_enum_is_told_apart_by_what_was_put_on_it():
    """Before and after are two keys."""
    plain, flags = encode(Color.RED), encode(Many.ONE | Many.TWO)
    try:
        Color.RED.note = Many.ONE.note = "x"
        assert encode(Color.RED) != plain
        Color.RED.note = "y"
        noted = encode(Color.RED)
        Color.RED.note = "x"
        assert noted not in {plain, encode(Color.RED)}
        Color.RED.note = object()
        with pytest.raises(Unkeyable):
            encode(Color.RED)
    finally:
        del Color.RED.note, Many.ONE.note
    assert encode(Color.RED) == plain
    assert encode(Many.ONE | Many.TWO) == flags


@pytest.mark.parametrize(
    "make",
    [
        lambda: Box[int](1),
        lambda: with_state(Query, note=1),
        lambda: with_state(Slotted, hidden=1),
        Slotted,
        lambda: private(3),
        lambda: Model(b=1, a=2),
        lambda: frame_with(unit="m"),
        lambda: Many.ONE | Many.TWO,
        lambda: Color.RED,
        lambda: datetime.timedelta(-1),
        lambda: types.MappingProxyType({"a": 1}),
        lambda: collections.OrderedDict(a=1, b=[2]),
        lambda: [int, [float], Ellipsis, NotImplemented, 1j, slice(1, [])],
        lambda: {1: [Query()], "a": {2, "b", 3.0}, None: {frozenset({1, "a"})}},
        lambda: [MODULUS, [MODULUS], "x" * 1300, b"x" * 1300],
    ],
)
def test_what_cannot_be_told_apart_has_one_key(make):
    """Made twice, with the same state."""
    assert encode(make()) == encode(make())
    assert hash(encode(make())) == hash(encode(make()))


# --- laws ---------------------------------------------------------------------------

leaves = (
    st.integers()
    | st.sampled_from([-1, -2, 0, WIDE, -WIDE, MODULUS, 2 * MODULUS, -MODULUS])
    | st.floats(allow_nan=False)
    | st.sampled_from([True, False, None, Color.RED, Many.ONE, Ellipsis, int, str])
    | st.text(max_size=3)
    | st.text(min_size=LONG, max_size=LONG + 1)
    | st.binary(max_size=3)
    | st.decimals(allow_nan=False, places=1)
    | st.fractions()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2) | st.integers(-2, 2), inner, max_size=3)
        | st.builds(Query, inner)
        | inner.map(lambda value: [value, value])
    ),
    max_leaves=10,
)


def spelt(value: Any) -> Any:
    """Return the slow, plain form of a value: equal only for what cannot be told apart."""
    kind = type(value)
    if kind in (list, tuple):
        return kind, [spelt(one) for one in value]
    if kind is dict:
        return kind, sorted((repr(spelt(one)), repr(spelt(two))) for one, two in value.items())
    if kind is Query:
        return kind, spelt(value.text)
    return kind, repr(value)


@given(trees, trees)
def test_keys_are_equal_exactly_for_what_cannot_be_told_apart(one: Any, other: Any):
    """Whatever is in what, and however often."""
    assert (encode(one) == encode(other)) is (spelt(one) == spelt(other))


@given(trees, st.randoms())
def test_one_leaf_makes_the_difference(value: Any, chance: random.Random):
    """A value in which one thing was exchanged has another key."""
    path: list[Any] = []
    inner = value
    while isinstance(inner, list) and inner:
        path.append(chance.randrange(len(inner)))
        inner = inner[path[-1]]

    def exchanged(tree: Any, way: list[Any]) -> Any:
        if not way:
            return ["exchanged", inner]
        return [exchanged(one, way[1:]) if at == way[0] else one for at, one in enumerate(tree)]

    assert encode(exchanged(value, path)) != encode(value)
