"""`python -m mlpolicy` runs nothing of the folder that it is started in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MARK = "import pathlib; pathlib.Path(__file__).with_name('ran').touch()\n"
GROUPS = ("kinds", "sinks", "policies")


@pytest.fixture
def checkout(tmp_path):
    """What a pull request may hold: plugins by their metadata, modules by the names of others."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "shop.yaml").write_text("version: 1\npolicies: {shop:f: {evil: {}}}\n")
    (tmp_path / "shop.py").write_text(MARK + "def f(x):\n    return x\n")
    (tmp_path / "evil.py").write_text(MARK + "KIND = None\n")
    for name in ("yaml", "click", "pydantic", "rich", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text(MARK)
    for number, ending in enumerate(("dist-info", "egg-info")):
        info = tmp_path / f"evil{number}-1.0.{ending}"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: evil{number}\nVersion: 1.0\n")
        points = "".join(f"[mlpolicy.{group}]\nevil = evil:KIND\n" for group in GROUPS)
        (info / "entry_points.txt").write_text(points)
    return tmp_path


@pytest.mark.parametrize(
    "command", ["validate", "list plugins", "list targets", "doctor", "explain shop:f", "schema"]
)
def test_nothing_of_the_current_folder_is_run(checkout, command):
    environ = {**os.environ, "PYTHONPATH": str(SOURCE), "MLPOLICY_CACHE_DIR": str(checkout / "c")}
    done = subprocess.run(
        [sys.executable, "-m", "mlpolicy", *command.split()],
        cwd=checkout,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert not (checkout / "ran").exists()
    assert "Traceback" not in done.stderr
    assert "evil" not in done.stdout or "MP130" in done.stdout
