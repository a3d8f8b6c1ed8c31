"""Numbers as Prometheus sees them, in one process and in several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[3] / "src")
SERVICE = "def predict(x):\n    if x == 3: raise KeyError(x)\n    return x\n"
POLICY = 'version: 1\npolicies:\n  served:predict: {monitor: {buckets: [1us, 1s], log: false, labels: {team: "a"}}}\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "served.py").write_text(SERVICE)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def run(folder, text, **environment):
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(folder / "plans")}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout, done.stderr


CALLS = """
import mlpolicy
mlpolicy.install(policy="policy.yaml")
import served
for x in range(6):
    try: served.predict(x)
    except KeyError: pass
"""


@pytest.mark.parametrize("first", ["import prometheus_client\n", ""])
def test_a_real_scrape_shows_exact_numbers(folder, first):
    """Over HTTP, whether the service had imported the client before or not."""
    text = (
        first
        + CALLS
        + """
import time, urllib.request
import prometheus_client
server, thread = prometheus_client.start_http_server(0, "127.0.0.1")
from mlpolicy.rules.monitor.sinks.exporter import EXPORTER
assert EXPORTER.flush(10)
print(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics").read().decode())
server.shutdown()
"""
    )
    out, _ = run(folder, text)

    lines = set(out.splitlines())
    own = 'function="served:predict",{}team="a"'
    assert 'mlpolicy_calls_total{function="served:predict",outcome="ok",team="a"} 5.0' in lines
    assert 'mlpolicy_calls_total{function="served:predict",outcome="error",team="a"} 1.0' in lines
    assert 'mlpolicy_calls_total{function="served:predict",outcome="refused",team="a"} 0.0' in lines
    assert f"mlpolicy_call_duration_seconds_count{{{own.format('')}}} 6.0" in lines
    assert (
        'mlpolicy_call_duration_seconds_bucket{function="served:predict",le="+Inf",team="a"} 6.0'
        in lines
    )
    assert (
        'mlpolicy_errors_total{error_type="KeyError",function="served:predict",team="a"} 1.0'
        in lines
    )
    assert 'mlpolicy_targets{state="applied"} 1.0' in lines
    assert "# TYPE mlpolicy_calls_total counter" in lines


def test_several_processes_add_up(folder):
    """`PROMETHEUS_MULTIPROC_DIR`: two processes and a fork, exact after they ended."""
    shared = folder / "shared"
    shared.mkdir()
    forked = CALLS + "import os\npid = os.fork()\nfor _ in range(4): served.predict(1)\n"
    forked += "if pid: os.waitpid(pid, 0)\n"
    for text in (CALLS, forked):
        run(folder, text, PROMETHEUS_MULTIPROC_DIR=str(shared))

    out, _ = run(
        folder,
        "from prometheus_client import CollectorRegistry, generate_latest, multiprocess\n"
        "registry = CollectorRegistry()\n"
        "multiprocess.MultiProcessCollector(registry)\n"
        "print(generate_latest(registry).decode())\n",
        PROMETHEUS_MULTIPROC_DIR=str(shared),
    )

    lines = set(out.splitlines())
    assert 'mlpolicy_calls_total{function="served:predict",outcome="ok",team="a"} 18.0' in lines
    assert 'mlpolicy_calls_total{function="served:predict",outcome="error",team="a"} 2.0' in lines
    assert 'mlpolicy_call_duration_seconds_count{function="served:predict",team="a"} 20.0' in lines


def test_events_go_to_stderr_where_no_handler_is_set(folder):
    """One JSON object a line, at the end of the process too."""
    (folder / "policy.yaml").write_text(POLICY.replace("log: false", "log: {sample: 100%}"))

    _, err = run(folder, CALLS)

    assert [line[:28] for line in err.splitlines()] == ['{"schema":"mlpolicy.event/1"'] * 6
