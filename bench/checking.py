"""`python -m bench checking`: what reading and checking a large policy costs.

1,000 policies of 10,000 lines over 100 modules; beside it, what PyYAML's C loader alone takes for
the file, and Python's own parser for the modules. The best of five, interleaved.
"""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from mlpolicy.lint.targets import of_source
from mlpolicy.plan import cache
from mlpolicy.plan.load import load_every
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.source import SourceTree

MODULES, FUNCTIONS, ROUNDS = 100, 10, 5
TARGET_CHECK, TARGET_CACHE = 3.5, 0.015


def write(folder: Path) -> Path:
    """Write the modules and the policy; return the policy."""
    package = folder / "pkg"
    package.mkdir()
    (package / "__init__.py").touch()
    lines = ["version: 1", "policies:"]
    for module in range(MODULES):
        source = []
        for number in range(FUNCTIONS):
            source.append(f"def call{number}(user, items):\n    return [user + i for i in items]\n")
            lines += [
                f"  pkg.mod{module}:call{number}:",
                "    owner: team",
                "    reason: it fails now and then",
                f"    retry: {{max_attempts: {2 + number % 5}, initial_delay: 100ms}}",
                "    cache:",
                "      ttl: 30s",
                "      key: [user]",
                f"      max_entries: {1000 + module}",
                "    monitor:",
                "      log: {sample: 5%}",
            ]
        (package / f"mod{module}.py").write_text("\n\n".join(source))
    policy = folder / "policy.yaml"
    policy.write_text("\n".join(lines) + "\n")
    return policy


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        policy = write(folder)
        os.environ[cache.VARIABLE] = str(folder / "plans")
        figures = measure(policy, folder)
    show(figures)


def measure(policy: Path, folder: Path) -> dict[str, float]:
    """Return seconds by name: the best of some rounds, each thing once a round."""
    text = policy.read_text()
    sources = [one.read_text() for one in sorted((folder / "pkg").glob("*.py"))]
    loaded = load_every([policy])
    paths = (str(policy),)
    held = cache.Held(loaded.rulebook.tops, cache.pack(loaded.rulebook))
    cache.write(paths, held, before=cache.stamps_of(paths))
    things: dict[str, Callable[[], Any]] = {
        "yaml.CSafeLoader, the file": lambda: yaml.load(text, Loader=yaml.CSafeLoader),
        "ast.parse, the modules": lambda: [ast.parse(source) for source in sources],
        "mlpolicy, the file": lambda: load_every([policy]),
        "mlpolicy, the file and its targets": lambda: checked(policy, folder),
        "mlpolicy, the plan from its cache": lambda: from_cache(paths),
        "mlpolicy validate, the process": lambda: process(policy, folder),
    }
    best = dict.fromkeys(things, float("inf"))
    for _ in range(ROUNDS):
        for name, thing in things.items():
            gc.collect()
            gc.disable()
            began = perf_counter()
            thing()
            best[name] = min(best[name], perf_counter() - began)
            gc.enable()
    return best


def checked(policy: Path, folder: Path) -> None:
    """Read the file, and look up what it names; plans are made where they are asked for first."""
    of_source(load_every([policy]).rulebook, SourceTree([folder]))


def from_cache(paths: tuple[str, ...]) -> Rulebook:
    """Return the rulebook that the plan cache holds, as a starting process reads it."""
    held = cache.read(paths)
    assert held is not None
    return Rulebook(cache.unpack(held.files))


def process(policy: Path, folder: Path) -> None:
    """Run the command as CI does, from compiled modules."""
    command = [sys.executable, "-m", "mlpolicy", "validate", str(policy)]
    seen = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=seen)


def show(figures: dict[str, float]) -> None:
    """Print *figures* beside the targets."""
    table = Table(title="What checking 1,000 policies of 10,000 lines costs")
    for head in ("what", "ms", "target", "met"):
        table.add_column(head, justify="left" if head == "what" else "right")
    alone = figures["yaml.CSafeLoader, the file"]
    ours, both = figures["mlpolicy, the file"], figures["mlpolicy, the file and its targets"]
    ratio = both / (alone + both - ours)
    for name, seconds in figures.items():
        met, target = "", ""
        if name.endswith("cache"):
            target, met = f"{TARGET_CACHE * 1000:.0f} ms", _met(seconds <= TARGET_CACHE)
        table.add_row(name, f"{seconds * 1000:.1f}", target, met)
    table.add_row(
        "mlpolicy, the file over the C loader, alone",
        f"{ours / alone:.2f}x",
        f"{TARGET_CHECK:g}x",
        _met(ours / alone <= TARGET_CHECK),
    )
    table.add_row(
        "mlpolicy, file and targets, over the C loader and the targets",
        f"{ratio:.2f}x",
        "",
        "",
    )
    Console(width=150 if not sys.stdout.isatty() else None).print(table)


def _met(met: bool) -> str:
    return "yes" if met else "NO"
