"""The state of a service, of real functions under a real policy: exact, whole, and strict JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from textwrap import dedent

import pytest

from tests.ops.conftest import until

SERVED = """
state = {"calls": 0}
def predict(x):
    if x < 0:
        raise KeyError(x)
    return x
def store(x):
    state["calls"] += 1
    if state["calls"] % 2:
        raise ConnectionError(f"canary-{x}")
    return x
def embed(x):
    return x
def taken_by_pattern(x):
    return x
"""
POLICY = """
version: 1
vars: {token: "${env:TOKEN}"}
policies:
  served:predict:
    monitor: {buckets: [1us, 10s], slo: {p99: 2s, error_rate: 5%}, log: false, labels: {token: "${vars.token}"}}
    validate: {args: {x: {range: [-9, 9]}}}
  served:store:
    monitor: {log: false}
    retry: {max_attempts: 2, initial_delay: 0s, retry_on: [ConnectionError]}
  served:embed:
    cache: {ttl: 1h}
    validate: {mode: shadow, args: {x: {range: [0, 1]}}}
  served:taken_*: {monitor: {log: false}}
"""
CALLS = """
for x in (1, 2, 3, -1, 99):
    try: served.predict(x)
    except (KeyError, ValueError): pass
for x in (1, 2): served.store(x)
for x in (5, 5, 5, 0): served.embed(x)
served.taken_by_pattern(1)
"""


@pytest.fixture
def folder(service):
    service.write("served.py", SERVED)
    service.write("policy.yaml", POLICY)
    return service


def of(state, name):
    return next(one for one in state["functions"] if one["function"] == f"served:{name}")


def test_a_process_tells_exact_numbers_and_where_each_rule_comes_from(folder):
    """Counts are those of the calls; the hash is that of `mlpolicy compile`; no secret is told."""
    text = "import json, sys, served\n" + CALLS
    text += "from mlpolicy.ops.state import state\nprint(json.dumps(state(), allow_nan=False))"
    folder.write("prog.py", text)
    terms = {"MLPOLICY_OPS": "127.0.0.1:0", "MLPOLICY_POLICY": "policy.yaml", "TOKEN": "canary"}
    under = (sys.executable, "-c", "import mlpolicy; mlpolicy.install(); import prog")

    told, _ = folder.start(*under, **terms).communicate(timeout=60)
    compiled, _ = folder.start(sys.executable, "-m", "mlpolicy", "compile", **terms).communicate()

    state = json.loads(told)
    assert "canary" not in told
    assert state["policy"]["hash"] == json.loads(compiled)["hash"]
    assert state["workers"] == 1
    assert state["targets"]["applied"] == 4
    predict = of(state, "predict")
    assert predict["calls"] == {"ok": 3, "error": 1, "refused": 1, "fallback": 0}
    assert predict["errors"] == {"KeyError": 1}
    assert predict["refusals"] == {"validate": 1}
    assert predict["validation_failures"] == [{"check": "range", "field": "x", "count": 1}]
    assert predict["durations"]["count"] == 5
    assert [bound for bound, _ in predict["durations"]["buckets"]] == [0.000001, 10, None]
    assert sum(count for _, count in predict["durations"]["buckets"]) == 5
    assert predict["slo"] == {"p99": 2, "error_rate": 0.05}
    assert (predict["state"], predict["mode"], predict["in_flight"]) == ("applied", "enforce", 0)
    [monitor, validate] = predict["rules"]
    assert (monitor["kind"], monitor["source"]) == ("monitor", "policy.yaml:6")
    wanted = {"value": "[-9, 9]", "place": "policy.yaml:7", "layer": "policies.served:predict"}
    assert {"setting": "args.x.range", **wanted} in validate["settings"]
    assert of(state, "store")["retries"]["success"] == 2
    assert of(state, "store")["attempts"] == {"error": 2, "ok": 2}
    requests = {"hit": 2, "miss": 2, "stale": 0, "bypass": 0, "error": 0}
    assert of(state, "embed")["cache_requests"] == requests
    would = [{"kind": "validate", "would": "reject", "count": 3}]
    assert of(state, "embed")["shadow_counts"] == would
    assert of(state, "embed")["calls"] == {}
    assert of(state, "taken_by_pattern")["calls"]["ok"] == 1


def test_processes_are_added_up_by_whichever_is_asked(folder):
    """The parent, which has imported nothing, tells what two children count, and their rules."""
    text = f"""
    import os, sys, time
    children = []
    for _ in range(2):
        pid = os.fork()
        if not pid:
            import served
            exec({CALLS!r})
            time.sleep(60)
        children.append(pid)
    sys.stdin.readline()
    for pid in children: os.kill(pid, 9)
    """
    folder.write("prog.py", text)
    folder.run(sys.executable, "prog.py", TOKEN="canary")

    def state():
        return json.loads(folder.shown("/state") or '{"functions": []}')

    def ended():
        rows = state()["functions"]
        return sum(one["calls"].get("ok", 0) for one in rows) == 2 * (3 + 2 + 1)

    assert until(ended)
    shown = state()
    predict = of(shown, "predict")
    assert predict["calls"] == {"ok": 6, "error": 2, "refused": 2, "fallback": 0}
    assert sum(count for _, count in predict["durations"]["buckets"]) == 10
    assert predict["durations"]["count"] == 10
    assert of(shown, "embed")["cache_requests"]["hit"] == 4
    assert shown["workers"] == 3
    assert [rule["kind"] for rule in of(shown, "taken_by_pattern")["rules"]] == ["monitor"]
    folder.started[-1].stdin.write("\n")


def test_a_signal_is_told_with_its_last_window_beside_the_reference(folder):
    """All calls of a window are in the upper half of what the profile knows."""
    data = "".join(f'{{"x": {number * 617 % 1000}}}\n' for number in range(1000))
    folder.write("train.jsonl", data)
    made = ("profile", "--data", "train.jsonl", "--target", "served:embed", "--signals", "x")
    folder.start(sys.executable, "-m", "mlpolicy", *made, "-o", "profile.json").communicate()
    drift = "drift: {profile: profile.json, window: {calls: 500}, consecutive: 1}"
    folder.write(
        "policy.yaml",
        f"version: 1\npolicies:\n  served:embed:\n    monitor: {{log: false, {drift}}}\n",
    )
    text = """
    import json, time, mlpolicy
    mlpolicy.install()
    import served
    from mlpolicy.ops.state import state
    for x in range(1100): served.embed(500 + x * 617 % 500)
    for _ in range(100):
        shown = state()
        if shown["functions"][0]["drift"][0]["state"] == "drift": break
        time.sleep(0.1)
    print(json.dumps(shown))
    """
    terms = {"MLPOLICY_POLICY": "policy.yaml"}
    told, _ = folder.start(sys.executable, "-c", dedent(text), **terms).communicate(timeout=60)

    embed = of(json.loads(told), "embed")
    [signal] = embed["drift"]
    assert (signal["signal"], signal["state"]) == ("x", "drift")
    assert signal["score"] > signal["threshold"]
    assert sum(signal["histogram"]["window"][:5]) == 0
    assert sum(signal["histogram"]["window"]) == 500
    assert sum(signal["histogram"]["reference"]) == 1000
    assert embed["drift_false_alarms"] is not None


def test_without_a_policy_and_without_numbers_there_is_a_state():
    """Nothing is in force: the page says so instead of failing."""
    text = "import json; from mlpolicy.ops.state import state; print(json.dumps(state()))"
    told = subprocess.run([sys.executable, "-c", text], capture_output=True, check=True).stdout

    state = json.loads(told)
    assert (state["policy"], state["functions"], state["memory_bytes"]) == (None, [], {})
