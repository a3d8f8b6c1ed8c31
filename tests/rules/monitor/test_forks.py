"""Processes that are forked while threads call what is monitored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = str(Path(__file__).parents[3] / "src")
SERVICE = """
import os
def predict(x):
    if x == 3: raise KeyError(x)
    return x
def split(x):
    return os.fork()
"""
POLICY = """
version: 1
policies:
  served:predict: {monitor: {}}
  served:split: {monitor: {log: false}}
"""
BEGIN = """
import os, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # (threads and forks are what this is about)
import mlpolicy
mlpolicy.install(policy="policy.yaml")
import served
from mlpolicy.core.metrics import METERS
from mlpolicy.rules.monitor.lanes import EXPORTER

def counts(name):
    value = METERS.value
    ends = [value("mlpolicy_calls_total", function=name, outcome=one) for one in ("ok", "error")]
    return [*ends, value("mlpolicy_in_flight", function=name)]

def child(work):
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException as error:
        os.write(2, repr(error).encode())
    finally:
        os._exit(1)

def ended(pid):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hangs"
"""


def run(folder, text):
    (folder / "served.py").write_text(SERVICE)
    (folder / "policy.yaml").write_text(POLICY)
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + text],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(folder / "plans")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_no_child_waits_for_what_a_thread_of_the_parent_held(tmp_path):
    """300 forks with three busy threads: each child calls, fails, logs and ends, from zero."""
    text = """
stop = threading.Event()
def busy():
    while not stop.is_set():
        for x in range(5):
            try: served.predict(x)
            except KeyError: pass
        list(METERS.collect())
threads = [threading.Thread(target=busy, daemon=True) for _ in range(3)]
for one in threads: one.start()

def work():
    sys.stderr = open(os.devnull, "w")
    assert counts("served:predict") == [0, 0, 0]
    for x in range(5):
        try: served.predict(x)
        except KeyError: pass
    assert counts("served:predict") == [4, 1, 0], counts("served:predict")
    assert EXPORTER.flush(10)

sys.stderr = open(os.devnull, "w")
print([ended(child(work)) for _ in range(300)].count(0))
stop.set()
"""
    assert run(tmp_path, text) == "300\n"


def test_a_call_that_forks_is_counted_by_the_parent_alone(tmp_path):
    """In the child it ends too, and is neither a call nor under way."""
    text = """
pid = served.split(1)
if pid == 0:
    found = counts("served:split")
    served.predict(1)
    os._exit(0 if (found, counts("served:predict")) == ([0, 0, 0], [1, 0, 0]) else 3)
print(ended(pid), counts("served:split"))
"""
    assert run(tmp_path, text) == "0 [1, 0, 0]\n"
