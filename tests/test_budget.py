"""How large each package may be, and what holds for the house as a whole.

The figures are a ratchet: whoever makes a package smaller lowers them, nobody raises them without
saying in the commit what the lines are worth.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "mlpolicy"
FILES = {path: ast.parse(path.read_bytes()) for path in sorted(SOURCE.rglob("*.py"))}

LINES = {
    ".": 317,
    "cli": 4715,
    "core": 4930,
    "document": 836,
    "install": 3795,
    "lint": 1075,
    "model": 3111,
    "ops": 779,
    "plan": 2945,
    "rules": 15671,
    "runtime": 615,
    "source": 1203,
    "testing": 2114,
}
"""The most lines of Python in a package, docstrings and blanks counted."""
STATEMENTS = {
    ".": 144,
    "cli": 3095,
    "core": 3307,
    "document": 583,
    "install": 2705,
    "lint": 824,
    "model": 2132,
    "ops": 517,
    "plan": 1982,
    "rules": 10462,
    "runtime": 364,
    "source": 862,
    "testing": 1572,
}
"""The most statements: lines alone reward dense code."""
CLASSES = 0
"""Class names that stand for several classes."""
NAMES = 0
"""Modules whose name is a riddle."""
CIRCLES = 0
"""Modules that import themselves through others."""
KNOWING = 13
"""Places outside `rules/` that know a kind by name."""
KINDS = {"retry", "validate", "cache", "memory", "monitor", "timeout"}
RIDDLES = set(
    """about against awaken choice dotted held holding homes lazily meant moods near nothing older
    places present series short strangers survey things told usual words written""".split()
)
"""Module names that do not tell what is inside."""


def package(path):
    relative = path.relative_to(SOURCE)
    return relative.parts[0] if len(relative.parts) > 1 else "."


def module(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FILES}


def totals(of):
    counted = Counter()
    for path, tree in FILES.items():
        counted[package(path)] += of(path, tree)
    return counted


def test_no_package_has_more_lines_than_its_budget():
    counted = totals(lambda path, tree: path.read_bytes().count(b"\n"))

    assert {name: lines for name, lines in counted.items() if lines > LINES.get(name, 0)} == {}


def test_no_package_has_more_statements_than_its_budget():
    counted = totals(lambda path, tree: sum(isinstance(node, ast.stmt) for node in ast.walk(tree)))

    assert {name: count for name, count in counted.items() if count > STATEMENTS.get(name, 0)} == {}


def test_a_class_name_stands_for_one_class():
    places = defaultdict(list)
    for path, tree in FILES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module(path))

    several = {name: where for name, where in places.items() if len(where) > 1}
    assert len(several) <= CLASSES, several


def test_the_name_of_a_module_tells_what_is_inside():
    found = [name for name in MODULES if name.rpartition(".")[2] in RIDDLES]
    assert len(found) <= NAMES, found


def test_only_rules_know_the_names_of_kinds():
    outside = [
        path for path in FILES if package(path) != "rules" and module(path) != "mlpolicy.cli.main"
    ]
    found = {
        f"{module(path)}:{node.lineno}"
        for path in outside
        for node in ast.walk(FILES[path])
        if isinstance(node, ast.Constant) and node.value in KINDS
    }

    assert len(found) <= KNOWING, found


def imported(path):
    """Yield the modules of ours that the file imports, wherever in it; not those for types alone."""
    for node in _run(FILES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def _run(node):
    """Yield the nodes below *node* that a process may run."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _run(child)


def reached(start, uses):
    """Return the modules that *start* imports, directly or through others."""
    found, waiting = set(), [start]
    while waiting:
        new = uses[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_no_files_import_each_other_in_a_circle():
    uses = {name: set(imported(path)) - {name} for name, path in MODULES.items()}
    found = [name for name in uses if name in reached(name, uses)]

    assert len(found) <= CIRCLES, found
