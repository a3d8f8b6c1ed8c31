"""Functions of a script under `mlpolicy run`, in the processes that they are sent to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
SCRIPT = """
import json, multiprocessing, pickle, subprocess, sys
import cloudpickle

RATE = 3

def helper(x):
    return x * RATE

def work(x, y=1):
    return helper(x) + y

def factory(n):
    def made(x):
        return helper(x) + n
    return made

class Model:
    def go(self, x):
        return helper(x)

def counted(x):
    from mlpolicy.core.metrics import METERS
    work(x)
    return METERS.value("mlpolicy_calls_total", function="__main__:work", outcome="ok")

def sent(function):
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)(4))"
    data = cloudpickle.dumps(function)
    return subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)

if __name__ == "__main__":
    work(1)
    if sys.argv[1] == "cloudpickle":
        given = [sent(one).stdout.decode().strip() for one in (work, factory(5), Model().go)]
        print(json.dumps(given))
    else:
        with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
            print(json.dumps([pool.map(work, range(3)), pool.apply(counted, (1,))]))
"""
POLICY = """version: 1
policies:
  "__main__:work": {monitor: {log: false}}
  "__main__:factory.<locals>.made": {monitor: {log: false}}
  "__main__:Model.go": {monitor: {log: false}}
"""


def run(folder, *arguments):
    (folder / "script.py").write_text(SCRIPT)
    (folder / "p.yaml").write_text(POLICY)
    command = [sys.executable, "-m", "mlpolicy", "run", "--policy", "p.yaml", "script.py"]
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "MLPOLICY_CACHE_DIR": str(folder / "c")}
    done = subprocess.run(
        [*command, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_cloudpickle_carries_the_global_names_of_a_governed_function(tmp_path):
    """A function, a closure and a method of the script run in a fresh process."""
    assert run(tmp_path, "cloudpickle") == ["13", "17", "12"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_function_of_the_script_obeys_in_worker_processes(tmp_path, method):
    """Also where the process runs the script's file by itself, where no finder sees it."""
    assert run(tmp_path, method) == [[1, 4, 7], 4]
