"""Services under `mlpolicy run`, with the port open."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

SOURCE = str(Path(__file__).parents[2] / "src")
SERVED = """
def predict(x):
    if x == 3:
        raise KeyError(x)
    return x
"""
POLICY = """
version: 1
policies:
  served:predict:
    monitor: {buckets: [1us, 1s], log: {sample: 100%}, sinks: [prometheus]}
    retry: {max_attempts: 2, initial_delay: 0s, retry_on: [ValueError]}
"""


class Service:
    """A folder in which commands run under a policy, and the port of the last one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []
        self.port = 0
        self.write("served.py", SERVED)
        self.write("policy.yaml", POLICY)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(dedent(text))

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Start *command*; its errors go to the file `err`."""
        terms = {"PYTHONPATH": f"{SOURCE}{os.pathsep}{self.folder}", "PYTHONUNBUFFERED": "1"}
        terms |= {"MLPOLICY_CACHE_DIR": str(self.folder / "plans"), "TMPDIR": str(self.folder)}
        with (self.folder / "err").open("w") as err:
            started = subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | terms | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
                start_new_session=True,
            )
        self.started.append(started)
        return started

    def run(self, *command: str, ops: str = ":0", **environment: str) -> subprocess.Popen[str]:
        """Start *command* by `mlpolicy run --ops`, and learn the port."""
        under = (sys.executable, "-m", "mlpolicy", "run", "--policy", "policy.yaml", "--ops", ops)
        started = self.start(*under, "--", *command, **environment)
        assert until(lambda: "ops: http://" in self.err)
        self.port = int(self.err.split("ops: http://")[1].split()[0].rpartition(":")[2])
        return started

    def script(self, text: str, **terms: str) -> subprocess.Popen[str]:
        """Run a program that imports the governed function first."""
        self.write("prog.py", "import served\n" + dedent(text))
        return self.run(sys.executable, "prog.py", **terms)

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    def ask(self, path: str, method: str = "GET", port: int = 0, **headers: str):
        """Return status, headers and body."""
        asked = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            asked.request(method, path, headers=headers)
            answer = asked.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            asked.close()

    def shown(self, path: str) -> str | None:
        """Return what is at *path*, None where nobody answers."""
        try:
            status, _, body = self.ask(path)
        except (OSError, http.client.HTTPException):
            return None
        return body if status == 200 else None

    def holder(self) -> int:
        """Return which process answers; 0 where none does."""
        return int(json.loads(self.shown("/healthz") or '{"pid": 0}')["pid"])

    def answers(self) -> bool:
        return until(lambda: self.shown("/healthz") is not None)

    def number(self, series: str) -> float:
        """Return what `/metrics` has for *series*; -1 where it has none."""
        lines = (self.shown("/metrics") or "").splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(series)), -1.0)


def until(holds, at_most: float = 20.0) -> bool:
    end = time.monotonic() + at_most
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def serving(folder: Path):
    made = Service(folder)
    try:
        yield made
    finally:
        for started in made.started:
            if started.poll() is None:
                started.terminate()
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, 9)
                started.wait(20)
            for stream in (started.stdin, started.stdout):
                stream.close()


@pytest.fixture
def service(tmp_path):
    with serving(tmp_path) as made:
        yield made
