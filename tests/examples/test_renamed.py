"""What CI says of the demo's policy when somebody renames a function."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    for name in ("examples", "policies"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def mlpolicy(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "mlpolicy", *arguments, "--format", "json"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


CHECKS = [["validate"], ["apply", "--module", "examples.digits.serve", "--check"]]


@pytest.mark.parametrize("command", CHECKS, ids=lambda one: one[0])
def test_all_is_well(project, command):
    ended = mlpolicy(project, *command)

    assert (ended.returncode, json.loads(ended.stdout)["diagnostics"]) == (0, [])


@pytest.mark.parametrize("command", CHECKS, ids=lambda one: one[0])
def test_a_renamed_function_is_one_clear_finding(project, command):
    """It stands at the target, and the nearest name is offered."""
    serve = project / "examples" / "digits" / "serve.py"
    serve.write_text(serve.read_text().replace("def predict(", "def predicted("))

    ended = mlpolicy(project, *command)

    [found] = json.loads(ended.stdout)["diagnostics"]
    place = (found["code"], found["file"], found["range"]["start"])
    assert (ended.returncode, place) == (
        1,
        ("MP301", "policies/digits.yaml", {"line": 23, "col": 3}),
    )
    assert "predict" in found["message"]
