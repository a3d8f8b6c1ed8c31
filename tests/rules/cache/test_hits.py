"""What a cached function does at its second call."""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
import weakref

import pytest

from mlpolicy.rules.cache.canonical import LONG
from mlpolicy.rules.cache.contents import size_of


@pytest.fixture
def double(place, world):
    """A cached function that counts its calls in `double.calls`."""

    def double(value, *rest, factor=2, **more):
        calls.append(value)
        return (value, rest, factor, sorted(more))

    calls = double.calls = []
    return place(double, world=world, cache={"ttl": "30s", "max_entries": 50})


def test_a_result_is_handed_out_until_its_time_is_over(double, world):
    """The function is called again only after `ttl`."""
    double(1)
    world.advance(26)
    double(1)
    assert double.calls == [1]

    world.advance(4)
    double(1)

    assert double.calls == [1, 1]


def test_positional_keyword_and_default_are_one_call(double):
    """How an argument is passed does not matter, nor the order of keywords."""
    double(1)
    double(value=1)
    double(1, factor=2)
    double(1, a=1, b=2)
    double(1, b=2, a=1)

    assert double.calls == [1, 1]


@pytest.mark.parametrize("values", [(1, 1.0, True), (0.0, -0.0), ("1", b"1"), ((1,), [1])])
def test_values_of_other_classes_are_other_calls(place, values):
    """A single argument and one of several are told apart alike."""
    alone = place(lambda value: [type(value), str(value)], cache={"ttl": "1m"})
    beside = place(lambda value, other: [type(value), str(value)], cache={"ttl": "1m"})

    for _ in range(2):
        assert [alone(value)[0] for value in values] == [type(value) for value in values]
        assert [beside(value, 1)[1] for value in values] == [str(value) for value in values]


TEXT = "é" * (LONG + 44)
"""Too long for a key."""


@pytest.mark.parametrize(
    "value",
    [0.0, -0.0, 0.5, float("nan"), TEXT, "\ud800" * len(TEXT), b"a", b"a" * len(TEXT), 2**70],
)
def test_a_scalar_is_found_again(place, requests, value):
    """Alone and beside another one, whichever way its key is made; long ones are not in it."""

    def first(value):
        return 1

    def second(other, value):
        return 2

    alone, beside = place(first, cache={"ttl": "1m"}), place(second, cache={"ttl": "1m"})

    for again in (value, pickle.loads(pickle.dumps(value))):
        alone(again)
        beside("a", again)
        beside(TEXT, again)

    assert requests(alone) == {"hit": 1, "miss": 1}
    assert requests(beside) == {"hit": 2, "miss": 2}
    assert size_of(list(place.step(beside, "cache").store.entries)) < 1200


def test_nan_is_itself(double):
    """Two NaNs are one call."""
    double(float("nan"))
    double(-float("nan"))

    assert len(double.calls) == 1


def test_requests_are_counted_once_each(place, double, requests):
    """Every call is a hit, a miss or a bypass."""
    double(1)
    double(1)
    double(object())
    double(object())

    assert requests(double) == {"hit": 1, "miss": 1, "bypass": 2}


def test_a_call_without_a_key_goes_through_and_is_named_once(double, caplog):
    """It is no error; the log says which class stands in the way."""
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        double(object())
        double(object())

    assert len(double.calls) == 2
    assert [record.message for record in caplog.records if "builtins.object" in record.message]
    assert len(caplog.records) == 1


def test_an_argument_that_fails_to_be_read_is_a_bypass(place, requests):
    """An error of the user's in there is not raised."""

    class Broken:
        def __getattr__(self, name):
            raise RuntimeError(name)

    take = place(lambda user: 1, cache={"ttl": "1m", "key": ["user.id"]})

    assert take(Broken()) == 1
    assert requests(take) == {"bypass": 1}


def test_the_key_may_be_parts_of_arguments(place):
    """What is not named does not matter, mappings and objects are read alike."""
    calls = []
    take = place(
        lambda user, features, trace: calls.append(trace),
        cache={"ttl": "1m", "key": ["user.id", "features[0]"]},
    )

    take({"id": 1, "name": "a"}, [1, 2], "x")
    take({"id": 1, "name": "b"}, [1, 3], "y")
    take({"id": 2, "name": "b"}, [1, 3], "z")

    assert calls == ["x", "z"]


def test_ignored_arguments_do_not_matter(place):
    """Named parameters and names inside `**keywords` alike."""
    calls = []
    take = place(
        lambda value, trace=None, **more: calls.append(value),
        cache={"ttl": "1m", "ignore": ["trace", "span"]},
    )

    take(1, trace=1, span=1, more=1)
    take(1, trace=2, span=2, more=1)
    take(1, trace=2, span=2, more=2)

    assert calls == [1, 1]


def test_a_key_inside_keywords_may_be_missing(place):
    """Given and not given are two calls."""
    calls = []
    take = place(lambda **more: calls.append(more), cache={"ttl": "1m", "key": ["user"]})

    take(user=None, other=1)
    take(other=2)
    take(other=3)

    assert calls == [{"user": None, "other": 1}, {"other": 2}]


class Ranker:
    """Equal to all of its kind."""

    def __init__(self, version):
        self.version = version

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1

    def rank(self, query):
        return [self.version, query]


def test_instances_do_not_share(place):
    """A method is keyed by its instance, even where another compares equal."""
    place(Ranker.rank, cache={"ttl": "1m"})

    assert [Ranker(v).rank("q")[0] for v in (1, 2, 3)] == [1, 2, 3]


def test_a_cached_method_does_not_keep_its_instance(place):
    """The instance goes, and another at its address has its own results."""
    place(Ranker.rank, cache={"ttl": "1m", "key": ["query"]})
    for version in range(4):
        ranker = Ranker(version)
        assert ranker.rank("q") == [version, "q"]
        alive = weakref.ref(ranker)
        del ranker
        gc.collect()
        assert alive() is None


def test_instances_share_where_the_rule_names_a_part(place, requests):
    """`self.version` in the key stands for the instance."""
    place(Ranker.rank, cache={"ttl": "1m", "key": ["self.version", "query"]})

    Ranker(1).rank("q").append("changed")

    assert Ranker(1).rank("q") == [1, "q"]
    assert Ranker(2).rank("q") == [2, "q"]
    assert requests(Ranker.rank) == {"hit": 1, "miss": 2}


def test_none_is_kept_unless_told_otherwise(place):
    """`cache_none` decides."""
    calls = []
    kept = place(lambda: calls.append("kept"), cache={"ttl": "1m"})
    asked = place(lambda: calls.append("asked"), cache={"ttl": "1m", "cache_none": False})

    for function in (kept, kept, asked, asked):
        function()

    assert calls == ["kept", "asked", "asked"]


def test_a_failure_is_not_kept(place, requests):
    """The next call computes."""
    calls = []

    def load(key):
        calls.append(key)
        raise KeyError(key)

    place(load, cache={"ttl": "1m"})

    for _ in range(2):
        with pytest.raises(KeyError):
            load(1)

    assert calls == [1, 1]
    assert requests(load) == {"miss": 2}


def test_the_result_of_a_coroutine_function_is_kept(place):
    """It can be awaited by every caller."""
    calls = []

    async def load(key):
        calls.append(key)
        await asyncio.sleep(0)
        return [key]

    place(load, cache={"ttl": "1m"})

    async def main():
        return [await load(1), await load(1)]

    assert asyncio.run(main()) == [[1], [1]]
    assert calls == [1]


def test_what_can_be_used_once_is_not_kept(place):
    """Every call gets an iterator of its own."""
    rows = place(lambda: iter([1, 2]), cache={"ttl": "1m"})

    assert [list(rows()), list(rows())] == [[1, 2], [1, 2]]
