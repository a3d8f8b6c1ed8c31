"""Every finding has a reason and an example, and the example shows it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from mlpolicy.core.diagnostic import FOLDER, shared
from mlpolicy.lint.targets import of_source
from mlpolicy.plan.codes import codes
from mlpolicy.plan.load import load_every
from mlpolicy.source import SourceTree, roots

EVERY = shared()
SHOWN = [code for code in EVERY if code.before]


def findings(code, text):
    """Return what is shown of a file that holds *text*, in every environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policy.yaml")
        path.write_text(text)
        loaded = load_every([path])
    about_source = code.code in ABOUT_SOURCE
    resolved = of_source(loaded.rulebook, SourceTree(roots(()))) if about_source else ()
    return loaded.shown(resolved, level="ast" if about_source else "none").diagnostics


def found(code, text):
    return sorted({one.code for one in findings(code, text)})


ABOUT_SOURCE = {
    *("MP202", "MP301", "MP302", "MP303", "MP304", "MP307", "MP308", "MP311", "MP320"),
    *(
        "MP208",
        "MP209",
        "MP210",
        "MP409",
        "MP507",
        "MP604",
        "MP607",
        "MP701",
        "MP702",
        "MP703",
        "MP704",
    ),
}


def test_a_file_has_the_parts_of_a_code_and_no_others():
    for path in FOLDER.iterdir():
        lines = path.read_text(encoding="utf-8").splitlines()
        front = [line.partition(": ")[0] for line in lines[1 : lines.index("---", 1)]]
        parts = [line.removeprefix("## ") for line in lines if line.startswith("## ")]

        assert re.fullmatch(r"MP\d{3}\.md", path.name)
        assert front == ["severity", "title", "level"]
        assert parts in (["Finds", "Why"], ["Finds", "Why", "Before", "After"])


def test_a_file_is_read_when_somebody_asks_for_it(monkeypatch, tmp_path):
    """Names are those of the files; what is suppressed or asked for needs no more."""
    monkeypatch.setattr("mlpolicy.core.diagnostic.FOLDER", tmp_path)
    tmp_path.joinpath("MP999.md").write_text("---\nseverity: info\ntitle: t\nlevel: ast\n---\n")
    [code] = shared.__wrapped__()
    assert code.code == "MP999"

    tmp_path.joinpath("MP999.md").unlink()
    with pytest.raises(FileNotFoundError):
        code.title


@pytest.mark.parametrize("code", EVERY, ids=lambda code: code.code)
def test_a_code_says_what_and_why(code):
    assert code.finds.endswith(".") and code.why.endswith(".") and code.title


@pytest.mark.parametrize("code", SHOWN, ids=lambda code: code.code)
def test_the_example_before_shows_the_finding_and_the_one_after_does_not(code):
    assert (found(code, code.before), found(code, code.after)) == ([code.code], [])


@pytest.mark.parametrize("code", SHOWN, ids=lambda code: code.code)
def test_the_finding_is_as_grave_as_declared(code):
    grades = {one.severity for one in findings(code, code.before) if one.code == code.code}

    assert grades == {code.severity}


def test_every_code_that_is_found_is_declared():
    """In the source, a code stands between quotes."""
    source = Path(__file__).parents[2] / "src"
    texts = (path.read_text() for path in source.rglob("*.py") if "codes" not in path.parts)
    found = {code for text in texts for code in re.findall(r'"(MP\d{3})"', text)}

    assert found - OF_ANOTHER_DAY <= set(codes())


OF_ANOTHER_DAY = {"MP805"}
"""Known to the level at which they would be found, and not found yet."""
