"""Modules that come in other ways, and functions that travel."""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
import weakref
import zipfile
from pathlib import Path

import pytest

from tests.matrix.placed import Tally, fresh, governed, placed, write_policy

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"


@placed("sample.space.module:surface")
def test_a_namespace_package():
    from sample.space import module

    yield
    assert module.surface(2, 3) == 6


def python(folder, *arguments, **more):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(SOURCE), str(HERE), str(folder)])
    }
    environment |= {"MLPOLICY_CACHE_DIR": str(folder / "plans")} | more
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


COUNT = (
    "from mlpolicy.core.metrics import METERS\n"
    "print(sum(s.value for f in METERS.collect() if f.name == 'mlpolicy_calls_total' for s in f.samples))\n"
)


def test_python_m(tmp_path):
    """The module runs as `__main__`, and its functions obey."""
    policy = write_policy(tmp_path / "p.yaml", "sample.program:work", "sample.program:Job.run")
    text = (
        "import runpy, mlpolicy, io, contextlib\nmlpolicy.install()\n"
        "out = io.StringIO()\n"
        "with contextlib.redirect_stdout(out): runpy.run_module('sample.program', run_name='__main__', alter_sys=True)\n"
        "print(out.getvalue())\n" + COUNT
    )

    shown, count = python(tmp_path, "-c", text, MLPOLICY_POLICY=str(policy)).splitlines()

    assert json.loads(shown) == {"work": 2, "job": 4, "module": "__main__"}
    assert float(count) == 3


@pytest.mark.parametrize("form", ["zip", "sourceless"])
def test_modules_without_a_source_file(tmp_path, form):
    """In a zip, and as a `.pyc` alone."""
    (tmp_path / "packed.py").write_text("def f(x):\n    return x + 1\nFIRST = f(1)\n")
    if form == "zip":
        with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
            archive.write(tmp_path / "packed.py", "packed.py")
        place = tmp_path / "lib.zip"
    else:
        import py_compile

        place = tmp_path / "lib"
        place.mkdir()
        py_compile.compile(str(tmp_path / "packed.py"), cfile=str(place / "packed.pyc"))
    (tmp_path / "packed.py").unlink()
    policy = write_policy(tmp_path / "p.yaml", "packed:f")
    text = f"import sys, mlpolicy\nsys.path.insert(0, {str(place)!r})\nmlpolicy.install()\nimport packed\nassert packed.f(2) == 3\n"

    out = python(tmp_path, "-c", text + COUNT, MLPOLICY_POLICY=str(policy))

    assert float(out) == 2, "the call at import counts too"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_processes_obey(tmp_path, method):
    """Through `sitecustomize`, whatever way they begin."""
    (tmp_path / "served.py").write_text(
        "calls = []\n"
        "def flaky(x):\n    calls.append(1)\n    if len(calls) % 3: raise ConnectionError\n    return x\n"
    )
    (tmp_path / "p.yaml").write_text(
        "version: 1\npolicies: {served:flaky: {retry: {initial_delay: 1ms}}}\n"
    )
    (tmp_path / "main.py").write_text(
        "import multiprocessing, served\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
        "        print(pool.map(served.flaky, range(4)))\n"
    )

    out = python(tmp_path, "-m", "mlpolicy", "run", "--policy", "p.yaml", "main.py")

    assert out == "[0, 1, 2, 3]\n"


CLOUD = """
import cloudpickle, pickle, subprocess, sys, mlpolicy
mlpolicy.install(policy="p.yaml")
def scale(x, y=2):
    return x * y
mlpolicy.uninstall()
mlpolicy.install(policy="p.yaml")
assert scale(3) == 6
open("f.pickle", "wb").write(cloudpickle.dumps(scale))
"""


def test_cloudpickle_by_value(tmp_path):
    """A function of `__main__` travels with its driver, and works where the policy is not in force."""
    rules = "monitor: {log: false}\n    retry: 3\n    cache: 30s\n    memory: true\n    validate: {args: {x: {type: int}}}"
    write_policy(tmp_path / "p.yaml", "__main__:scale", rules=rules)
    python(tmp_path, "-c", CLOUD)

    out = python(
        tmp_path,
        "-c",
        "import pickle; f = pickle.load(open('f.pickle', 'rb')); print(f(4), f(4, y=3))",
    )

    assert out == "8 12\n"


def test_reload_keeps_the_policy(tmp_path):
    """A module that is executed again has its new functions placed."""
    policy = write_policy(tmp_path / "p.yaml", "sample.functions:price")
    with fresh(), governed(policy):
        from sample import functions

        tally = Tally("sample.functions:price")
        importlib.reload(functions)
        assert functions.price(2) == 4

    assert tally.calls == 1


def test_a_class_under_policy_can_be_collected_once_it_is_taken_off(tmp_path):
    """A swapped method with a `__class__` cell does not keep its class alive."""
    policy = write_policy(tmp_path / "p.yaml", "sample.classes:Deep.predict")
    with fresh():
        from sample import classes

        with governed(policy):
            assert classes.Deep().predict(1) == 1004
        gone = weakref.ref(classes.Deep)
        del classes
    sys.modules.pop("sample.classes", None)
    gc.collect()

    assert gone() is None


def test_lines_are_traced_as_before(tmp_path):
    """A tracer sees the same lines of the function's own code."""
    policy = write_policy(tmp_path / "p.yaml", "sample.functions:divide")
    seen = []

    def trace(frame, event, _):
        if frame.f_code.co_name == "divide" and event == "line":
            seen.append(frame.f_lineno)
        return trace

    with fresh():
        from sample import functions

        def run():
            sys.settrace(trace)
            try:
                functions.divide(4, 2)
            finally:
                sys.settrace(None)
            return [seen.pop(0) for _ in list(seen)]

        bare = run()
        with governed(policy):
            driven = run()
            first = functions.divide.__code__.co_firstlineno
    # The driver's own lines all stand at the `def`, around those of the function.
    own = [line for line in driven if line != first]
    assert (own, len(bare), first in driven) == (bare, 2, True)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib_workers_obey(tmp_path, backend):
    """A governed function of a module runs under its policy in the workers of joblib."""
    (tmp_path / "work.py").write_text(
        "import os\n\ndef double(x):\n    return x * 2\n\n"
        "def counted(x):\n    import mlpolicy\n"
        "    from mlpolicy.core.metrics import METERS\n"
        "    before = METERS.value('mlpolicy_calls_total', function='work:double', outcome='ok')\n"
        "    made = double(x)\n"
        "    after = METERS.value('mlpolicy_calls_total', function='work:double', outcome='ok')\n"
        "    return made, after > before, os.getpid()\n"
    )
    policy = write_policy(tmp_path / "p.yaml", "work:double")
    text = (
        "import joblib, os, work\n"
        "if __name__ == '__main__':\n"
        f"    run = joblib.Parallel(n_jobs=2, backend={backend!r})\n"
        "    done = run(joblib.delayed(work.counted)(n) for n in range(8))\n"
        "    print([d[0] for d in done] == [2 * n for n in range(8)], all(d[1] for d in done),\n"
        "          any(d[2] != os.getpid() for d in done))\n"
    )
    (tmp_path / "main.py").write_text(text)
    command = [sys.executable, "-m", "mlpolicy", "run", "--policy", str(policy), "main.py"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert done.stdout.split() == ["True", "True", str(backend != "threading")], done.stderr


def test_patterns_pass_over_what_looks_at_its_caller(tmp_path):
    """Private functions and those that look at their caller are left alone."""
    from mlpolicy.install import bootstrap

    policy = write_policy(tmp_path / "p.yaml", "sample.frames:*", "sample.frames:*.*")
    with fresh(), governed(policy):
        from sample import frames

        states = {
            name.partition(":")[2]: placed.state
            for name, placed in bootstrap.engine().placed.items()
        }
        assert frames.caller() == "test_patterns_pass_over_what_looks_at_its_caller"

    assert states == {
        "caller": "skipped",
        "old": "skipped",
        "plain": "applied",
        "Public.method": "applied",
    }
