"""`mlpolicy profile --from-record`: the profile of calls that a service recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[2] / "src")
SERVICE = """
def predict(x, rows, user):
    if x is None: raise ValueError("nothing")
    return "spam" if x > 0 else "ham"
"""
RECORDED = """
version: 1
policies:
  serve:predict:
    monitor:
      log: {sample: 100%, inputs: INPUTS}
      sinks: [{record: {path: events.db}}]
"""
WATCHED = """
version: 1
policies:
  serve:predict:
    monitor: {log: false, drift: {profile: p.json, window: {calls: 500}}}
"""
CALLS = """
import random, sys, mlpolicy
mlpolicy.install(policy="policy.yaml")
import serve
from mlpolicy.rules.monitor.drift import WATCHES, states
calls, mean, seed = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
for number in range(calls):
    rows = [draw.gauss(mean, 1) for _ in range(draw.randrange(1, 9))]
    serve.predict(draw.gauss(mean, 1), rows, {"age": draw.random()})
    if number % 50 == 0:
        try: serve.predict(None, [], {})
        except ValueError: pass
for watch in WATCHES.values(): watch.every_round()
print(*(f"{name}={one['state']}" for each in states().values() for name, one in each.items()))
"""
SIGNALS = "x, rows:mean, rows:len, result"
MADE = ("profile", "--from-record", "events.db", "--target", "serve:predict", "--signals")


def serve(project, policy, calls, mean=0.0, seed=1):
    project.write(serve=SERVICE)
    Path("policy.yaml").write_text(policy)
    done = subprocess.run(
        [sys.executable, "-c", CALLS, str(calls), str(mean), str(seed)],
        env=os.environ | {"PYTHONPATH": SOURCE}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_what_a_service_recorded_is_what_it_is_compared_with(project):
    """The same traffic has not drifted; that of another mean has, in each signal that depends on it."""
    serve(project, RECORDED.replace("INPUTS", "statistics"), 200)
    made = project.run(*MADE, SIGNALS, "-o", "p.json")
    signals = json.loads(Path("p.json").read_text())["signals"]
    same = serve(project, WATCHED, 2000, seed=2)
    shifted = serve(project, WATCHED, 2000, mean=1.5, seed=3)

    assert made.code == 0
    assert "serve:predict: 4 signals of 200 events" in made.err
    assert "warning: fewer than 1,000 events" in made.err
    assert [(one["type"], one["count"]) for one in signals.values()] == [
        *[("number", 200)] * 3,
        ("category", 200),
    ]
    assert same == ["x=ok", "rows:mean=ok", "rows:len=ok", "result=ok"]
    assert shifted == ["x=drift", "rows:mean=drift", "rows:len=ok", "result=drift"]


@pytest.mark.parametrize(
    ("inputs", "arguments", "said"),
    [
        ("statistics", (*MADE, "user.age"), "tells no `user.age`; there are `result`, `result:len`, `rows:len`"),
        ("statistics", (*MADE, "user.age"), "make the profile of --data"),
        ("summary", (*MADE, "x, rows:len"), "tells no `x`; there are `result:len`, `rows:len`"),
        ("summary", (*MADE, "x"), "with `log: {inputs: statistics}`"),
        ("statistics", (*MADE, "x", "--until", "2020-01-01"), "nothing of calls of that function"),
        ("statistics", (*MADE, "rows.*"), "name each signal"),
        ("statistics", (*MADE, "x", "--since", "soon"), "--since: `soon` is no time"),
        ("statistics", (*MADE, "x", "--data", "p.yaml"), "--data or --from-record"),
        ("statistics", (*MADE[:1], *MADE[3:], "x", "--data", "policy.yaml", "--since", "1h"), "go with"),
        ("statistics", (*MADE[:2], "none.db", *MADE[3:], "x"), "there is no record `none.db`"),
        ("statistics", (*MADE[:2], "policy.yaml", *MADE[3:], "x"), "is no record"),
    ],
)  # fmt: skip
def test_what_a_record_does_not_tell_is_said(project, inputs, arguments, said):
    Path("p.yaml").write_text("")
    serve(project, RECORDED.replace("INPUTS", inputs), 10)
    ended = project.run(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_part_of_the_time_is_taken(project):
    """As `mlpolicy events` takes it."""
    serve(project, RECORDED.replace("INPUTS", "statistics"), 10)
    ended = project.run(*MADE, "x", "--since", "10m")

    assert (ended.code, json.loads(ended.out)["rows"]) == (0, 10)
