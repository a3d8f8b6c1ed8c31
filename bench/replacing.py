"""`python -m bench replacing`: what it costs to put a policy in force again.

A module of 1,000 functions, each under three rules and called once, so that all of its drivers are
woven. Each figure is processor time of this process, the lowest of five.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

FUNCTIONS, ROUNDS = 1_000, 5
TARGET = 0.050
RULES = "{validate: {args: {a: {type: int}}}, cache: 1h, memory: true}"


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["MLPOLICY_CACHE_DIR"] = str(folder / "plans")
        sys.path.insert(0, made)
        text = (f"def f{at}(a, b=1):\n    return a + b + {at}\n" for at in range(FUNCTIONS))
        (folder / "governed.py").write_text("\n\n".join(text))
        table = Table(title=f"Put in force again: {FUNCTIONS:,} functions under three rules")
        for head in ("what", "ms", "target", "met"):
            table.add_column(head, justify="left" if head == "what" else "right")
        first, unchanged, changed = figures(folder)
        table.add_row("for the first time, with the calls that weave", f"{first * 1000:.0f}")
        table.add_row("one rule changed, its file read anew", f"{changed * 1000:.0f}")
        met = "yes" if unchanged <= TARGET else "NO"
        table.add_row("nothing changed", f"{unchanged * 1000:.0f}", f"{TARGET * 1000:.0f}", met)
        Console(width=150 if not sys.stdout.isatty() else None).print(table)


def figures(folder: Path) -> tuple[float, float, float]:
    """Return the seconds of the first start, of an unchanged file and of one that changed."""
    import mlpolicy

    governed = importlib.import_module("governed")
    policy = folder / "policy.yaml"

    def write(at: int = 0) -> None:
        """Change the cache of the last function."""
        lines = [f"  governed:f{each}: {RULES}" for each in range(FUNCTIONS - 1)]
        last = RULES.replace("1h", f"{at + 1}h")
        lines.append(f"  governed:f{FUNCTIONS - 1}: {last}")
        policy.write_text("\n".join(["version: 1", "policies:", *lines, ""]))

    def start() -> None:
        mlpolicy.install(policy=policy)
        for at in range(FUNCTIONS):
            getattr(governed, f"f{at}")(1)

    write()
    first = seconds(start)
    unchanged = min(seconds(lambda: mlpolicy.install(policy=policy)) for _ in range(ROUNDS))
    each = []
    for at in range(ROUNDS):
        write(at + 1)
        each.append(seconds(lambda: mlpolicy.install(policy=policy)))
    mlpolicy.uninstall()
    return first, unchanged, min(each)


def seconds(work: Callable[[], None]) -> float:
    """Return the processor time that *work* takes."""
    began = time.process_time()
    work()
    return time.process_time() - began
