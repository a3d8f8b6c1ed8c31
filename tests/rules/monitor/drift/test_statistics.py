"""The figures behind drift: known values, and how often chance alone is taken for drift."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlpolicy.rules.monitor.drift.build import build
from mlpolicy.rules.monitor.drift.detect import BinTally, Standing, false_alarms, judge
from mlpolicy.rules.monitor.drift.profile import Binner, load
from mlpolicy.rules.monitor.drift.statistics import chi2_quantile, chi2_tail, compare, effective
from mlpolicy.rules.monitor.rule import DriftBlock

DATA = Path(__file__).parent / "data"
RULE = DriftBlock(profile="p.json")
DRIFTED = {"car_value", "salary_range", "loan_length", "repaid_loan_on_prev_car", "score"}


# From the tables of NIST (e-Handbook, 1.3.6.7.4), and exp(-x/2) for two degrees of freedom.
@pytest.mark.parametrize(
    ("x", "degrees", "tail"),
    [
        (2.706, 1, 0.1),
        (3.841, 1, 0.05),
        (10.828, 1, 0.001),
        (16.919, 9, 0.05),
        (27.877, 9, 0.001),
        (149.449, 100, 0.001),
        (50.0, 2, 1.3887943864964021e-11),
        (0.5, 2, 0.7788007830714049),
    ],
)
def test_a_chi_squared_variable_is_above_what_tables_say(x, degrees, tail):
    assert chi2_tail(x, degrees) == pytest.approx(
        tail, rel=2e-3 if tail in (0.1, 0.05, 0.001) else 1e-12
    )
    assert chi2_quantile(tail, degrees) == pytest.approx(x, rel=1e-3)


def test_the_index_is_what_its_formula_says():
    """Half of the values against a fifth of them: (0.5 - 0.2) ln(0.5 / 0.2) + (0.5 - 0.8) ln(0.5 / 0.8)."""
    found = compare([50_000, 50_000], [20_000, 80_000])

    assert found.psi == pytest.approx(0.41589, abs=1e-4)
    assert found.p < 1e-100
    assert found.noise == pytest.approx(2e-5)


def test_bins_that_hold_hardly_anything_are_one():
    assert compare([500, 500, 1, 0, 1], [50_000, 50_000, 30, 20, 40]).degrees == 2


def test_neighbours_that_are_alike_say_less():
    assert effective(1000, 0.5) == pytest.approx(1000 / 3)
    assert effective(1000, 0.05) == 1000  # (that much is chance)
    assert effective(1000, -0.5) == 1000


def _profile(values):
    return build(lambda: iter([{"x": list(values)}]), function="m:f", made="").signals["x"]


def _windows(signal, series, size):
    bins = np.searchsorted(signal.edges, series, side="right").astype(np.uint8)
    for at in range(0, len(bins), size):
        tally = BinTally(len(signal.bins))
        tally.add(bins[at : at + size].tobytes(), of_numbers=True)
        yield tally


def test_windows_of_the_same_are_above_by_chance_as_often_as_alpha_says():
    """With no floor, and without what is known of the reference: the test alone."""
    draw = np.random.default_rng(5)
    rule = DriftBlock(profile="p", alpha=0.05, min_samples=30, floor={"warn": 0, "drift": 0})
    found = []
    for _ in range(40):  # (references of their own: the chance is of both samples)
        signal = replace(_profile(draw.normal(size=3000)), null_psi={})
        tallies = _windows(signal, draw.normal(size=300 * 50), 300)
        found += [judge(tally, signal, rule, 1).state == 2 for tally in tallies]

    assert 0.025 < np.mean(found) < 0.06


@pytest.mark.parametrize("kept", [0.0, 0.6, 0.9])
def test_traffic_that_does_not_change_makes_no_drift(kept):
    """Thirty days of windows on thirty signals, each value like that before it or not."""
    draw = np.random.default_rng(7)
    size, windows = 1000, 720

    def series(n):
        made, noise = np.empty(n), draw.normal(size=n) * (1 - kept * kept) ** 0.5
        at = draw.normal()
        for number, one in enumerate(noise):
            at = kept * at + one
            made[number] = at
        return made

    drifts = 0
    signal = _profile(series(30_000))
    standing = Standing()
    for tally in _windows(signal, series(size * windows // 3), size):
        standing = judge(tally, signal, RULE, 30).after(standing, RULE.consecutive)
        drifts += standing.state == 2

    assert drifts == 0
    assert false_alarms(RULE, 30, windows) < 1e-4


def _judged(name):
    profile = load(DATA / f"{name}.profile.json")
    windows = json.loads((DATA / f"{name}.windows.json").read_text())
    for signal, each in windows.items():
        of = profile.signals[signal]
        tallies = [BinTally(len(of.bins), *window) for window in each]
        yield signal.rpartition(".")[2], [judge(one, of, RULE, len(windows)) for one in tallies]


def test_the_shift_of_the_car_loans_is_seen_in_the_first_window_after_it():
    """On each signal that shifts at row 25,000, on none before that and on no other."""
    states = {name: [one.state for one in verdicts] for name, verdicts in _judged("car_loan")}

    assert {name for name, each in states.items() if any(each)} == DRIFTED
    assert {name: each.index(2) for name, each in states.items() if any(each)} == dict.fromkeys(
        DRIFTED, 25
    )
    assert all(not any(each[:25]) for each in states.values())
    assert all(all(each[25:]) for name, each in states.items() if name in DRIFTED)


def test_weeks_of_flights_are_not_taken_for_drift():
    """Half a year of air traffic after the profile: at most 2 of 196 windows, though 31 have an index above 0.1."""
    verdicts = [one for _, each in _judged("flights") for one in each]

    assert len(verdicts) == 196
    assert sum(one.state > 0 for one in verdicts) <= 2
    assert sum(one.score > 0.1 for one in verdicts) > 20


@pytest.mark.parametrize("others", ["ones", "amounts"])
def test_a_number_that_is_mostly_one_value_is_watched(others):
    """More than nine of ten are 0, so that all deciles are: the rest has a bin all the same."""
    draw = np.random.default_rng(3)

    def series(n, share):
        rest = np.ones(n) if others == "ones" else draw.exponential(5, n)
        return np.where(draw.random(n) < share, rest, 0.0)

    signal = _profile(series(20_000, 0.04))
    same, more = (
        [judge(one, signal, RULE, 30).state for one in _windows(signal, series(5000, share), 1000)]
        for share in (0.04, 0.3)
    )

    assert (same, more) == ([0] * 5, [2] * 5)


@pytest.mark.parametrize(("rows", "towns"), [(80, 50), (200, 50), (1000, 200)])
def test_labels_that_a_reference_has_seldom_or_by_chance_are_no_drift(rows, towns):
    """Those that it lacks, and those that have no bin, are as frequent as those that have one."""
    draw, rule = np.random.default_rng(3), DriftBlock(profile="p", min_samples=30)
    states = []
    for _ in range(100):
        known, later = draw.integers(0, towns, (2, rows)).astype(str).tolist()
        made = build(lambda known=known: iter([{"x": known}]), function="m:f", made="")
        tally, binner = BinTally(len(made.signals["x"].bins)), Binner(made.signals["x"], made)
        tally.add(binner.bins(later), of_numbers=False)
        states.append(judge(tally, made.signals["x"], rule, 1).state)

    assert sum(map(bool, states)) == 0
