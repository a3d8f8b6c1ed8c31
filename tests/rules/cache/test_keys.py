"""Equal arguments share a key, different ones never do."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import gc
import logging
import math
import pathlib
import struct
import uuid
import weakref
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.rules.cache.canonical import encode
from mlpolicy.rules.cache.classes import Unkeyable
from mlpolicy.rules.cache.keys import IDENTITIES

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.sampled_from([0.0, -0.0, 1.0, math.nan, -math.nan, math.inf, -math.inf])
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=3)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=2) | st.integers(0, 2), inner, max_size=4)
        | st.frozensets(scalars, max_size=4)
    ),
    max_leaves=12,
)


def meaning(value: Any) -> Any:
    """Return the slow, plain form by which values are the same or not."""
    kind = type(value)
    if kind is float:
        return ("float", "nan" if math.isnan(value) else struct.pack("d", value))
    if kind in (list, tuple):
        return (kind, tuple(meaning(item) for item in value))
    if kind is dict:
        return (dict, frozenset((meaning(k), meaning(v)) for k, v in value.items()))
    if kind is frozenset:
        return (frozenset, frozenset(map(meaning, value)))
    return (kind, value)


@given(values, values)
def test_tokens_are_equal_exactly_when_the_values_are(one: Any, other: Any):
    """Class, sign of zero and nesting count; the pattern of a NaN does not."""
    assert (encode(one) == encode(other)) is (meaning(one) == meaning(other))


@given(values)
def test_equal_tokens_hash_alike(value: Any):
    """A copy of a value has the same token, with the same hash."""
    copied = eval(repr(value), {"nan": math.nan, "inf": math.inf})

    assert encode(copied) == encode(value)
    assert hash(encode(copied)) == hash(encode(value))


@given(st.dictionaries(st.text(max_size=3), scalars, min_size=2, max_size=8), st.randoms())
def test_the_order_of_a_dict_does_not_matter(value: dict[str, Any], random: Any):
    """The same items in any order are the same dict."""
    items = list(value.items())
    random.shuffle(items)

    assert encode(dict(items)) == encode(value)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 50])
@pytest.mark.parametrize("last", [1, 2**70, 0.5, -0.0, math.nan, "a", None])
def test_a_dict_has_one_token_however_often_it_is_met(count: int, last: Any):
    """Its names are remembered the first time; what is read by them is the same."""
    value = {f"{last} {at}": at for at in range(1, count)} | {f"{last}": last}

    assert len({encode(dict(value)) for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        ("a", b"a"),
        ([1], (1,)),
        ([1.0, 2.0], [1.0, 2]),
        ([1.0] * 9, [1.0] * 8 + [True]),
        ([math.nan, 1.0], [math.inf, 1.0]),
        ([], ()),
        ({}, []),
        ({"a": 1, "b": 2}, {"a": 1, "c": 2}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2.0}),
        ({1: "a"}, {True: "a"}),
        ({1}, frozenset({1})),
        ({"a": b"1", "b": 1}, {"a": bytearray(b"1"), "b": 1}),
        (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
        (datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1)),
        (pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a")),
        (range(0, 3, 2), range(0, 4, 2)),
        (int, float),
        (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
        (2j, complex(0, 2.5)),
    ],
)
def test_what_differs_has_another_key(one: Any, other: Any):
    """Values that Python may call equal, but that a function can tell apart."""
    assert encode(one) != encode(other)


def test_one_instant_in_two_zones_has_two_keys():
    """Aware times compare by instant; a function that prints them does not."""
    utc = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)

    berlin = utc.astimezone(ZoneInfo("Europe/Berlin"))

    assert utc == berlin
    assert encode(utc) != encode(berlin)
    assert encode(berlin) == encode(berlin.replace())


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    ONE = 1


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Query:
    text: str
    limit: float = 1


class User(pydantic.BaseModel):
    id: int = 1
    tags: list[str] = []


@dataclasses.dataclass
class Derived(Query):
    def __eq__(self, other: object) -> bool:
        return True


class NotADataclass(Query):
    """Its instances may hold more than the fields."""


def test_records_are_keyed_by_class_and_field():
    """Equal fields share, another class or another class of a field does not."""
    same = [
        (Query("a"), Query("a")),
        (User(id=1), User(id=1)),
        (Point(1, 2), Point(1, 2)),
        (Color.RED, Color("red")),
        (uuid.UUID(int=5), uuid.UUID(int=5)),
    ]
    different = [
        (Query("a", 1), Query("a", 1.0)),
        (Query("a"), Derived("a")),
        (Derived("a"), Derived("b")),
        (User(), User(tags=["x"])),
        (User(), User(id=1)),
        (Point(1, 2), (1, 2)),
        (Color.RED, "red"),
        (Size.ONE, 1),
    ]

    assert all(encode(one) == encode(other) for one, other in same)
    assert not any(encode(one) == encode(other) for one, other in different)


class Text(str):
    """Text with a mind of its own."""


class Equal:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("a")


@pytest.mark.parametrize(
    "value",
    [object(), Text("a"), Equal(), NotADataclass("a"), lambda: 1, (i for i in ()), [object()]],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_content_to_speak_of_has_no_key(value: Any):
    """Nothing is keyed by its address, its repr or its own idea of equality."""
    with pytest.raises(Unkeyable):
        encode(value)


def test_a_list_that_holds_itself_has_no_key():
    """It ends, with no recursion to the limit of the interpreter."""
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(Unkeyable):
        encode(endless)


class Model:
    """Compares equal to all of its kind."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


def test_identities_tell_equal_instances_apart():
    """No method of the instance is asked."""
    one, other = Model(), Model()

    assert IDENTITIES.of(one) is IDENTITIES.of(one)
    assert IDENTITIES.of(one) != IDENTITIES.of(other)


def test_an_identity_goes_with_its_instance():
    """It neither keeps the instance alive nor serves another at the same address."""
    model = Model()
    place, alive, identity = id(model), weakref.ref(model), IDENTITIES.of(model)

    del model
    gc.collect()

    assert alive() is None
    assert place not in IDENTITIES
    assert identity() is None


def test_a_key_that_is_no_argument_leaves_the_cache_out_and_is_said_once(place, caplog):
    """All calls would share a key; the function works, and its other rules hold."""
    calls = []

    def load(user):
        calls.append(user)
        if len(calls) == 1:
            raise TimeoutError
        return user

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        place(load, cache={"ttl": "10s", "key": ["usr"]}, retry={"initial_delay": "0s"})

    assert [load("a"), load("a"), load("b")] == ["a", "a", "b"]
    assert calls == ["a", "a", "a", "b"]
    assert [one.message for one in caplog.records] == [
        f"{load.__module__}:{load.__qualname__} has no argument `usr`; the cache rule is skipped"
    ]
