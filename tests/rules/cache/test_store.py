"""Entries in memory: bounded, evicted by SIEVE, gone when their time is over."""

from __future__ import annotations

import itertools
import random
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.rules.cache.store import CacheEntry, NearStore


def put(store, key, *, now=0.0, ttl=100.0, size=0):
    entry = CacheEntry(key, key, born=now, expires=now + ttl)
    entry.size = size
    return store.put(entry, now=now)


def keys(store):
    return [entry.key for entry in store]


def test_what_was_used_stays():
    """The hand passes over it once, and takes what was not used."""
    store = NearStore(3)
    for key in "abc":
        put(store, key)
    store.entries["a"].visited = True

    put(store, "d")

    assert keys(store) == ["a", "c", "d"]
    assert not store.entries["a"].visited


def test_the_hand_goes_on_where_it_stopped():
    """It does not begin at the old end each time: new entries must prove themselves."""
    store = NearStore(4)
    for key in "abcd":
        put(store, key)
    for key in "ab":
        store.entries[key].visited = True

    put(store, "e")
    put(store, "f")

    assert keys(store) == ["a", "b", "e", "f"]


def test_a_store_full_of_used_entries_still_evicts():
    """One round clears every bit, then the oldest goes."""
    store = NearStore(3)
    for key in "abc":
        put(store, key)
        store.entries[key].visited = True

    put(store, "d")

    assert keys(store) == ["b", "c", "d"]


def test_expired_entries_do_not_wait_for_a_reader():
    """Later inserts let them go, a bounded number each, and a scrape lets go of more."""
    gone = itertools.count()
    store = NearStore(None, expired=gone.__next__)
    for key in range(600):
        put(store, key, ttl=10.0)

    put(store, "new", now=11.0)
    assert len(store) == 601 - 256
    store.sweep(11.0)
    store.sweep(11.0)

    assert keys(store) == ["new"]
    assert next(gone) == 600


def test_bytes_are_bounded():
    """Entries go until the new one has room; one too large is not kept at all."""
    store = NearStore(None, max_bytes=100)
    for key in range(4):
        put(store, key, size=30)

    assert put(store, "large", size=101) is False
    assert (len(store), store.bytes) == (3, 90)


def test_a_key_put_again_replaces_its_entry():
    """Its size is counted once."""
    store = NearStore(2, max_bytes=100)

    put(store, "a", size=10)
    put(store, "a", size=20)

    assert (keys(store), store.bytes) == (["a"], 20)


@given(st.lists(st.tuples(st.sampled_from("prhx"), st.integers(0, 9)), max_size=80))
def test_queue_and_dict_agree(actions):
    """Whatever is done, both hold the same entries, within the bound."""
    store = NearStore(4, max_bytes=25)
    for now, (action, key) in enumerate(actions):
        if action == "p":
            put(store, key, now=now, ttl=12.0, size=key)
        elif action == "r":
            store.remove(key)
        elif action == "x":
            store.sweep(now)
        elif key in store.entries:
            store.entries[key].visited = True

        held = list(store)
        assert {entry.key: entry for entry in held} == dict(store.entries)
        assert len(held) <= 4
        assert store.bytes == sum(entry.size for entry in held) <= 25


@pytest.fixture
def restless():
    """Threads change places as often as the interpreter lets them."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("restless")
def test_the_bound_holds_under_threads():
    """Eight threads insert, hit and remove; nothing raises and nothing is lost."""
    store, errors, seen = NearStore(50), [], []

    def hammer(seed):
        dice = random.Random(seed)
        try:
            for _ in range(4000):
                key = dice.randrange(200)
                entry = store.entries.get(key)
                if entry is None:
                    put(store, key)
                    seen.append(len(store.entries))
                elif dice.random() < 0.05:
                    store.remove(key)
                else:
                    entry.visited = True
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert max(seen) <= 50
    assert sorted(keys(store)) == sorted(store.entries)


def test_hits_are_worth_more_than_a_queue():
    """On a skewed load with scans SIEVE keeps what is hot."""
    dice = random.Random(7)
    store, hits, scan = NearStore(100), 0, 0

    for _ in range(20000):
        if dice.random() < 0.7:
            key = int(dice.paretovariate(1.0))
        else:
            scan += 1
            key = -scan
        entry = store.entries.get(key)
        if entry is None:
            put(store, key)
        else:
            entry.visited = True
            hits += 1

    assert hits / 20000 > 0.62


def test_what_calls_in_the_middle_of_a_change_does_not_wait_for_it():
    """A finalizer or a signal handler of the thread that changes it: nothing is kept, nothing torn."""
    store = NearStore(3)
    for key in "ab":
        put(store, key)

    with store._lock:
        kept = put(store, "c")
        store.remove("a")
        store.sweep(1000.0)
        store.clear()

    assert not kept
    assert keys(store) == ["a", "b"]


def test_a_change_that_was_stopped_in_the_middle_is_put_right_by_the_next():
    """The ring is made anew from the table, in its order."""
    store = NearStore(3, max_bytes=100)
    for key in "abc":
        put(store, key, size=10)
    with store._lock:
        store._begin()
        store._root.newer, store.bytes = None, -5

    put(store, "d", size=10)
    put(store, "e", size=10)

    assert (keys(store), store.bytes) == (["c", "d", "e"], 30)
