"""The law of the pauses."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.rules.retry.rule import Backoff

GROWTHS = ("exponential", "constant", "linear")
JITTERS = ("full", "equal", "decorrelated", "none")

seconds = st.floats(0, 1e4)
laws = st.builds(
    dict,
    growth=st.sampled_from(GROWTHS),
    initial=seconds,
    multiplier=st.floats(1, 100),
    longest=seconds,
)
attempts = st.integers(1, 10_000)
draws = st.floats(0, 1, exclude_max=True)


def made(law, jitter, draw=0.5):
    rule = SimpleNamespace(
        backoff=law["growth"],
        jitter=jitter,
        initial_delay=law["initial"],
        multiplier=law["multiplier"],
        max_delay=law["longest"],
        max_attempts=3,
    )
    return Backoff(rule, draw if callable(draw) else lambda: draw)


def exact(growth="exponential", jitter="none", *, draw=0.5, longest=10.0):
    law = {"growth": growth, "initial": 0.2, "multiplier": 2, "longest": longest}
    return made(law, jitter, draw)


@pytest.mark.parametrize(
    ("growth", "pauses"),
    [
        ("exponential", [0.2, 0.4, 0.8, 1.0, 1.0]),
        ("linear", [0.2, 0.4, 0.6, 0.8, 1.0]),
        ("constant", [0.2, 0.2, 0.2, 0.2, 0.2]),
    ],
)
def test_pauses_grow_as_the_setting_says(growth, pauses):
    backoff = exact(growth, longest=1.0)

    assert [backoff.pause(attempt) for attempt in range(1, 6)] == pytest.approx(pauses)


@pytest.mark.parametrize(
    ("jitter", "low", "middle", "high"),
    [
        ("full", 0.0, 0.2, 0.4),
        ("equal", 0.2, 0.3, 0.4),
        ("none", 0.4, 0.4, 0.4),
        ("decorrelated", 0.2, 0.55, 0.9),
    ],
)
def test_chance_spreads_a_pause_as_the_setting_says(jitter, low, middle, high):
    pauses = [exact(jitter=jitter, draw=draw).pause(2, 0.3) for draw in (0.0, 0.5, 1.0)]

    assert pauses == pytest.approx([low, middle, high])


def test_the_first_decorrelated_pause_grows_from_the_initial_delay():
    assert exact(jitter="decorrelated", draw=1.0).pause(1) == pytest.approx(0.6)


@given(laws, attempts, draws)
def test_no_jitter_gives_the_bound(law, attempt, draw):
    backoff = made(law, "none", draw)

    assert backoff.pause(attempt) == backoff.bound(attempt) <= law["longest"]


@given(laws, attempts, draws)
def test_full_jitter_stays_between_nothing_and_the_bound(law, attempt, draw):
    backoff = made(law, "full", draw)

    assert 0 <= backoff.pause(attempt) <= backoff.bound(attempt)


@given(laws, attempts, draws)
def test_equal_jitter_stays_in_the_upper_half(law, attempt, draw):
    backoff = made(law, "equal", draw)
    bound = backoff.bound(attempt)

    assert bound / 2 <= backoff.pause(attempt) <= bound


@given(laws, attempts, draws, seconds)
def test_decorrelated_jitter_stays_below_three_times_the_pause_before(law, attempt, draw, before):
    pause = made(law, "decorrelated", draw).pause(attempt, before)
    highest = 3 * max(before, law["initial"])

    assert min(law["initial"], law["longest"]) <= pause <= min(highest, law["longest"]) + 1e-9


@given(laws, st.sampled_from(JITTERS), st.integers(1, 40), st.integers())
def test_all_pauses_together_stay_within_the_worst(law, jitter, count, seed):
    backoff = made(law, jitter, random.Random(seed).random)

    total, before = 0.0, 0.0
    for attempt in range(1, count):
        before = backoff.pause(attempt, before)
        total += before

    assert total <= backoff.worst(count) * (1 + 1e-9)


@given(laws, st.sampled_from(JITTERS), st.integers(1, 50))
def test_bounds_never_shrink(law, jitter, attempt):
    backoff = made(law, jitter)

    assert backoff.bound(attempt) <= backoff.bound(attempt + 1)


@given(laws, st.sampled_from(JITTERS), attempts, draws, seconds)
def test_an_asked_pause_is_spread_upward_only(law, jitter, attempt, draw, asked):
    backoff = made(law, jitter, draw)

    later = backoff.later(asked, attempt)

    assert asked <= later <= asked + backoff.bound(attempt)
    assert jitter != "none" or later == max(asked, backoff.bound(attempt))


@given(laws, st.sampled_from(JITTERS), st.integers(1, 50), draws, seconds)
def test_an_asked_pause_is_never_shorter_than_the_own_one(law, jitter, attempt, draw, asked):
    """A date is past where the clocks differ, and takes no pause away."""
    backoff = made(law, jitter, draw)

    later = backoff.later(asked, attempt)

    assert later >= backoff.pause(attempt, 0.0)
    assert later <= backoff.worst(attempt + 1, asked=asked) * (1 + 1e-9)


def test_the_worst_of_very_many_attempts_is_found_at_once():
    assert exact().worst(10**12) == pytest.approx(1e13, rel=1e-6)
    assert exact(longest=0).worst(10**12) == 0


def test_a_multiplier_of_nothing_is_no_division_by_it():
    backoff = made({"growth": "exponential", "initial": 1, "multiplier": 0.0, "longest": 9}, "none")

    assert [backoff.pause(attempt) for attempt in (1, 2, 3)] == [1, 0, 0]


def test_a_growth_beyond_numbers_is_the_longest_pause():
    assert exact().bound(10**6) == 10.0


def test_a_seed_gives_the_same_pauses_again():
    def pauses(seed):
        backoff = exact("linear", "full", draw=random.Random(seed).random)
        return [backoff.pause(attempt) for attempt in range(1, 6)]

    assert pauses(7) == pauses(7) != pauses(8)
