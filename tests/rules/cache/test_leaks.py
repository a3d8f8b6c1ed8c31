"""Calls, and rounds of placing and removing a cache, leave nothing behind."""

from __future__ import annotations

import gc
import sys
import types

import pytest

from tests.rules.conftest import Place

pytestmark = pytest.mark.slow
SETTINGS = [
    {},
    {"single_flight": False, "cache_none": False},
    {"max_entries": None, "max_bytes": "20kB"},
    {"stale_if_error": "1m", "lock_timeout": "1s", "max_entries": 10},
    {"key": ["key.id"], "copy": "none"},
    {"mode": "shadow"},
    {"copy": "readonly"},
]
RESULTS = [
    lambda key: key,
    lambda key: [[key]],
    lambda key: types.SimpleNamespace(key=[key]),
    lambda key: (one for one in ()),
    lambda key: None,
]


class Unkeyed:
    id = 1


def load(key):
    if key == 7:
        raise KeyError(key)
    return RESULTS[key % 5 if type(key) is int else 0](key)


def call(times):
    for key in range(times):
        for argument in (key, [key], Unkeyed()):
            try:
                load(argument)
            except KeyError:
                continue


def blocks():
    for _ in range(3):
        gc.collect()
    return sys.getallocatedblocks()


def grown(work):
    """Return by how many blocks of memory *work* grows, once it is warm."""
    work()
    work()
    before = blocks()
    work()
    return blocks() - before


@pytest.mark.parametrize("settings", SETTINGS[::2], ids=str)
def test_calls_leave_nothing_beyond_the_bound(place, settings):
    """Hits, misses, failures, and what is not kept."""
    place(load, cache={"ttl": "1m", "max_entries": 100, **settings})

    assert grown(lambda: call(400)) < 100


@pytest.mark.parametrize("settings", SETTINGS[::3], ids=str)
def test_rounds_of_placing_leave_nothing(settings):
    """What was kept goes with the policy."""
    place = Place()

    def rounds():
        for _ in range(10):
            place(load, cache={"ttl": "1m", **settings})
            call(10)
            place.remove()
            place._placed.clear()

    assert grown(rounds) < 100
