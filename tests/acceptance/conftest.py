"""A folder with a service and a policy, and the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def content(self) -> Any:
        return json.loads(self.out)


class Project:
    """A folder of files, in which commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **files: str) -> None:
        """Write files; two underscores in a name are a slash, one more is the dot."""
        for name, text in files.items():
            path = self.folder / (name.replace("__", "/") + (".yaml" if name[0] == "p" else ".py"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")

    def run(self, *arguments: str, **environment: str) -> Ended:
        """Run `mlpolicy` with *arguments*."""
        return self.python("-m", "mlpolicy", *arguments, **environment)

    def python(self, *arguments: str, **environment: str) -> Ended:
        """Run Python with *arguments*."""
        left_out = ("MLPOLICY_POLICY", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST")
        base = {key: value for key, value in os.environ.items() if key not in left_out}
        base |= {"PYTHONPATH": str(SOURCE), "MLPOLICY_CACHE_DIR": str(self.folder / ".plans")}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=base | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
