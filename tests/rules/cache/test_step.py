"""Metrics, notes, shadow, stale results, and what survives a reload."""

from __future__ import annotations

import os
import pickle
import threading

import pytest

from mlpolicy.core.metrics import Meters
from mlpolicy.core.site import Notes, Parameter, Site
from mlpolicy.core.step import Answer
from mlpolicy.core.threads import revive
from mlpolicy.rules.cache.canonical import ENCODER_OF
from mlpolicy.rules.cache.flight import Ticket
from mlpolicy.rules.cache.keys import IDENTITIES, Keys
from mlpolicy.rules.cache.rule import CacheRule
from mlpolicy.rules.cache.step import CacheStep
from mlpolicy.rules.cache.store import Entries


def step(notes=None, meters=None, mode="enforce", **rule):
    site = Site(
        "shop:load",
        parameters=(Parameter("key", "positional"),),
        mode=mode,
        notes=notes,
        meters=meters or Meters(),
    )
    return CacheStep(CacheRule.model_validate({"ttl": "10s", **rule}), site)


def fill(cache, key, value, *, now=0.0):
    cache.keep(Ticket(key, now, 0), value)


def test_every_series_is_there_from_the_start():
    """A dashboard shows zeros before the first call."""
    meters = Meters()

    cache = step(meters=meters)

    found = {family.name: len(family.samples) for family in meters.collect()}
    assert found == {
        "mlpolicy_cache_requests_total": 5,
        "mlpolicy_cache_evictions_total": 2,
        "mlpolicy_cache_entries": 1,
    }
    fill(cache, 1, "a")
    assert meters.value("mlpolicy_cache_entries", function="shop:load") == 1


def test_evictions_are_counted_by_reason():
    """For want of room, and because their time was over."""
    meters = Meters()
    cache = step(meters=meters, max_entries=2)

    for key in range(3):
        fill(cache, key, key)
    fill(cache, 3, 3, now=20.0)

    def evicted(reason):
        return meters.value("mlpolicy_cache_evictions_total", function="shop:load", reason=reason)

    assert (evicted("capacity"), evicted("expired")) == (1, 2)


def test_a_miss_is_noted_and_a_hit_costs_no_note():
    """A call of a cached function without a note was a hit."""
    notes = Notes()
    cache = step(notes)

    cache.keep(Ticket(1, 0.0, 7), "a")
    cache.keep(Ticket(None, 0.0, 8), "a")

    assert notes == {7: {"cache": "miss"}, 8: {"cache": "bypass"}}


def test_the_size_of_results_is_bounded():
    """`max_bytes` counts what the results hold."""
    cache = step(max_entries=None, max_bytes="100kB")

    for key in range(20):
        fill(cache, key, ["x" * 10_000])

    assert 5 <= len(cache.store) <= 9


def test_the_jitter_ends_entries_earlier_never_later():
    """`ttl` is a promise about age."""
    cache = step(ttl="10s", ttl_jitter="50%", max_entries=500)

    for key in range(500):
        fill(cache, key, key)

    ends = [entry.expires for entry in cache.store]
    assert 5.0 <= min(ends) < 5.6
    assert 9.4 < max(ends) <= 10.1


def test_an_old_result_stands_in_for_a_failure(place, world):
    """For `stale_if_error` after its time, and no longer."""
    broken = []

    def load(key):
        if broken:
            raise ConnectionError
        return [key]

    place(load, world=world, cache={"ttl": "10s", "stale_if_error": "1m"})
    load(1)
    broken.append(True)

    world.advance(30)
    assert load(1) == [1]
    with pytest.raises(ConnectionError):
        load(2)
    world.advance(60)
    with pytest.raises(ConnectionError):
        load(1)

    target = f"{load.__module__}:{load.__qualname__}"
    assert place.meters.value("mlpolicy_cache_requests_total", function=target, result="stale") == 1


def test_an_exit_is_no_failure_to_stand_in_for(place, world):
    """SystemExit, KeyboardInterrupt and cancellation pass."""
    calls = []

    def load():
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return 1

    place(load, world=world, cache={"ttl": "10s", "stale_if_error": "1m"})
    load()
    world.advance(30)

    with pytest.raises(KeyboardInterrupt):
        load()


def test_shadow_calls_always_and_compares(place, world):
    """Hits and stale answers are counted, results are untouched."""
    answers = [[1], [1], [2], [2]]
    load = place(lambda key: answers.pop(0), world=world, cache={"ttl": "1m", "mode": "shadow"})
    target = f"{load.__module__}:{load.__qualname__}"

    def would(what):
        labels = {"function": target, "kind": "cache", "would": what}
        return place.meters.value("mlpolicy_shadow_total", **labels)

    assert [load(7) for _ in range(4)] == [[1], [1], [2], [2]]
    assert (would("hit"), would("stale_mismatch")) == (3, 2)


def test_shadow_keeps_no_result_alive(place):
    """Only a fingerprint of the result is kept."""
    load = place(lambda: ["x" * 1000], cache={"ttl": "1m", "mode": "shadow"})

    load()

    [entry] = place.step(load, "cache").store
    assert "x" * 1000 not in repr(entry.value)


def test_entries_outlive_a_reload():
    """A new `ttl` holds for them too, counted from when they were computed."""
    earlier = step(ttl="10s", ttl_jitter="0%")
    fill(earlier, 1, "a")
    born = next(iter(earlier.store)).born
    later = step(ttl="60s", ttl_jitter="0%")

    later.inherit(earlier)
    earlier.close()

    assert [(e.key, e.value, e.expires) for e in later.store] == [(1, "a", born + 60)]


@pytest.mark.parametrize("change", [{"version": "2"}, {"copy": "deep"}, {"key": ["key"]}])
def test_entries_of_another_meaning_are_not_taken_over(change):
    """Another version, key or copy mode starts empty."""
    earlier = step()
    fill(earlier, 1, "a")
    later = step(**change)

    later.inherit(earlier)

    assert len(later.store) == 0
    assert len(earlier.store) == 1


def test_what_is_under_way_at_a_reload_lands_in_the_new_cache():
    """The old step computed it, the new one has it."""
    earlier, later = step(), step()
    ticket = Ticket(1, 0.0, 0)
    assert earlier.admit(ticket) is None

    later.inherit(earlier)
    earlier.keep(ticket, "a")
    earlier.close()

    assert later.admit(Ticket(1, 0.0, 0)) == Answer("a")


def test_close_drops_what_is_kept():
    """After uninstalling nothing is held."""
    cache = step()
    fill(cache, 1, "a")

    cache.close()

    assert len(cache.store) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_keeps_entries():
    """A server that is warmed up before it forks has warm workers."""
    cache = step()
    fill(cache, "kept", 1)

    child = os.fork()
    if not child:
        os._exit(0 if cache.store.entries["kept"].value == 1 else 1)

    assert os.waitpid(child, 0)[1] == 0


def test_the_constants_of_a_driver_travel_by_name(place):
    """No entry and no lock is pickled; in the same process it is the same cache."""
    load = place(lambda key: key, cache={"ttl": "1m"})
    load("secret")
    step = place.step(load, "cache")
    made = [step.keys.make, step.keys.refuse, ENCODER_OF]
    constants = [step.store.entries.get, *made, step.hits.add, IDENTITIES.get]

    text = pickle.dumps(constants)

    assert b"secret" not in text
    assert pickle.loads(text) == constants


def test_where_no_cache_is_in_force_its_constants_are_idle():
    """A function that travelled to such a process computes."""
    entries = revive("nowhere:load", "cache", "find", Entries.__module__, "Entries")
    keys = revive("nowhere:load", "cache", "make_key", Keys.__module__, "Keys")

    assert entries.get("a") is None
    assert keys.make([1]) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_wait_for_the_parents_threads():
    """What another thread computes there is computed anew; a store it was changing is whole."""
    cache, taken, done = step(), threading.Event(), threading.Event()
    fill(cache, "kept", 1)

    def compute():
        cache.admit(Ticket("under way", 0.0, 0))
        with cache.store._lock:
            cache.store._begin()
            cache.store._root.older = None
            taken.set()
            done.wait(30)

    thread = threading.Thread(target=compute)
    thread.start()
    taken.wait(30)
    child = os.fork()
    if not child:
        leads = cache.admit(Ticket("under way", 0.0, 0)) is None
        fill(cache, "more", 2)
        whole = cache.store._root.newer.newer is cache.store._root.older
        os._exit(0 if leads and whole and len(cache.store) == 2 else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()

    assert status == 0
