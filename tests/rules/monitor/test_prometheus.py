"""Numbers as Prometheus sees them, in one process and in several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
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
from mlpolicy.rules.monitor.lanes import EXPORTER
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

    quiet = "import logging\nlogging.getLogger('mlpolicy.events').setLevel('ERROR')\n"
    _, err = run(folder, quiet + CALLS)

    assert [json.loads(line)["severity"] for line in err.splitlines()] == ["ERROR"]


# --- without a monitor ----------------------------------------------------------------

UNMONITORED = """
version: 1
policies:
  served:predict: {retry: {max_attempts: 2, initial_delay: 0s, retry_on: [KeyError]}}
  served:lost: {retry: {}}
"""
SHOWN = "print(prometheus_client.generate_latest().decode())\n"


@pytest.mark.parametrize(
    "before", ["import prometheus_client\n" + CALLS, CALLS + "import prometheus_client\n"]
)
def test_rules_have_numbers_without_a_monitor(folder, before):
    """Whether the client is imported before the policy is in force or after, its plans cold or warm."""
    (folder / "policy.yaml").write_text(UNMONITORED)
    for _ in range(2):
        out, _ = run(folder, before + SHOWN)

        lines = set(out.splitlines())
        assert 'mlpolicy_attempts_total{function="served:predict",outcome="error"} 2.0' in lines
        assert 'mlpolicy_targets{state="applied"} 1.0' in lines
        assert 'mlpolicy_targets{state="missing"} 1.0' in lines


@pytest.mark.parametrize("policy", [POLICY, UNMONITORED])
def test_every_state_of_targets_is_there_before_anything_was_placed(folder, policy):
    """Zeros for what has not happened, and those that wait for their module are pending."""
    (folder / "policy.yaml").write_text(policy)
    text = "import mlpolicy\nmlpolicy.install(policy='policy.yaml')\nimport prometheus_client\n"
    for _ in range(2):
        out, _ = run(folder, text + SHOWN)

        lines = set(out.splitlines())
        assert 'mlpolicy_targets{state="missing"} 0.0' in lines
        assert f'mlpolicy_targets{{state="pending"}} {policy.count("served:")}.0' in lines


def test_a_policy_does_not_import_the_client(folder):
    """It takes a tenth of a second, which nobody pays who shows no numbers."""
    (folder / "policy.yaml").write_text(UNMONITORED)

    out, _ = run(folder, CALLS + "import sys\nprint('prometheus_client' in sys.modules)\n")

    assert out == "False\n"


# --- several processes ----------------------------------------------------------------

COLLECT = """
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""
SHARED = """
from mlpolicy.core.metrics import METERS
METERS.gauge("shop_limit", "What all share.", lambda: 7, shared=True)
METERS.gauge("shop_queue", "What each has.", lambda: 2)
"""
FORKS = """
import os
served.predict(1)
children = []
for _ in range(3):
    pid = os.fork()
    if not pid:
        served.predict(1)
        from mlpolicy.rules.monitor.lanes import EXPORTER
        EXPORTER.finish()
        os._exit(0)
    children.append(pid)
for pid in children: os.waitpid(pid, 0)
"""
LATE = "import os, prometheus_client\n{}os.environ['PROMETHEUS_MULTIPROC_DIR'] = {!r}\n{}"


@pytest.fixture
def shared(folder):
    (folder / "shared").mkdir()
    return str(folder / "shared")


def test_what_processes_share_is_not_added_up(folder, shared):
    """Four of them have one limit, and four queues."""
    run(folder, CALLS + SHARED + FORKS, PROMETHEUS_MULTIPROC_DIR=shared)

    out, _ = run(folder, COLLECT, PROMETHEUS_MULTIPROC_DIR=shared)
    lines = set(out.splitlines())
    assert "shop_limit 7.0" in lines
    assert "shop_queue 8.0" in lines
    assert 'mlpolicy_targets{state="applied"} 1.0' in lines


@pytest.mark.parametrize("first", ["", CALLS])
def test_files_that_are_asked_for_late_are_written(folder, shared, first):
    """After the client was imported, and even after the policy was in force: as gunicorn does."""
    later = LATE.format(first, shared, "" if first else CALLS) + FORKS
    _, err = run(folder, later)

    out, _ = run(folder, COLLECT, PROMETHEUS_MULTIPROC_DIR=shared)
    calls = 'mlpolicy_calls_total{function="served:predict",outcome="ok",team="a"}'
    written = 3.0 if first else 9.0  # (of the parent's calls nobody asked in time)
    assert f"{calls} {written}" in out.splitlines()
    assert err.count("was set after prometheus_client had been imported") == (3 if first else 1)


def test_a_policy_without_a_monitor_writes_files(folder, shared):
    """The numbers of its rules are among them."""
    (folder / "policy.yaml").write_text(UNMONITORED)
    run(folder, CALLS, PROMETHEUS_MULTIPROC_DIR=shared)

    out, _ = run(folder, COLLECT, PROMETHEUS_MULTIPROC_DIR=shared)
    line = 'mlpolicy_attempts_total{function="served:predict",outcome="error"} 2.0'
    assert line in out.splitlines()


def test_a_process_of_a_number_that_was_used_goes_on_from_there(folder, shared):
    """Counters of the files never go back: numbers of processes are given out again."""
    text = (
        CALLS
        + "from mlpolicy.core.metrics import METERS\n"
        + "from mlpolicy.rules.monitor.prometheus import Mirror\n"
        + "from prometheus_client import values\n"
        + "for _ in range(2):\n"
        + "    mirror = Mirror(METERS)\n"
        + "    mirror.begin(values.ValueClass)\n"
        + "    mirror.update()\n"
    )
    run(folder, text, PROMETHEUS_MULTIPROC_DIR=shared)

    out, _ = run(folder, COLLECT, PROMETHEUS_MULTIPROC_DIR=shared)
    calls = 'mlpolicy_calls_total{function="served:predict",outcome="error",team="a"}'
    assert float(out.split(calls)[1].split()[0]) >= 2.0


APPLICATION = """
import served

def application(environ, start_response):
    if environ["PATH_INFO"] == "/metrics":
        from prometheus_client import CollectorRegistry, generate_latest, multiprocess
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        body = generate_latest(registry)
    else:
        body = str(served.predict(1)).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
CONFIGURATION = """
import os
from prometheus_client import multiprocess
import mlpolicy.auto
os.environ["PROMETHEUS_MULTIPROC_DIR"] = {shared!r}
bind = "127.0.0.1:0"
workers = 2
control_socket_disable = True

def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)

def when_ready(server):
    print(server.LISTENERS[0].sock.getsockname()[1], flush=True)
"""


def test_workers_of_gunicorn_add_up(folder, shared):
    """Its own pattern: the directory is named in its configuration, after the import."""
    (folder / "web.py").write_text(APPLICATION)
    (folder / "gunicorn.conf.py").write_text(CONFIGURATION.format(shared=shared))
    environment = os.environ | {
        "PYTHONPATH": f"{SOURCE}{os.pathsep}{folder}",
        "MLPOLICY_POLICY": str(folder / "policy.yaml"),
        "MLPOLICY_CACHE_DIR": str(folder / "plans"),
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "web:application"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = int(server.stdout.readline())
        for _ in range(20):
            assert _get(port, "/") == "1"
        wanted = 'mlpolicy_calls_total{function="served:predict",outcome="ok",team="a"} 20.0'
        assert _until(lambda: wanted in _get(port, "/metrics").splitlines())
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()

    out, _ = run(folder, COLLECT, PROMETHEUS_MULTIPROC_DIR=shared)
    assert wanted in out.splitlines()


def _get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def _until(holds):
    end = time.monotonic() + 20
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
