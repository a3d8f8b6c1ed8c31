"""Functions of a script under `mlpolicy run`, in the processes that they are sent to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
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
    return sum(
        METERS.value("mlpolicy_calls_total", function=f"{name}:work", outcome="ok")
        for name in ("__main__", "script", "below.script")
    )

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
EXACT = """version: 1
policies:
  "NAME:work": {monitor: {log: false}}
  "NAME:factory.<locals>.made": {monitor: {log: false}}
  "NAME:Model.go": {monitor: {log: false}}
"""
PATTERNS = """version: 1
policies:
  all: {match: ["NAME:*", "NAME:*.*"], monitor: {log: false}}
"""


def run(folder, *arguments, name="__main__", script=SCRIPT, policy=EXACT, how=("below/script.py",)):
    (folder / "below").mkdir(exist_ok=True)
    (folder / "below/script.py").write_text(script)
    (folder / "p.yaml").write_text(policy.replace("NAME", name))
    command = [sys.executable, "-m", "mlpolicy", "run", "--policy", "p.yaml", *how]
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


NAMES = ("__main__", "script", "below.script")
"""The program itself, and what others would import it as, from its folder and from above."""


@pytest.mark.parametrize(
    ("method", "name"),
    [("fork", "script"), *product(["spawn"], NAMES), ("forkserver", "below.script")],
)
def test_a_function_of_the_script_obeys_in_worker_processes(tmp_path, method, name):
    """Also where the process runs the script's file by itself, where no finder sees it."""
    for _ in range(2):  # (from the files, and from the plan cache)
        assert run(tmp_path, method, name=name) == [[1, 4, 7], 4]


@pytest.mark.parametrize("policy", [EXACT, PATTERNS], ids=["exact", "patterns"])
@pytest.mark.parametrize("how", [("below/script.py",), ("-m", "below.script")], ids=["file", "-m"])
@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_governed_under_each_of_its_names(tmp_path, name, how, policy):
    """A script by its stem and by its path, a module that runs by its own name; `__main__` both."""
    script = SCRIPT.replace("import cloudpickle", "").replace("work(1)\n", PROBE, 1)
    given = {"name": name, "how": how, "policy": policy, "script": script}
    once = 0 if (name, how[0]) == ("script", "-m") else 1

    assert run(tmp_path, **given) == [once, name if once else None]


PROBE = """
    from mlpolicy.core.metrics import METERS
    import mlpolicy
    work(1)
    calls = [METERS.value("mlpolicy_calls_total", function=f"{name}:work", outcome="ok")
             for name in ("__main__", "script", "below.script")]
    plan = mlpolicy.plan(work)
    print(json.dumps([sum(calls), plan and plan.target.module]))
    sys.exit()
"""


def test_a_script_that_something_imports_again_is_governed_in_both(tmp_path):
    """They are two modules, with two functions; each call counts once."""
    script = """
import json, sys
from mlpolicy.core.metrics import METERS

def work(x):
    return x

if __name__ == "__main__":
    work(1)
    import script
    from script import work as again
    script.work(2), again(3), work(4)
    print(json.dumps(METERS.value("mlpolicy_calls_total", function="script:work", outcome="ok")))
"""

    assert run(tmp_path, name="script", policy=PATTERNS, script=script) == 4


def test_an_error_of_a_script_is_retried_by_the_name_of_the_script(tmp_path):
    script = """
import json
class Flaky(Exception):
    pass

tries = []

def work(x):
    tries.append(x)
    if len(tries) < 3:
        raise Flaky

work(1)
print(json.dumps(len(tries)))
"""
    policy = "version: 1\npolicies:\n  NAME:work: {retry: {retry_on: [script.Flaky]}}\n"

    assert run(tmp_path, name="script", policy=policy, script=script) == 3


@pytest.mark.parametrize("how", [("below/script.py",), ("-m", "below.script")], ids=["file", "-m"])
def test_a_policy_lies_over_a_decorator_of_the_program(tmp_path, how):
    """Nobody sees the end of its module: what is decorated is placed at once."""
    script = """
import json, mlpolicy
from mlpolicy.core.metrics import METERS

@mlpolicy.retry(max_attempts=2)
@mlpolicy.cache_result(ttl="1m", max_entries=9)
def work(x):
    return x

work(1)
print(json.dumps(METERS.value("mlpolicy_calls_total", function="below.script:work", outcome="ok")))
"""

    assert run(tmp_path, name="below.script", policy=PATTERNS, script=script, how=how) == 1
