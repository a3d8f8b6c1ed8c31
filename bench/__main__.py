"""`python -m bench [NAME…]`: the figures, beside the budget."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.harness import Outcome, measure

NAMES = ("retry", "cache", "validate", "memory", "monitor", "stack")
PROCESSES = ("checking", "placing", "replacing")
"""Benches of whole processes, with tables of their own."""
SLACK = 1.15
"""These machines are noisy: a row is met within 15% of its target."""


def main(names: Sequence[str]) -> None:
    """Measure the rows of *names*, and print each beside its target and its peers."""
    if len(names) == 1 and names[0] in PROCESSES:
        import_module(f"bench.{names[0]}").main()
        return
    console = Console(width=150 if not sys.stdout.isatty() else None)
    outcomes: list[Outcome] = []
    with Console(stderr=True).status("measuring …") as status:
        for name in names or NAMES:
            for bench in import_module(f"bench.{name}").benches():
                status.update(f"measuring {bench.row} …")
                outcomes.append(measure(bench))
    console.print(table(outcomes))
    console.print(
        f"Python {platform.python_version()}; x is a multiple of a bare wrapper in the same run; median of 5 runs."
    )
    Path("bench/figures.json").write_text(
        json.dumps([_plain(one) for one in outcomes], indent=2) + "\n", encoding="utf-8"
    )


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return the figures as a table."""
    made = Table(title="What a call costs")
    for head in ("row", "bare", "mlpolicy", "target", "met", "peers"):
        made.add_column(head, justify="left" if head in ("row", "peers") else "right")
    for one in outcomes:
        peers = ", ".join(
            f"{figure.name} {figure.ratio:.1f}x" for figure in one.figures if figure.peer
        )
        met = one.ours.ratio <= one.bench.target * SLACK
        made.add_row(
            one.bench.row,
            f"{one.bare_ns:.0f} ns",
            f"{one.ours.ratio:.2f}x",
            f"{one.bench.target:g}x",
            "yes" if met else "NO",
            peers,
        )
    return made


def _plain(one: Outcome) -> dict[str, Any]:
    return {
        "row": one.bench.row,
        "bare_ns": round(one.bare_ns, 1),
        "target": one.bench.target,
        "note": one.bench.note,
        "ratios": {figure.name: round(figure.ratio, 2) for figure in one.figures},
    }


if __name__ == "__main__":
    main(sys.argv[1:])
