"""Runs the service with and without the policy under the same traffic and compares."""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from rich.console import Console
from sklearn.datasets import load_digits

from examples.digits.model import MODEL_PATH, DigitModel
from examples.digits.processes import PeakMemory, feature_store, free_port, running
from examples.digits.replay import replay
from examples.digits.report import Run, broken_claims, table
from examples.digits.seen import FOLDER, seen
from examples.digits.traffic import Traffic, record
from examples.digits.train import train

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICE = Path(__file__).with_name("serve.py")
POLICY = "policies/digits.yaml"
GOVERNED = ("-m", "mlpolicy", "run", "--policy", POLICY)


class Comparison:
    """One recorded traffic, one seed of faults, and two ways to run the service."""

    def __init__(self, options: argparse.Namespace, logs: Path, progress: Console) -> None:
        self._options = options
        self._progress = progress
        self._logs = logs
        self.traffic: Traffic = record(requests=options.requests, seed=options.seed)
        rows = load_digits().data
        self._truth: list[int] = DigitModel().predict_proba(rows).argmax(axis=1).tolist()

    def run(self, name: str) -> Run:
        """Serve the whole traffic once: "with" the policy, or "without" it."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        server = ["-m", "uvicorn", "examples.digits.serve:app", f"--port={port}"]
        prefix = self._governed() if name == "with" else ()
        command = [sys.executable, *prefix, *server, "--log-level=warning"]
        options, counts = self._options, self._logs / f"{name}-counts"
        counts.mkdir()
        with (
            feature_store(
                fault_rate=options.fault_rate, seed=options.seed, log=self._logs / f"{name}-store"
            ) as store_url,
            running(
                command,
                health=f"{url}/stats",
                log=self._logs / name,
                env={"DIGITS_STORE_URL": store_url, FOLDER: str(counts)},
            ),
        ):
            run = self._measure(name, url)
        # The service has ended, and with it the last count is written.
        return replace(run, seen=seen(counts)) if prefix else run

    def _governed(self) -> tuple[str, ...]:
        """Return what runs a command under the policy, and say where to look at it meanwhile."""
        ops = f"127.0.0.1:{free_port()}"
        self._progress.print(f"look at it meanwhile: http://{ops}, or [bold]mlpolicy top {ops}[/]")
        return (*GOVERNED, "--ops", ops, "--", sys.executable)

    def _measure(self, name: str, url: str) -> Run:
        with PeakMemory(_stats(url)["pid"]) as memory:
            answers = replay(
                self.traffic, url, clients=self._options.clients, title=f"{name} the policy"
            )
        return Run(
            name=name,
            source=_digest(SERVICE),
            requests=len(answers.answers),
            errors=answers.errors,
            wrong=answers.wrong(self._truth),
            model_calls=_stats(url)["model_calls"],
            p50=answers.percentile(50),
            p99=answers.percentile(99),
            peak_memory=memory.bytes,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print one table, and return 1 if the policy does not keep what it promises."""
    options = _options(arguments)
    progress = Console(stderr=True)
    if not MODEL_PATH.exists():
        progress.print(f"training the model: accuracy {train():.3f}")
    names = [options.only] if options.only else ["without", "with"]
    logs = Path(tempfile.mkdtemp(prefix="digits-"))
    progress.print(f"the services log to {logs}")
    comparison = Comparison(options, logs, progress)
    runs = [comparison.run(name) for name in names]
    Console().print(table(runs, comparison.traffic))
    if options.only:
        return 0
    broken = broken_claims(*runs, traffic=comparison.traffic)
    for claim in broken:
        progress.print(f"[red]not kept:[/red] {claim}")
    return 1 if broken else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.py", description=main.__doc__)
    parser.add_argument("--only", choices=["without", "with"], help="run the service one way")
    parser.add_argument("--requests", type=int, default=1200)
    parser.add_argument("--clients", type=int, default=4, help="requests in flight at a time")
    parser.add_argument("--fault-rate", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args(arguments)


def _stats(url: str) -> dict[str, int]:
    stats: dict[str, int] = httpx.get(f"{url}/stats", trust_env=False).json()
    return stats


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
