"""The drawing of the house is that of its imports, and its page names what there is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")


def script():
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "scripts/architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_drawing_is_current():
    assert script().page(PAGE) == PAGE


def test_every_folder_is_told_of():
    folders = (ROOT / "src" / "mlpolicy").glob("*/__init__.py")
    told = set(re.findall(r"^\| `(\w+)/` \|", PAGE, re.M))

    assert {path.parent.name for path in folders} <= told


def test_every_module_that_it_names_is_there():
    cells = re.findall(r"^\| `(\w+)/` \|[^|]*\|(.*)\|$", PAGE, re.M)
    named = [
        (folder, name) for folder, text in cells for name in re.findall(r"\(`([\w/.]+)`", text)
    ]
    named += [("", name) for name in re.findall(r"`(\w+/[\w/]+)`", PAGE)]

    assert len(named) > 30
    for folder, name in named:
        path = ROOT / "src" / "mlpolicy" / folder / name
        others = [ROOT / "src" / "mlpolicy" / name, ROOT / "src" / "mlpolicy" / "rules" / name]
        there = [
            ROOT / name,
            *(one for way in (path, *others) for one in (way, way.with_suffix(".py"))),
        ]
        assert any(one.exists() for one in there), (folder, name)
