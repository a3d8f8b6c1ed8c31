"""What holds for the source as text."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = sorted((ROOT / "src" / "mlpolicy").rglob("*.py"))
MOST_LINES = 450
MOST_DECISIONS = 12
ABOVE = 9
"""Functions that decide more than that; a ratchet."""
FORKS = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler),
    *(ast.IfExp, ast.match_case, ast.comprehension),
)
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
SUPPRESSED = re.compile(r"#\s*(?:noqa|(?:type|pyright):\s*ignore)(?P<rest>.*)")
NAMED = re.compile(r"(?:: (?P<ruff>[A-Z]+\d+(?:, [A-Z]+\d+)*) \(.+\)|\[[\w, -]+\]\s+#\s*\S.*)")
SIZE_GATES = re.compile(r"C901|PLR09\d\d")
MACHINE = re.compile(r"(^|[\s\"'(=])/(work|root|home|Users)/\w")


def names(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCE, ids=names)
def test_a_file_is_short_and_imports_by_full_name(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    futures = [one for one in tree.body if isinstance(one, ast.ImportFrom)][:1]

    assert text.count("\n") <= MOST_LINES
    assert ast.get_docstring(tree) is not None or not tree.body
    assert len(tree.body) <= 1 or [ast.unparse(one) for one in futures] == [
        "from __future__ import annotations"
    ]
    assert not [one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom) and one.level]


def decisions(function):
    """Return how many ways fork in *function*: in statements, comprehensions and expressions."""
    count, waiting = 0, list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, NESTED):
            waiting += ast.iter_child_nodes(node)
        count += isinstance(node, FORKS)
        count += len(node.ifs) if isinstance(node, ast.comprehension) else 0
        count += len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
    return count


def test_a_function_decides_little():
    found = {
        f"{names(path)}:{node.lineno} {node.name}"
        for path in SOURCE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if decisions(node) > MOST_DECISIONS
    }

    assert len(found) <= ABOVE, found


@pytest.mark.parametrize("path", SOURCE, ids=names)
def test_what_is_suppressed_is_named_and_explained(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        found = SUPPRESSED.search(line)
        if found is not None:
            named = NAMED.fullmatch(found["rest"])
            assert named, line
            assert not SIZE_GATES.search(named["ruff"] or ""), line


@pytest.mark.parametrize("path", SOURCE, ids=names)
def test_nothing_is_left_for_later(path):
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"\b(TODO|FIXME|XXX)\b(?! #\d)", text)


def test_no_path_of_one_machine_is_written_down():
    kinds = ("*.py", "*.md", "*.yaml", "*.toml", "*.yml")
    folders = ("src", "docs", "examples", "policies", "bench", "scripts")
    files = [file for folder in folders for kind in kinds for file in (ROOT / folder).rglob(kind)]

    found = [names(file) for file in files if MACHINE.search(file.read_text(encoding="utf-8"))]

    assert found == []
