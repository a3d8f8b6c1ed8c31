"""Starts the processes of the demo, watches them, and stops them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class NotStarted(RuntimeError):
    """A process ended, or did not answer, before it could be used."""


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], *, health: str, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Keep a command running in the repository's root, from its first good answer on."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "NO_PROXY": "127.0.0.1", **(env or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_healthy(process, health, log)
            yield
        finally:
            _stop(process)


@contextmanager
def feature_store(*, fault_rate: float, seed: int, log: Path) -> Iterator[str]:
    """Keep a fresh feature store running, and give its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "examples.digits.store", f"--port={port}"]
    faults = [f"--fault-rate={fault_rate}", f"--seed={seed}"]
    with running([*command, *faults], health=f"{url}/health", log=log):
        yield url


class PeakMemory:
    """The most memory that one process was seen to use, in bytes."""

    def __init__(self, pid: int, *, every: float = 0.05) -> None:
        self._process = psutil.Process(pid)
        self._every = every
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.bytes = 0

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        try:
            while not self._done.wait(self._every):
                self.bytes = max(self.bytes, self._process.memory_info().rss)
        except psutil.NoSuchProcess:
            return


def _wait_until_healthy(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            break
        if _answers(health):
            return
        time.sleep(0.1)
    said = log.read_text(errors="replace")[-2000:]
    raise NotStarted(f"{process.args!r} did not start:\n{said}")


def _answers(health: str) -> bool:
    try:
        return httpx.get(health, timeout=1.0, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    # The whole session: `mlpolicy run` may stand between us and the service.
    _signal(process, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
