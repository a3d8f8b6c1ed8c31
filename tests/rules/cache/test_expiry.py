"""What has expired leaves, whoever asks for what."""

from __future__ import annotations

import gc
import weakref

from mlpolicy.core.tick import TICKS
from mlpolicy.rules.cache import step as module


class Value:
    """What an entry keeps alive."""

    __slots__ = ("__weakref__",)

    def __deepcopy__(self, memo):
        return self


def test_the_dead_leave_while_other_keys_are_asked_for(place, world):
    """A few calls that keep something let go of a thousand."""
    load = place(lambda key: [key], world=world, cache={"ttl": "300ms", "max_entries": 2000})
    for key in range(1000):
        load(key)
    world.advance(8)

    for key in range(1000, 1010):
        load(key)

    assert len(place.step(load, "cache").store) == 10


def test_the_dead_leave_where_no_call_comes(place, world):
    """The tick of the process lets go of them, and then has nothing more to do."""
    load = place(lambda key: [key], world=world, cache={"ttl": "1ms", "max_entries": 5000})
    for key in range(3000):
        load(key)
    step = place.step(load, "cache")
    [work] = [one for one in TICKS._works if one() is step]
    assert TICKS._works[work].pause == module._SOONEST

    step._skew += 1.0
    TICKS._works[work].due = 0.0
    TICKS._turn()

    assert len(step.store) == 0
    assert work not in TICKS._works


def test_a_long_ttl_is_looked_at_seldom_and_long_enough(place):
    """Within one `ttl` of its end an entry is gone."""
    load = place(lambda: [1], cache={"ttl": "1h", "stale_if_error": "1h"})
    load()

    step = place.step(load, "cache")
    [pause] = [work.pause for one, work in TICKS._works.items() if one() is step]
    assert pause == 3600


def test_a_cache_that_is_filled_again_is_looked_at_again(place, world):
    """After it was empty, too."""
    load = place(lambda key: [key], world=world, cache={"ttl": "1s"})
    step = place.step(load, "cache")

    for round_ in range(3):
        load(round_)
        assert step in [one() for one in TICKS._works]
        step._skew += 10.0
        assert step.tend() is False
        TICKS._works.clear()


def test_nothing_of_ours_keeps_what_has_left(place, world):
    """Neither the tick nor a call that has ended."""
    made = []

    def load(key):
        value = Value()
        made.append(weakref.ref(value))
        return value

    place(load, world=world, cache={"ttl": "1s", "max_entries": 2, "copy": "none"})
    for key in range(10):
        load(key)
    world.advance(5)
    load("new")
    gc.collect()

    assert [one() is None for one in made] == [True] * 10 + [False]


def test_a_step_that_goes_takes_its_work_with_it(place):
    """Rounds of install and uninstall leave nothing to do."""
    before = len(TICKS._works)
    for _ in range(20):
        load = place(lambda: [1], cache={"ttl": "1h"})
        load()
        place.remove()
        place._placed.clear()
    del load
    gc.collect()

    assert len(TICKS._works) <= before
