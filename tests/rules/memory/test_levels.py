"""Thresholds: those written, those that follow, and what they are in bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.rules.memory.levels import DEFAULTS, ORDER, Levels, Marks, derived

MIB = 1024**2
GIB = 1024**3


@pytest.mark.parametrize(
    ("written", "levels"),
    [
        ({}, (0.75, 0.80, 0.85, 0.92)),
        ({"act_at": 0.85}, (0.75, 0.80, 0.85, 0.92)),
        ({"act_at": 0.95}, (0.85, 0.90, 0.95, 0.975)),
        ({"act_at": 0.60}, (0.50, 0.55, 0.60, 0.92)),
        ({"act_at": 1.0}, (0.90, 0.95, 1.0, 1.0)),
        ({"reject_at": 0.46}, (0.325, 0.375, 0.425, 0.46)),
        ({"warn_at": 0.9}, (0.9, 0.9, 0.9, 0.95)),
        ({"resume_at": 0.5}, (0.5, 0.5, 0.85, 0.92)),
        ({"act_at": 0.9, "reject_at": 0.91}, (0.80, 0.85, 0.9, 0.91)),
    ],
)
def test_thresholds_that_are_not_written_follow(written, levels):
    """One number is enough: the others keep their distance from it."""
    every = {**derived(written), **written}

    assert tuple(every[name] for name in ORDER) == levels


def test_contradictions_are_left_as_they_are():
    """Nothing fits between thresholds in the wrong order."""
    assert derived({"act_at": 0.9, "reject_at": 0.8}) == {}


@given(st.dictionaries(st.sampled_from(ORDER), st.integers(0, 100).map(lambda n: n / 100)))
def test_thresholds_always_rise(written):
    """Whatever is written in order, the whole is in order and holds it."""
    values = sorted(written.values())
    written = dict(zip(sorted(written, key=ORDER.index), values, strict=True))

    every = {**derived(written), **written}

    assert [every[name] for name in ORDER] == sorted(every.values())


def test_the_defaults_are_those_of_the_rule():
    """One place writes them for people, one for the code."""
    from mlpolicy.rules.memory.rule import MemoryRule

    rule = MemoryRule.model_validate({})
    assert tuple(float(getattr(rule, name)) for name in ORDER) == DEFAULTS


def test_free_memory_bounds_a_large_limit():
    """Of 4 GiB, 256 MiB are less than 8%: the share decides."""
    assert Levels().of(4 * GIB).bound == pytest.approx(0.92 * 4 * GIB)


def test_free_memory_bounds_a_middle_limit():
    """Of 3 GiB, 256 MiB are more than 8%, and are kept free."""
    assert Levels().of(3 * GIB).bound == 3 * GIB - 256 * MIB


def test_free_memory_is_a_tenth_of_a_small_limit():
    """Of 512 MiB, 256 MiB would be half."""
    assert Levels().of(512 * MIB).bound == pytest.approx(0.9 * 512 * MIB)


def test_free_memory_does_not_refuse_before_relief():
    """`memory: 95%` acts at 95% of a small limit, too."""
    marks = Levels(0.85, 0.90, 0.95, 0.975).of(512 * MIB)

    assert marks.bound == marks.act == pytest.approx(0.95 * 512 * MIB)


@pytest.mark.parametrize(
    ("levels", "bound"),
    [
        (Levels(0.85, 0.90, 0.95, 0.99, 900 * MIB), 9100),
        (Levels(0.85, 0.90, 0.95, 0.99, 2000 * MIB), 9000),
        (Levels(0.75, 0.80, 0.85, 0.99, 900 * MIB), 9100),
        (Levels(0.75, 0.80, 0.85, 0.90, 900 * MIB), 9000),
        (Levels(0.85, 0.90, 0.95, 0.99, 0), 9900),
    ],
)
def test_what_is_to_be_kept_free_is_kept_free(levels, bound):
    """`min_free` holds whatever the thresholds say, up to a tenth; relief comes no later."""
    marks = levels.of(10_000 * MIB)

    assert marks.bound == bound * MIB
    assert marks.act == min(levels.act_at * 10_000 * MIB, marks.bound)


def test_calls_are_let_in_below_where_they_are_refused():
    """A `resume_at` above what `min_free` leaves would let nobody in, or everybody."""
    marks = Levels(0.90, 0.91, 0.91, 0.92, 100 * MIB).of(1000 * MIB)

    assert marks == Marks(900 * MIB, 900 * MIB, 900 * MIB, 900 * MIB)


@pytest.mark.parametrize(
    ("written", "refused"),
    [
        ({"min_free": "900MiB", "act_at": "95%", "reject_at": "99%"}, True),
        ({"min_free": "600MiB", "act_at": "95%", "reject_at": "99%"}, False),
        ({"act_at": "95%", "reject_at": "99%"}, False),
    ],
)
def test_a_rule_keeps_free_what_it_says(written, refused):
    """Of 10,000 MiB, 9,300 are in use."""
    from mlpolicy.rules.memory.rule import MemoryRule
    from mlpolicy.rules.memory.step import levels

    marks = levels(MemoryRule.model_validate(written)).of(10_000 * MIB)

    assert (9300 * MIB >= marks.bound) is refused
