"""A governed function is watched: what of a call counts, and what is told of a drift."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import subprocess
import sys
import types
from collections import OrderedDict
from decimal import Decimal
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlpolicy.rules.monitor import rule as rule_module
from mlpolicy.rules.monitor.drift import WATCHES, states
from mlpolicy.rules.monitor.drift.build import build
from mlpolicy.rules.monitor.drift.signals import SignalPath, elements
from mlpolicy.rules.monitor.drift.watches import TOGETHER
from mlpolicy.rules.monitor.lanes import EXPORTER

SCHEMA = json.loads(Path(rule_module.__file__).with_name("drift.schema.json").read_text())


def made(tmp_path, function, **columns):
    target = f"{function.__module__}:{function.__qualname__}"
    profile = build(lambda: iter([columns]), function=target, made="2026-11-30", hashed="plain")
    path = tmp_path / "p.json"
    path.write_text(profile.text())
    return str(path), target


def numbers(n, mean=0.0, seed=1):
    draw = random.Random(seed)
    return [draw.gauss(mean, 1) for _ in range(n)]


@pytest.fixture
def told():
    lines = []

    class Handler(logging.Handler):
        def emit(self, record):
            lines.append(json.loads(record.getMessage()))

    handler, logger = Handler(), logging.getLogger("mlpolicy.events")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def test_a_shift_is_told_after_two_windows_and_its_end_after_one(place, tmp_path, told):
    """In metrics, in events and in what a page shows."""

    def f(features):
        return {"score": features["x"]}

    columns = {"features.x": numbers(5000), "result.score": numbers(5000, seed=2)}
    profile, target = made(tmp_path, f, **columns)
    place(f, monitor={"drift": {"profile": profile, "window": {"calls": 500}}, "log": False})

    seen = []
    for mean in (0, 0, 2, 2, 2, 0):
        for value in numbers(500, mean, seed=len(seen) + 9):
            f({"x": value})
        WATCHES[target].every_round()
        seen.append(states()[target]["features.x"]["state"])
    assert EXPORTER.flush(5)  # (what one queue has judged another has to tell)
    value = lambda what, **labels: place.meters.value(  # noqa: E731
        f"mlpolicy_drift_{what}", function=target, **labels
    )

    assert seen == ["ok", "ok", "warn", "drift", "drift", "ok"]
    drifts = [one for one in told if one["event"] == "drift"]
    for one in drifts:
        jsonschema.validate(one, SCHEMA)
    assert [(one["signal"], one["before"], one["state"]) for one in drifts[::2]] == [
        ("features.x", "ok", "warn"),
        ("features.x", "warn", "drift"),
        ("features.x", "drift", "ok"),
    ]
    windows = {
        state: value("windows_total", signal="result.score", state=state)
        for state in ("ok", "warn", "drift")
    }
    assert windows == {"ok": 3, "warn": 0, "drift": 3}
    assert value("state", signal="features.x") == 0
    assert 0 < value("score", signal="features.x") < value("threshold", signal="features.x")
    assert value("expected_false_alarms") == pytest.approx(6 * 2 * (0.001 / 2) ** 2)
    shown = states()[target]["features.x"]
    assert sum(shown["window"]) == 500
    assert sum(shown["reference"]) == 5000
    assert len(shown["labels"]) == len(shown["window"]) == len(shown["edges"]) + 2


VALIDATE = {"args": {"x": {"type": "float"}}, "on_fail": "default", "default": 7}


def test_calls_that_failed_or_got_a_default_do_not_count(place, tmp_path):
    def g(x):
        if x < 0:
            raise ValueError
        return x

    profile, target = made(tmp_path, g, x=numbers(1000))
    settings = {"drift": {"profile": profile, "window": {"calls": 1000}}, "log": False}
    place(g, monitor=settings, validate=VALIDATE)
    for x in [1.0, "no"] * 5:
        g(x)
    with pytest.raises(ValueError):
        g(-1.0)
    WATCHES[target].every_round()

    assert WATCHES[target]._store.window.batch.tallies["x"].n == 5


def test_what_changes_after_a_call_is_counted_as_it_was(place, tmp_path):
    """A list, an array and a dictionary that the caller goes on to use."""

    def h(a, b, c):
        return None

    values = numbers(1000)
    columns = {"a[*]": values, "b:mean": values, "c.x": values}
    profile, target = made(tmp_path, h, **columns)
    place(h, monitor={"drift": {"profile": profile}, "log": False})
    a, b, c = [0.0, 0.1], np.zeros(4), {"x": 0.0}
    h(a, b, c)
    a[:], b[:], c["x"] = [99.0] * 2, 99.0, 99.0
    WATCHES[target].every_round()
    tallies = WATCHES[target]._store.window.batch.tallies

    assert [tallies[name].n for name in columns] == [2, 1, 1]
    assert all(tally.counts[-2] == 0 for tally in tallies.values())  # (none in the bin of 99)


class Point:
    def __init__(self):
        self.x = 3.5


class Counted(int):
    """A number that somebody may change."""


class Missing(dict):
    def __missing__(self, key):
        return 7.0


@pytest.mark.parametrize(
    ("signal", "value", "expected"),
    [
        ("v", 1.5, 1.5),
        ("v", np.float32(1.5), 1.5),
        ("v", Decimal("1.5"), 1.5),
        ("v", Counted(3), 3.0),
        ("v", object(), None),
        ("v", [1.0, 2], (1.0, 2)),
        ("v.x", {"x": True}, True),
        ("v.x", {"x": Counted(3)}, 3.0),
        ("v.x", Missing(y=1), 7.0),
        ("v.x", OrderedDict(x=2), 2),
        ("v.x", Point(), 3.5),
        ("v.x", {"y": 1}, None),
        ("v.x", 5, None),
        ("v.x", pd.DataFrame({"x": [1.0, 2.0]}), (1.0, 2.0)),
        ("v[1]", np.array([1.0, 2.0]), 2.0),
        ("v[1]", np.array([[1.0], [2.0]]), (2.0,)),
        ("v[1]", (1.0, 2.0), 2.0),
        ("v[1]", {1: 2.0}, 2.0),
        ("v[9]", [1.0], None),
        ("v[*].x", [{"x": 1}, {"x": "a"}], (1, "a")),
        ("v[*][1]", np.array([[1.0, 2.0], [3.0, 4.0]]), (2.0, 4.0)),
        ("v:max", np.array([[1.0, 2.0], [3.0, math.nan]]), 3.0),
        ("v:nulls", [1.0, None], 0.5),
        ("v:max", [1.0, math.inf], 1.0),
        ("v:mean", pl.Series([1, 2]), 1.5),
        ("v:len", list(range(1000)), 1000),
        ("v:len", np.ones((2, 300)), 600),
        ("v:len", {}, 0),
        ("v:len", 5, None),
    ],
)
def test_a_signal_reads(place, tmp_path, signal, value, expected):
    """The value is that of its path, of a class that nobody changes; twice, as classes are known then."""

    def read(v, other):
        return None

    profile, target = made(tmp_path, read, **{signal: numbers(100), "other": numbers(100)})
    place(read, monitor={"drift": {"profile": profile}, "log": False})
    read(value, 1.0)
    read(value, other="a")
    rows = [*WATCHES[target].ring]

    assert rows == [(expected, 1.0), (expected, "a")]
    assert {type(one) for one, _ in rows} <= {int, float, bool, tuple, type(None), np.float32}


def test_signals_of_all_arguments_and_the_result_are_one_row(place, tmp_path):
    """Keys, attributes and indexes mixed; what is missing in one leaves the others alone."""

    def mixed(a, b, c):
        return a["y"]

    names = ["a.x", "a.y", "b[0]", "b[2]", "c.x", "result"]
    profile, target = made(tmp_path, mixed, **dict.fromkeys(names, numbers(100)))
    place(mixed, monitor={"drift": {"profile": profile}, "log": False})
    mixed({"x": 1.0, "y": "q"}, [5, 6, 7], Point())
    mixed({"y": 2.0}, (5, 6), object())

    assert [*WATCHES[target].ring] == [
        (1.0, "q", 5, 7, 3.5, "q"),
        (None, 2.0, 5, None, None, 2.0),
    ]


class Unhashed(type):
    def __eq__(cls, other):
        raise AssertionError("asked")

    __hash__ = None


class Strange(metaclass=Unhashed):
    @property
    def x(self):
        raise KeyboardInterrupt if self is stop else ValueError


stop = Strange()


def test_a_failure_of_ours_fails_no_call(place, tmp_path, caplog):
    """Nor is what a class says of itself asked; an interruption passes."""

    def failing(v):
        return 3

    profile, target = made(tmp_path, failing, **{"v.x": numbers(100)})
    place(failing, monitor={"drift": {"profile": profile}, "log": False})

    assert failing(Strange()) == failing({"x": Strange()}) == 3
    with pytest.raises(KeyboardInterrupt):
        failing(stop)
    assert "stands aside" in caplog.text


def test_a_thousand_calls_leave_few_rows_behind(place, tmp_path):
    """What calls leave is counted every 256 calls, by calls that failed too."""

    def often(v):
        return 1 / v

    profile, target = made(tmp_path, often, v=numbers(1000))
    place(often, monitor={"drift": {"profile": profile, "window": {"calls": 5000}}, "log": False})
    watch, longest = WATCHES[target], 0
    for _ in range(1500):
        often(1.0)
        longest = max(longest, len(watch.ring))
    for _ in range(300):
        with pytest.raises(ZeroDivisionError):
            often(0)
    rows = watch._batch.rows
    watch.every_round()

    assert longest <= TOGETHER
    assert rows == 1500
    assert watch._store.window.batch.rows == 1500


def test_of_an_array_at_most_256_elements_are_read():
    assert len(elements(np.arange(1_000_000.0))) == 256
    assert len(elements(list(range(300)))) <= 256


@pytest.mark.parametrize("text", ["", "a..b", "a[x]", "a:median", "1a", "a b"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(ValueError):
        SignalPath.parse(text)


def test_a_broken_profile_is_said_once_and_the_service_goes_on(place, tmp_path, caplog):
    def k(x):
        return x

    (tmp_path / "p.json").write_text('{"schema": "mlpolicy.profile/9"}')
    place(k, monitor={"drift": {"profile": str(tmp_path / "p.json")}})

    assert k(3) == 3
    [said] = [one.getMessage() for one in caplog.records if "drift" in one.getMessage()]
    assert "`mlpolicy.profile/9`, expected `mlpolicy.profile/1`" in said


def test_a_driver_without_drift_has_no_line_of_it(place):
    def m(x):
        return x

    assert "watch" not in place.source(place(m, monitor={}))


WORKERS = """
import os, random, sys, types
from mlpolicy.rules.monitor.drift.detect import DriftWatch
from mlpolicy.rules.monitor.drift.profile import load
from mlpolicy.rules.monitor.drift.store import store_of
from mlpolicy.rules.monitor.rule import DriftBlock
from functools import partial
from pathlib import Path
profile = load(Path(sys.argv[1]))
rule = DriftBlock(profile="p", window={"calls": 1000})
watch = DriftWatch(rule, profile, profile.signals, partial(store_of, "f"), tell=lambda *a: None)
pids = []
for worker in range(4):
    pids.append(os.fork())
    if not pids[-1]:
        draw = random.Random(worker)
        for number in range(2777):
            watch.keep((draw.gauss(0, 1),))
            if number % 500 == 0:
                watch.every_round()
        watch.every_round()
        os._exit(0)
print([os.waitpid(pid, 0)[1] for pid in pids])
watch.every_round()
window = watch._store.window
print(window.rows + window.batch.rows, window.windows >= 6, sum(watch.standing("x").counts) >= 1000)
"""


def test_workers_fill_one_window_and_lose_no_call(tmp_path):
    """Four processes at once: each call is counted once."""
    path, _ = made(tmp_path, made, x=numbers(5000))
    environment = os.environ | {"MLPOLICY_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WORKERS, path], capture_output=True, text=True, env=environment
    )

    assert done.stdout.splitlines() == ["[0, 0, 0, 0]", f"{4 * 2777} True True"], done.stderr


def test_a_window_that_never_fills_is_judged_when_it_is_old(tmp_path):
    """From `min_samples` on; with fewer it goes on."""
    from mlpolicy.rules.monitor.drift.detect import DriftWatch
    from mlpolicy.rules.monitor.drift.store import Store
    from mlpolicy.rules.monitor.rule import DriftBlock

    profile = build(lambda: iter([{"x": numbers(1000)}]), function="m:f", made="")
    clock = types.SimpleNamespace(now=1000.0)
    rule = DriftBlock(profile="p", window={"calls": 1000, "max_age": "1h"})
    watch = DriftWatch(rule, profile, profile.signals, Store, tell=print, now=lambda: clock.now)
    judged = []
    for calls, seconds in ((299, 3601), (1, 0), (400, 3599), (0, 2)):
        for value in numbers(calls):
            watch.keep((value,))
        watch.every_round()
        clock.now += seconds
        watch.every_round()
        judged.append(watch._store.window.windows)

    assert judged == [0, 1, 1, 2]


def test_how_alike_neighbours_are_is_seen_over_the_whole_window():
    """A value that rises slowly, all through it: a part of it alone looks like chance."""
    from mlpolicy.rules.monitor.drift.detect import BinTally, DriftWatch
    from mlpolicy.rules.monitor.drift.store import Store
    from mlpolicy.rules.monitor.rule import DriftBlock

    draw = random.Random(1)
    rising = [number / 100 + draw.gauss(0, 1) for number in range(1024)]
    profile = build(lambda: iter([{"x": rising}]), function="m:f", made="")
    rule = DriftBlock(profile="p", window={"calls": 2000})
    watch, whole = DriftWatch(rule, profile, profile.signals, Store), BinTally(11)
    for at in range(0, 1024, TOGETHER):
        watch.ring.extend((value,) for value in rising[at : at + TOGETHER])
        watch.fold()
    whole.add(watch._binners[0][1].bins(rising), of_numbers=True)
    seen = watch._batch.tallies["x"]

    assert 200 < seen.pairs < 300
    assert seen.lag1(of_numbers=True) == pytest.approx(whole.lag1(of_numbers=True), abs=0.1)
