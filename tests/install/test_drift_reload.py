"""The watch on drift when the policy changes, in forked children, and over the workers of a service."""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.rules.monitor.drift import WATCHES, states
from mlpolicy.rules.monitor.drift.build import build

SOURCE = str(Path(__file__).parents[2] / "src")
TARGET = "drifting:f"
SERVICE = "def f(features):\n    return features['x']\n"


def profile(folder, mean=0.0, signals=("features.x", "result")):
    draw = random.Random(1)
    columns = {name: [draw.gauss(mean, 1) for _ in range(2000)] for name in signals}
    made = build(lambda: iter([columns]), function=TARGET, made="2026-11-30", hashed="plain")
    (folder / "p.json").write_text(made.text())


def policy(more="window: {calls: 500}", log="false"):
    return f"{{'{TARGET}': {{monitor: {{log: {log}, drift: {{profile: p.json, {more}}}}}}}}}\n"


@pytest.fixture
def drifting(service):
    """The module of a service whose drift is watched, after 300 calls."""
    profile(service.folder)
    made = service.start("late", "drifting", SERVICE, policy())
    for _ in range(300):
        made.f({"x": 0.0})
    WATCHES[TARGET].every_round()
    yield made
    mlpolicy.uninstall()
    assert not WATCHES
    assert not shown()


def reload(service, text):
    mlpolicy.install(policy=service.policy(text))


def shown():
    """The names of signals of which a gauge is shown."""
    families = {one.name: one for one in METERS.collect()}
    state = families.get("mlpolicy_drift_state")
    return {dict(one.labels)["signal"] for one in state.samples} if state else set()


def counted():
    window = WATCHES[TARGET]._store.window
    return window.batch.rows + window.rows


def test_a_reload_that_leaves_drift_as_it_is_keeps_the_window(service, drifting):
    before = WATCHES[TARGET]
    reload(service, policy(log="{sample: 50%}"))
    for _ in range(300):
        drifting.f({"x": 0.0})
    WATCHES[TARGET].every_round()

    assert WATCHES[TARGET] is before
    assert before.users == 1
    assert (before._store.window.windows, counted()) == (1, 600)
    assert shown() == {"features.x", "result"}


@pytest.mark.parametrize("what", ["setting", "signals", "profile"])
def test_another_setting_or_profile_begins_anew(service, drifting, what):
    """What it no longer has is no longer shown; nothing of the one before is left."""
    before = weakref.ref(WATCHES[TARGET])
    more, log, left = "window: {calls: 500}", "false", {"features.x", "result"}
    if what == "setting":
        more = "window: {calls: 501}"
    elif what == "signals":
        more, left = "signals: [features.x]", {"features.x"}
    else:
        profile(service.folder, 5.0, ("features.x",))
        log, left = "{sample: 50%}", {"features.x"}
    reload(service, policy(more, log))
    begun = counted()
    for _ in range(20):
        drifting.f({"x": 0.0})
    WATCHES[TARGET].every_round()
    gc.collect()

    assert (begun, counted()) == (0, 20)
    assert shown() == set(states()[TARGET]) == left
    assert before() is None


def test_a_policy_without_drift_takes_the_watch_away(service, drifting):
    before = weakref.ref(WATCHES[TARGET])
    reload(service, f"{{'{TARGET}': {{monitor: {{}}}}}}\n")
    drifting.f({"x": 0.0})
    gc.collect()

    assert (states(), shown(), before()) == ({}, set(), None)
    assert METERS.value("mlpolicy_drift_expected_false_alarms", function=TARGET) == 0


BEGIN = """
import os, sys, mlpolicy
mlpolicy.install(policy="policy.yaml")
import drifting
from mlpolicy.rules.monitor.drift import WATCHES
def call(times):
    for _ in range(times): drifting.f({"x": 0.0})
def counted():
    watch = WATCHES["drifting:f"]
    watch.every_round()
    return watch._store.window.rows + watch._store.window.batch.rows
"""


def process(folder, text, **environment):
    known = {key: value for key, value in os.environ.items() if "PROMETHEUS" not in key.upper()}
    known |= {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(folder / "plans")}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", BEGIN + text],
        cwd=folder, env=known | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def said(running):
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    return out.split()


@pytest.fixture
def folder(service):
    profile(service.folder)
    service.write("drifting", SERVICE)
    service.policy(policy())
    return service.folder


FORKED = """
call(300)
counted()
call(50)  # (which are not counted yet)
pid = os.fork()
if not pid:
    call(700)
    print(counted(), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
call(100)
print(counted())
"""


def test_a_forked_child_has_a_window_of_its_own(folder):
    """Each process counts its own calls, and those alone."""
    assert said(process(folder, FORKED)) == ["700", "450"]


def test_the_processes_of_a_service_fill_one_window(folder):
    """Forked or not, to the last call before they end; each call is counted once."""
    forking = FORKED.replace("print(counted(), flush=True)", "counted()")
    texts = ["call(1234)\n", "call(77)\n", forking.replace("print(counted())", "")]
    for running in [process(folder, text, MLPOLICY_STATE_DIR=str(folder)) for text in texts]:
        said(running)
    [file] = folder.glob("mlpolicy-drift-*.json")
    window = json.loads(file.read_text())

    assert window["rows"] + window["batch"]["rows"] == 1234 + 77 + 1150
    assert window["windows"] >= 2


SENT = """
import cloudpickle
call(10)
drifting.f.__module__ = "__main__"  # (it travels by value)
open("f.pickle", "wb").write(cloudpickle.dumps(drifting.f))
"""
RECEIVED = """
import pickle
f = pickle.load(open("f.pickle", "rb"))
print({f({"x": 1.5}) for _ in range(1000)}, f({"x": "a"}), f({"x": [2]}))
rings = [one.__self__ for one in f.__code__.co_consts if getattr(one, "__name__", "") == "append"]
print(len(rings), max(map(len, rings)))
"""


def test_a_function_travels_with_the_lines_that_watch_it(folder):
    """Where no policy is in force it works, and keeps nothing of its calls."""
    said(process(folder, SENT))
    alone = subprocess.run(
        [sys.executable, "-c", RECEIVED], cwd=folder, capture_output=True, text=True
    )

    assert alone.stdout.splitlines() == ["{1.5} a [2]", "2 0"], alone.stderr
