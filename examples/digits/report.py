"""What the two runs showed, side by side, and what the policy promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from examples.digits.traffic import Traffic

MEBIBYTE = 1024 * 1024
FEWER_ERRORS = 10


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the service under the recorded traffic."""

    name: str
    source: str
    requests: int
    errors: int
    wrong: int
    model_calls: int
    p50: float
    p99: float
    peak_memory: int
    seen: str = "-"
    """What the policy counted."""


ROWS: dict[str, Callable[[Run], str]] = {
    "requests": lambda run: str(run.requests),
    "errors seen by the client": lambda run: str(run.errors),
    "wrong answers served": lambda run: str(run.wrong),
    "model calls": lambda run: str(run.model_calls),
    "p50 latency": lambda run: f"{run.p50 * 1000:.1f} ms",
    "p99 latency": lambda run: f"{run.p99 * 1000:.1f} ms",
    "peak memory": lambda run: f"{run.peak_memory / MEBIBYTE:.0f} MiB",
    "what the policy saw": lambda run: run.seen,
    "sha256 of serve.py": lambda run: run.source[:16],
}


def table(runs: Sequence[Run], traffic: Traffic) -> Table:
    """Return one column per run."""
    shown = Table(
        title=f"{len(traffic.image_ids)} requests, {traffic.repeat_share:.0%} of them repeats",
        caption=_caption(runs),
    )
    shown.add_column("")
    for run in runs:
        shown.add_column(f"{run.name} policy", justify="right")
    for title, value in ROWS.items():
        shown.add_row(title, *(value(run) for run in runs))
    return shown


def broken_claims(without: Run, governed: Run, *, traffic: Traffic) -> list[str]:
    """Return the promises that the runs did not keep."""
    claims = {
        f"serve.py is the same file: {without.source} and {governed.source}": (
            without.source == governed.source
        ),
        f"errors fall at least tenfold: {without.errors} to {governed.errors}": (
            without.errors > 0 and governed.errors * FEWER_ERRORS <= without.errors
        ),
        f"no wrong answer is served: {without.wrong} to {governed.wrong}": (
            without.wrong > 0 and governed.wrong == 0
        ),
        f"the model runs once an image: {traffic.distinct} images, {governed.model_calls} calls": (
            governed.model_calls <= traffic.distinct
        ),
    }
    return [claim for claim, kept in claims.items() if not kept]


def _caption(runs: Sequence[Run]) -> str:
    same = len({run.source for run in runs}) == 1
    return "serve.py is byte-identical in all runs" if same else "serve.py CHANGED between runs"
