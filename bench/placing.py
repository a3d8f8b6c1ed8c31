"""`python -m bench placing`: what a policy adds to the import of what it names.

Each figure is processor time of fresh interpreters, with and without a policy in turns, the lowest
of five. What the first function costs, with all of mlpolicy that is imported for it, is taken off
where a figure is for each function.
The policy puts `monitor` on every public function; its plan is in the cache, as in a service
that was started before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

FUNCTIONS, ROUNDS = 2_000, 5
TARGET_FUNCTION, TARGET_IMPORT, SLACK = 0.1, 1.25, 1.05
LIBRARIES = "pandas, sklearn.ensemble, sklearn.linear_model, sklearn.model_selection"

PROCESS = """
import json, resource, sys, time
modules, policy = sys.argv[1].split(", "), sys.argv[2]
if policy:
    import mlpolicy
    mlpolicy.install(policy=policy)
began = time.process_time()
for module in modules:
    __import__(module)
took = time.process_time() - began
placed = 0
if policy:
    from mlpolicy.install import bootstrap
    placed = sum(one.state == "applied" for one in bootstrap.engine().placed.values())
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"s": took, "placed": placed, "MiB": memory}))
"""

SHAPES = (
    "def plain{n}(a, b, c=1):\n    return a",
    "def keywords{n}(a, *, limit=10, offset=0):\n    return a",
    "def stars{n}(a, *others, **named):\n    return a",
    "async def later{n}(request, user=None):\n    return user",
    "def items{n}(source):\n    yield from source",
    'class Model{n}:\n    def predict(self, features):\n        """Predict."""\n        return 1',
)


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        many(folder / "many.py")
        (folder / "one.py").write_text("def plain(a):\n    return a\n")
        cases = {
            "the first function": ("one", patterns("one")),
            f"{FUNCTIONS:,} functions by a pattern": ("many", patterns("many")),
            f"{FUNCTIONS:,} functions by name": ("many", names(folder / "many.py")),
            f"import {LIBRARIES}": (LIBRARIES, patterns("pandas", "sklearn")),
        }
        table = Table(title="What a policy adds to an import")
        for head in (
            "what",
            "functions",
            "without",
            "with",
            "ratio",
            "ms a function",
            "KiB",
            "met",
        ):
            table.add_column(head, justify="left" if head == "what" else "right")
        first = 0.0
        for at, (what, (modules, text)) in enumerate(cases.items()):
            policy = folder / f"{at}.yaml"
            policy.write_text(text)
            measured = measure(modules, policy, folder)
            table.add_row(what, *cells(measured, first, whole=modules == LIBRARIES))
            first = first or measured.under - measured.bare
        Console(width=150 if not sys.stdout.isatty() else None).print(table)


def many(path: Path) -> None:
    """Write a module of many functions."""
    shapes = [SHAPES[at % len(SHAPES)].format(n=at) for at in range(FUNCTIONS)]
    path.write_text("\n\n\n".join(shapes) + "\n")


def patterns(*packages: str) -> str:
    """Return a policy that puts a monitor on every public function of *packages*."""
    match = [
        f'"{one}{deep}:{name}"' for one in packages for deep in (".**",) for name in ("*", "*.*")
    ]
    head = f"version: 1\nsettings: {{packages: [{', '.join(packages)}]}}\npolicies:\n"
    return f"{head}  all:\n    match: [{', '.join(match)}]\n    monitor: {{}}\n"


def names(path: Path) -> str:
    """Return a policy that names each function of the module at *path*."""
    functions, owner = [], ""
    for line in path.read_text().splitlines():
        word = line.replace("async ", "").split("(")[0].rstrip(":")
        if line.startswith("class"):
            owner = word.removeprefix("class ") + "."
        elif word.startswith("def "):
            functions.append(word.removeprefix("def "))
        elif word.startswith("    def "):
            functions.append(owner + word.removeprefix("    def "))
    return "version: 1\npolicies:\n" + "".join(
        f"  many:{one}: {{monitor: {{}}}}\n" for one in functions
    )


@dataclass(frozen=True)
class Measured:
    """Seconds of an import, the functions that were placed, and the MiB that they took."""

    bare: float
    under: float
    functions: float
    memory: float


def measure(modules: str, policy: Path, folder: Path) -> Measured:
    """Return the lowest figures of processes that take turns."""
    process(modules, str(policy), folder)  # (writes the plan and compiled modules)
    bare, under = [], []
    for _ in range(ROUNDS):
        bare.append(process(modules, "", folder))
        under.append(process(modules, str(policy), folder))
    lowest = [min(one["s"] for one in each) for each in (bare, under)]
    memory = min(one["MiB"] for one in under) - min(one["MiB"] for one in bare)
    return Measured(*lowest, under[0]["placed"], memory)


def cells(measured: Measured, first: float, *, whole: bool) -> list[str]:
    """Return the cells of a row: what counts is the ratio of a *whole* import, else each function."""
    more, ratio = measured.under - measured.bare, measured.under / measured.bare
    each = (more - first) * 1000 / measured.functions
    met = ratio <= TARGET_IMPORT * SLACK if whole else each <= TARGET_FUNCTION * SLACK
    return [
        f"{measured.functions:,.0f}",
        f"{measured.bare * 1000:.0f} ms",
        f"{measured.under * 1000:.0f} ms",
        f"{ratio:.2f}x" if whole else "",
        f"{each:.3f}" if first else f"{more * 1000:.0f}",
        f"{measured.memory * 1024 / measured.functions:.1f}" if first else "",
        ("yes" if met else "NO") if first else "",
    ]


def process(modules: str, policy: str, folder: Path) -> dict[str, float]:
    """Return what a fresh interpreter says of the import of *modules*."""
    seen = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    seen |= {"MLPOLICY_CACHE_DIR": str(folder / "plans"), "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", PROCESS, modules, policy]
    done = subprocess.run(command, env=seen, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found
