"""Draws the house from its imports: which package uses which.

Prints the drawing; with `--write` it goes into docs/explanation/architecture.md, between the marks.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "mlpolicy"
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
MARK = "~~~"
BACK = ("plan", "lint")
"""The one way back: `plan/load` has what it read looked at."""


def package_of(module: str) -> str:
    """Return the package of ours that *module* is in; empty for what is none of ours."""
    parts = module.split(".")
    found = parts[1] if len(parts) > 1 and parts[0] == "mlpolicy" else ""
    return found if found and (SOURCE / found).is_dir() else ""


def uses(package: str) -> set[str]:
    """Return the packages that files of *package* import from, types alone aside."""
    found: set[str] = set()
    for path in (SOURCE / package).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typed = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for inner in ast.walk(node)
        }
        names = {
            package_of(name)
            for node in ast.walk(tree)
            if id(node) not in typed
            for name in (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }
        found |= names - {"", package}
    return found


def drawing() -> str:
    """Return the table: a row uses the columns that have a dot."""
    packages = [path.parent.name for path in SOURCE.glob("*/__init__.py")]
    table = {package: uses(package) for package in packages}
    table[BACK[0]].discard(BACK[1])
    order: list[str] = []
    while len(order) < len(packages):
        free = [name for name in packages if name not in order and table[name] <= set(order)]
        if not free:
            raise SystemExit("packages import each other in a circle")
        order += sorted(free, key=lambda name: (len(table[name]), name))
    width = max(map(len, order)) + 2
    rows = [" " * width + "".join(f"{name:<{len(name) + 2}}" for name in order[:-1])]
    for name in reversed(order):
        cells = (
            f"{'●' if other in table[name] else '·':<{len(other) + 2}}"
            for other in order[: order.index(name)]
        )
        rows.append(f"{name:<{width}}" + "".join(cells))
    return "\n".join(row.rstrip() for row in rows) + "\n"


def page(text: str) -> str:
    """Return *text*, the page, with the drawing as it is today."""
    before, _, rest = text.partition(f"{MARK}text\n")
    _, _, after = rest.partition(f"{MARK}\n")
    return f"{before}{MARK}text\n{drawing()}{MARK}\n{after}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(drawing(), end="")
