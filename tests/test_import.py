"""What importing mlpolicy costs a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[1] / "src")
HEAVY = (
    "importlib.metadata",
    "jsonschema",
    "prometheus_client",
    "psutil",
    "pydantic",
    "rich",
    "typing",
    "yaml",
)


def imported(folder, text):
    """Return the modules that *text* brings into a bare interpreter."""
    text = (
        f"import sys\nbefore = set(sys.modules)\n{text}\nprint(*sorted(set(sys.modules) - before))"
    )
    environment = os.environ | {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(folder / "plans")}
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def test_the_import_brings_nothing_heavy(tmp_path):
    found = imported(tmp_path, "import mlpolicy")

    assert "mlpolicy" in found
    assert not found & set(HEAVY)


@pytest.mark.parametrize("warm", [False, True])
def test_a_warm_plan_cache_keeps_a_process_light_until_a_target_comes(tmp_path, warm):
    """The first time the files are read; then a few kilobytes are, until a module matters."""
    (tmp_path / "served.py").write_text("def predict(): return 1\n")
    (tmp_path / "policy.yaml").write_text("version: 1\npolicies: {served:predict: {retry: 3}}\n")
    start = "import mlpolicy; mlpolicy.install(policy='policy.yaml')"
    if warm:
        imported(tmp_path, start)

    found = imported(tmp_path, start)
    awake = imported(tmp_path, f"{start}\nimport served\nassert mlpolicy.plan('served:predict')")

    assert bool(found & set(HEAVY)) is not warm
    assert {"mlpolicy.install.engine", "pydantic"} <= awake
