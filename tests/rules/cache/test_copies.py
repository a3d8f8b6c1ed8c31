"""No caller can change what another gets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest


@dataclasses.dataclass
class Record:
    items: list


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


def test_what_cannot_be_copied_is_not_kept(place, requests):
    """The call gives its result, and the error is counted."""

    class Uncopyable:
        def __deepcopy__(self, memo):
            raise RuntimeError

    load = place(lambda: Uncopyable(), cache={"ttl": "1m", "copy": "deep"})

    assert load() is not load()
    assert requests(load) == {"error": 2}
