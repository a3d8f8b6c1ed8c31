"""A folder with a service and a policy, and the real command line."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
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
        if any(name.startswith("PYTHON") for name in environment):  # read when Python starts
            return self.python("-m", "mlpolicy", *arguments, **environment)
        out, err = self.folder / ".out", self.folder / ".err"
        asked = {
            "arguments": arguments,
            "folder": str(self.folder),
            "environment": self._environment(environment),
            "out": str(out),
            "err": str(err),
        }
        server = _warm()
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        ended = Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))
        out.unlink()
        err.unlink()
        return ended

    def python(self, *arguments: str, **environment: str) -> Ended:
        """Run Python with *arguments*."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def _environment(self, own: dict[str, str]) -> dict[str, str]:
        left_out = ("MLPOLICY_POLICY", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST")
        base = {key: value for key, value in os.environ.items() if key not in left_out}
        base |= {"PYTHONPATH": str(SOURCE), "MLPOLICY_CACHE_DIR": str(self.folder / ".plans")}
        return base | own


@cache
def _warm() -> subprocess.Popen[str]:
    """Return the interpreter that forks for each command; it ends when its input does."""
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("warm.py"))],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)
    return server


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
