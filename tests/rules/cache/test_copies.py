"""No caller can change what another gets."""

from __future__ import annotations

import array
import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import pathlib
import socket
import sys
import threading
import types
import uuid
import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest

from mlpolicy.rules.cache.contents import MOST


@dataclasses.dataclass
class Record:
    items: list


@dataclasses.dataclass(frozen=True)
class Frozen:
    items: Any


class Model(pydantic.BaseModel):
    items: Any = [1]


class Pair(NamedTuple):
    first: Any
    second: Any


class Plain:
    def __init__(self):
        self.items = [1]

    def __repr__(self):
        return f"Plain({self.items})"


class Slotted(Plain):
    __slots__ = ("more",)


class Items(list):
    pass


class Mapping(dict):
    pass


class Set(set):
    pass


def twice():
    inner = [1]
    return [inner, inner]


def endless():
    made = [[1]]
    made.append(made)
    return made


DEEPER = {
    "OrderedDict": (lambda: collections.OrderedDict(a=[1]), lambda v: v["a"].append(2)),
    "defaultdict": (lambda: collections.defaultdict(list, a=[1]), lambda v: v["b"]),
    "Counter": (lambda: collections.Counter("ab"), lambda v: v.update("a")),
    "deque": (lambda: collections.deque([1]), lambda v: v.append(2)),
    "deque of lists": (lambda: collections.deque([[1]]), lambda v: v[0].append(2)),
    "list's subclass": (lambda: Items([1]), lambda v: v.append(2)),
    "dict's subclass": (lambda: Mapping(a=1), lambda v: v.clear()),
    "set's subclass": (lambda: Set({1}), lambda v: v.add(2)),
    "nested list": (lambda: [[1], [[2]]], lambda v: v[1][0].append(3)),
    "dict of lists": (lambda: {"a": [1]}, lambda v: v["a"].append(2)),
    "list of sets": (lambda: [{1}], lambda v: v[0].add(2)),
    "dict of bytearrays": (lambda: {"a": bytearray(b"a")}, lambda v: v["a"].append(1)),
    "namespace": (lambda: types.SimpleNamespace(a=1), lambda v: setattr(v, "a", 2)),
    "array.array": (lambda: array.array("d", [1.0]), lambda v: v.append(2.0)),
    "object": (Plain, lambda v: v.items.append(2)),
    "slots": (Slotted, lambda v: v.items.append(2)),
    "record in a record": (lambda: Record([Record([1])]), lambda v: v.items[0].items.append(2)),
    "list in a frozen record": (lambda: Frozen([1]), lambda v: v.items.append(2)),
    "model": (Model, lambda v: v.items.append(2)),
    "model in a model": (lambda: Model(items=Model()), lambda v: v.items.items.append(2)),
    "tuple of lists": (lambda: ([1], {"a": [2]}), lambda v: v[1]["a"].append(3)),
    "named tuple of lists": (lambda: Pair([1], 2), lambda v: v.first.append(3)),
    "list of named tuples": (lambda: [Pair([1], 2)], lambda v: v[0].first.append(3)),
    "mapping proxy": (lambda: types.MappingProxyType({"a": [1]}), lambda v: v["a"].append(2)),
    "array of objects": (lambda: np.array([[1], {}], dtype=object), lambda v: v[0].append(2)),
    "arrays of objects inside": (
        lambda: {"a": np.array([[1], {}], dtype=object)},
        lambda v: v["a"][0].append(2),
    ),
    "frame of objects": (
        lambda: pd.DataFrame({"a": pd.Series([[1]], dtype=object)}),
        lambda v: v["a"][0].append(2),
    ),
    "polars": (lambda: pl.DataFrame({"a": [1]}), lambda v: v.insert_column(0, v["a"].alias("b"))),
    "one list in two places": (twice, lambda v: v[0].append(2)),
    "a list in itself": (endless, lambda v: v[0].append(2)),
}


@pytest.mark.parametrize("mode", ["auto", "deep"])
@pytest.mark.parametrize(("make", "change"), DEEPER.values(), ids=DEEPER)
def test_no_change_of_a_caller_is_seen_by_another(place, mode, make, change, requests):
    """However deep it lies, and whatever class it is of; the class stays the same."""
    load = place(lambda: make(), cache={"ttl": "1m", "copy": mode})

    for _ in range(3):
        given = load()
        assert type(given) is type(make())
        assert str(given) == str(make())
        change(given)

    assert str(load()) == str(make())
    assert requests(load) == {"miss": 1, "hit": 3}


def test_what_is_one_list_in_the_result_is_one_list_in_every_copy(place):
    """As without a cache."""
    load = place(lambda: twice(), cache={"ttl": "1m"})

    load()
    given = load()

    assert given[0] is given[1]


@pytest.mark.parametrize("depth", [lambda a: [a], lambda a: {"a": (a, "b")}, lambda a: Pair(a, 1)])
def test_arrays_inside_containers_are_read_only(place, depth):
    """Not copied at a hit, so that results of large arrays stay cheap."""
    load = place(lambda: depth(np.zeros(3)), cache={"ttl": "1m"})

    def array_in(value):
        while not isinstance(value, np.ndarray):
            value = next(iter(value.values() if isinstance(value, dict) else value))
        return value

    given = [array_in(load()) for _ in range(3)]

    assert not any(one.flags.writeable for one in given)
    assert np.shares_memory(given[1], given[2])


class Missing:
    __slots__ = ()


class Colour(enum.Enum):
    RED = [1]


CONSTANTS = [
    1, "a", 1.5, b"a", True, None, 2j, (1, (2, "a")), frozenset({1}), range(3), ..., object(),
    Missing(), Colour.RED, Frozen((1, "a")), (Frozen(1), Colour.RED), Pair(1, "a"), int, len, twice,
    datetime.datetime(2026, 1, 1), decimal.Decimal("1"), uuid.UUID(int=1), pathlib.Path("a"),
    np.float64(1), np.dtype("f4"), pd.Timestamp(0), pa.table({"a": [1]}),
]  # fmt: skip


@pytest.mark.parametrize("value", CONSTANTS, ids=lambda value: type(value).__name__)
def test_what_cannot_change_is_handed_out_as_it_is(place, value):
    """A hit of it calls nothing, and a sentinel stays the sentinel."""
    load = place(lambda: value, cache={"ttl": "1m"})

    assert load() is load() is value
    assert [entry.copied for entry in place.step(load, "cache").store] == [None]


class Secret(Exception):
    def __str__(self):
        raise RuntimeError


class Uncopyable:
    def __deepcopy__(self, memo):
        raise Secret("private")


class Unreduced:
    def __reduce_ex__(self, protocol):
        raise Secret("private")


@pytest.mark.parametrize(
    "make",
    [
        threading.Lock, lambda: [threading.Lock()], lambda: {"a": (i for i in ())},
        lambda: [iter([1])], socket.socket, lambda: open(__file__), lambda: [open(__file__)],
        lambda: sys, lambda: memoryview(b"a"), Uncopyable, Unreduced, lambda: [[Uncopyable()]],
        lambda: pd.DataFrame({"a": pd.Series([Unreduced()], dtype=object)}),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_cannot_be_copied_is_computed_again_and_said_once(place, make, caplog):
    """The call is unharmed, and no value of the result is in the log."""
    load = place(lambda: [calls.append(1), make()][1], cache={"ttl": "1m"})
    calls = []

    for _ in range(3):
        assert type(load()) is type(make())

    assert len(calls) == 3
    assert len(caplog.records) == 1
    assert "is not cached" in caplog.text
    assert "private" not in caplog.text


def test_a_copy_that_fails_at_a_hit_is_a_miss(place, requests, caplog):
    """A class may be copied once and not again; the function is called in place of it."""

    class Moody:
        copies = 0

        def __deepcopy__(self, memo):
            Moody.copies += 1
            if Moody.copies in (2, 3):
                raise Secret
            return Moody()

    load = place(lambda: Moody(), cache={"ttl": "1m"})

    assert [type(load()) for _ in range(3)] == [Moody] * 3
    assert requests(load) == {"miss": 2, "hit": 1}
    assert len(caplog.records) == 1


def test_a_tree_too_deep_to_be_copied_is_not_kept(place, requests):
    """The call does not fail where a copy would meet the limit of recursion."""

    def load():
        made = []
        for _ in range(50_000):
            made = [made]
        return made

    place(load, cache={"ttl": "1m"})

    assert type(load()) is type(load()) is list
    assert requests(load) == {"error": 2}


@pytest.mark.parametrize(
    "make",
    [
        lambda: list(range(MOST + 1)),
        lambda: dict.fromkeys(range(MOST + 1)),
        lambda: [list(range(1000)) for _ in range(MOST // 1000)],
        lambda: [{number: [] for number in range(1000)} for _ in range(MOST // 1000)],
        lambda: [Plain() for _ in range(MOST // 10)],
    ],
    ids=["list", "dict", "lists", "dicts", "objects"],
)
def test_what_is_too_large_to_be_copied_for_each_caller_is_not_kept(place, make, caplog):
    """It is said once; `copy: none` keeps it."""
    many = make()
    load = place(lambda: many, cache={"ttl": "1m"})
    shared = place(lambda: many, cache={"ttl": "1m", "copy": "none"})

    assert load() is load() is shared() is shared()
    assert len(caplog.records) == 1
    assert "copy: none" in caplog.text


def test_the_size_is_looked_at_before_anything_is_copied(place):
    """A result beyond `max_bytes` costs no copy."""
    copied = []

    class Large(list):
        def __deepcopy__(self, memo):
            copied.append(1)
            return self

    load = place(lambda: Large(["a" * 1000] * 2000), cache={"ttl": "1m", "max_bytes": "1MiB"})

    load()
    load()

    assert copied == []


def test_a_policy_on_copy_itself_does_not_meet_itself(place):
    """What keeps results uses a `copy` of its own."""
    place(copy.deepcopy, cache={"ttl": "1m", "copy": "deep", "ignore": ["memo", "_nil"]})
    place(copy.copy, cache={"ttl": "1m", "copy": "shallow"})
    value = {"a": collections.OrderedDict(b=[1])}

    for copied in (copy.deepcopy, copy.copy):
        assert copied(value) == copied(value) == value


@pytest.mark.parametrize("mode", ["auto", "shallow", "deep"])
@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: [1, 2], lambda v: v.append(3)),
        (lambda: {"a": 1}, lambda v: v.clear()),
        (lambda: {1}, lambda v: v.add(2)),
        (lambda: bytearray(b"ab"), lambda v: v.reverse()),
        (lambda: Record([1]), lambda v: setattr(v, "items", None)),
        (lambda: pd.DataFrame({"a": [1]}), lambda v: v.insert(0, "b", [2])),
    ],
    ids=["list", "dict", "set", "bytearray", "record", "frame"],
)
def test_no_caller_can_change_what_another_gets(place, mode, make, change, requests):
    """Neither the one for whom it was computed nor one who hit."""
    load = place(lambda: make(), cache={"ttl": "1m", "copy": mode})

    first = load()
    change(first)
    second = load()
    assert str(second) == str(make())
    change(second)

    assert str(load()) == str(make())
    assert requests(load) == {"miss": 1, "hit": 2}


def test_a_frame_is_not_changed_in_place(place):
    """Values written by one caller are not seen by another."""
    load = place(lambda: pd.DataFrame({"a": [1.0, 2.0]}), cache={"ttl": "1m"})

    for _ in range(3):
        frame = load()
        assert frame["a"].tolist() == [1.0, 2.0]
        frame.loc[0, "a"] = 9.0


def test_deep_copies_reach_inside(place):
    """`shallow` shares what lies inside, `deep` does not."""
    shallow = place(lambda: {"a": [1]}, cache={"ttl": "1m", "copy": "shallow"})
    deep = place(lambda: {"a": [1]}, cache={"ttl": "1m", "copy": "deep"})

    for function in (shallow, deep):
        function()
        function()["a"].append(2)

    assert (shallow(), deep()) == ({"a": [1, 2]}, {"a": [1]})


def test_arrays_come_read_only(place):
    """For the first caller too, so that what writes fails at once and not at the first hit."""
    load = place(lambda: np.arange(4.0), cache={"ttl": "1m"})

    for _ in range(2):
        array = load()
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
        with warnings.catch_warnings(action="ignore"):  # (NumPy 2.5 deprecates it)
            array.shape = (2, 2)

    assert load().shape == (4,)


def test_an_array_inside_a_tuple_is_protected(place):
    """A pair of arrays comes as a pair of read-only arrays."""
    load = place(lambda: (np.zeros(2), [1], "a"), cache={"ttl": "1m"})

    load()[1].append(2)
    array, items, text = load()

    assert not array.flags.writeable
    assert (items, text) == ([1], "a")


def test_an_argument_that_comes_back_is_neither_frozen_nor_shared(place):
    """The caller may go on writing to it, and no hit sees that."""
    same = place(lambda array: array, cache={"ttl": "1m"})
    mine = np.zeros(3)

    same(mine)
    mine[0] = 7

    assert mine.flags.writeable
    assert same(np.zeros(3)).tolist() == [0, 0, 0]


def test_readonly_seals_lists_and_dicts(place):
    """Nothing is copied at a hit, and nothing can be changed."""
    load = place(lambda: ([1], {"a": 1}), cache={"ttl": "1m", "copy": "readonly"})

    items, mapping = load()

    assert items == (1,)
    with pytest.raises(TypeError):
        mapping["a"] = 2
    assert load() == ((1,), {"a": 1})
    assert load()[1] is load()[1]


def test_none_hands_out_the_object_itself(place):
    """`copy: none` shares."""
    load = place(lambda: [1], cache={"ttl": "1m", "copy": "none"})

    assert load() is load()
