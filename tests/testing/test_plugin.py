"""The same tests under pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testing.conftest import HEAD

SOURCE = Path(__file__).parents[2] / "src"
TESTS = (
    HEAD
    + """\
tests:
  - {name: kept for half a minute, resolve: shop.serve:predict, expect: {cache.ttl: 30s}}
  - {name: kept for an hour, resolve: shop.serve:predict, expect: {cache.ttl: 1h, retry: absent}}
  - {name: tried, call: shop.embed:encode, args: {text: a}, behaviour: [{raise: TimeoutError}], expect: {raises: TimeoutError, attempts: 3}}
  - {name: tried too often, call: shop.embed:encode, args: {text: a}, behaviour: [{raise: TimeoutError}], expect: {raises: TimeoutError, attempts: 9}}
"""
)


@pytest.fixture
def run(bench):
    def run(*arguments, **files):
        for name, text in ({"policy__test": TESTS} | files).items():
            bench.folder.joinpath(name.replace("__", ".") + ".yaml").write_text(text)
        return subprocess.run(
            [
                sys.executable,
                "-P",  # as the script `pytest`, which does not look for modules here
                "-m",
                "pytest",
                "-p",
                "mlpolicy.testing.plugin",
                "-p",
                "no:cacheprovider",
                *arguments,
            ],
            cwd=bench.folder,
            env=os.environ
            | {
                "PYTHONPATH": str(SOURCE),
                "PYTEST_ADDOPTS": "",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_each_test_is_an_item(run):
    ended = run("--collect-only", "-q")

    assert ended.stdout.splitlines()[:4] == [
        "policy.test.yaml::kept for half a minute",
        "policy.test.yaml::kept for an hour",
        "policy.test.yaml::tried",
        "policy.test.yaml::tried too often",
    ]


def test_a_failure_shows_the_differing_fields_only(run):
    ended = run("-q")

    assert ended.returncode == 1
    assert "2 failed, 2 passed" in ended.stdout
    assert "FAILED policy.test.yaml:8 kept for an hour" in ended.stdout
    assert "::kept for an hour - cache.ttl  expected 1h" in ended.stdout
    shown = [line.split() for line in ended.stdout.splitlines()]
    assert ["cache.ttl", "expected", "1h"] in shown
    assert ["found", "30s"] in shown
    assert "policy.yaml:6:18" in ended.stdout
    assert "Traceback" not in ended.stdout and "runtest" not in ended.stdout


@pytest.mark.parametrize("folder", [".", "src"])
def test_functions_and_errors_are_found_where_mlpolicy_test_finds_them(run, bench, folder):
    """And the path of the other tests is as it was."""
    package = bench.folder / folder / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "real.py").write_text("class Odd(Exception): ...\ndef f(x): raise Odd\n")
    (bench.folder / "test_path.py").write_text(
        "import sys, pathlib\ndef test_path():\n"
        f"    assert str(pathlib.Path({str(bench.folder / folder)!r})) not in sys.path\n"
    )
    real = "  - {name: odd, call: shop.real:f, args: {x: 1}, real: true, expect: {raises: shop.real.Odd}}\n"

    ended = run(
        "-q",
        "--mlpolicy-allow-real",
        "--import-mode=importlib",
        policy__test=f"{HEAD}tests:\n{real}",
    )

    assert "2 passed" in ended.stdout, ended.stdout


REAL = f"{HEAD}tests:\n  - {{name: odd, call: 'shop.real:f', args: {{x: 1}}, real: true, expect: {{returns: 1}}}}\n"


@pytest.mark.parametrize(
    ("given", "settings", "passes"),
    [
        ((), "", False),
        (("--mlpolicy-allow-real",), "", True),
        ((), "mlpolicy_allow_real = true", True),
    ],
)
def test_code_of_the_service_is_run_where_that_is_allowed(run, bench, given, settings, passes):
    """By an option, or by the settings of pytest; else it is not even imported."""
    package = bench.folder / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "real.py").write_text("open('ran', 'w').close()\ndef f(x): return x\n")
    (bench.folder / "pytest.ini").write_text(f"[pytest]\n{settings}\n")

    ended = run("-q", *given, policy__test=REAL)

    assert ended.returncode == (0 if passes else 1), ended.stdout
    assert ("`real: true` runs code of the service" in ended.stdout) is not passes
    assert (bench.folder / "ran").exists() is passes


def test_k_chooses(run):
    ended = run("-q", "-k", "half")

    assert ended.returncode == 0
    assert "1 passed, 3 deselected" in ended.stdout


def test_a_finding_is_an_item_that_fails_and_the_rest_runs(run):
    ended = run("-q", policy__test=TESTS.replace("retry: absent", "rety: absent"))

    assert "unknown key `rety`" in ended.stdout
    assert "policy.test.yaml::findings" in ended.stdout
    assert "2 failed, 2 passed" in ended.stdout


def test_the_files_of_others_are_left_alone(run):
    ended = run("-q", "-k", "half", other__test="suite: [1, 2]\n", broken__test="{")

    assert ended.returncode == 0


def test_pytest_starts_without_the_rest_of_us():
    code = "import sys, mlpolicy.testing.plugin; print([m for m in sys.modules if m.startswith('mlpolicy.') and 'testing' not in m])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = done.stdout
    assert "pydantic" not in loaded and "mlpolicy.plan.load" not in loaded
    assert "mlpolicy.rules" not in loaded


def test_a_suite_under_a_policy_runs_with_warnings_as_errors(tmp_path):
    """pytest warns of plugins that were imported before it; ours is, as the policy comes first."""
    installed = tmp_path / "site/mlpolicy-9.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mlpolicy\nVersion: 9\n")
    (installed / "RECORD").write_text("mlpolicy/__init__.py,,\nmlpolicy/testing/plugin.py,,\n")
    (installed / "entry_points.txt").write_text("[pytest11]\nmlpolicy = mlpolicy.testing.plugin\n")
    (tmp_path / "served.py").write_text("def f(x):\n    return x\n")
    (tmp_path / "test_served.py").write_text(
        "import served\n"
        "from mlpolicy.install import bootstrap\n"
        "def test_f():\n"
        "    assert served.f(1) == 1\n"
        "    assert bootstrap.engine().placed['served:f'].state == 'applied'\n"
    )
    (tmp_path / "p.yaml").write_text("version: 1\npolicies: {'served:f': {retry: 3}}\n")
    command = [sys.executable, "-m", "mlpolicy", "run", "--policy", "p.yaml", "--"]

    ended = subprocess.run(
        [*command, sys.executable, "-m", "pytest", "-q", "-W", "error", "--rootdir", "."],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(SOURCE)]),
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
            "MLPOLICY_CACHE_DIR": str(tmp_path / "plans"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, "1 passed" in ended.stdout) == (0, True), ended.stdout + ended.stderr
