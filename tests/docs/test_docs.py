"""Every example of the documentation is tried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

import mlpolicy
from mlpolicy.model.read import read_text
from mlpolicy.plan.load import Terms, check, load_every

ROOT = Path(__file__).parents[2]
WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
"""When the dates in examples lay well ahead."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", re.M | re.S)


def blocks(page, language):
    return [dedent(m[3]) for m in BLOCK.finditer(page.read_text("utf-8")) if m[2] == language]


TITLED = re.compile(r'^```yaml title="(policies/[^"]+)"\n(.*?)^```', re.M | re.S)
SETS = [page for page in PAGES if TITLED.search(page.read_text("utf-8"))]
EXAMPLES = [
    pytest.param(text, id=f"{page.name}-{at}")
    for page in PAGES
    for at, text in enumerate(blocks(page, "yaml"))
    if text.startswith("version: 1") and page not in SETS
]
FILES = [
    pytest.param(file.read_text("utf-8"), id=file.name)
    for file in sorted((ROOT / "policies").rglob("*.yaml"))
]


@pytest.mark.parametrize("text", [*EXAMPLES, *FILES])
def test_a_policy_that_is_shown_is_right(text):
    assert check([read_text(text)], Terms(now=WRITTEN)).shown(level="none").diagnostics == ()


@pytest.mark.parametrize("page", SETS, ids=lambda page: page.name)
def test_policies_that_belong_together_are_right(page, tmp_path):
    """Files with a title are one folder."""
    for name, text in TITLED.findall(page.read_text("utf-8")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    assert load_every([tmp_path / "policies"], Terms(now=WRITTEN)).diagnostics == ()


def test_the_page_of_findings_is_current():
    """`python scripts/findings.py > docs/reference/findings.md` writes it anew."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "findings.py")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert (ROOT / "docs" / "reference" / "findings.md").read_text("utf-8") == done.stdout


def test_the_page_of_python_agrees_with_what_is_public():
    text = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")

    missing = [name for name in mlpolicy.__all__ if name[0] != "_" and name not in text]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / link).exists(), link


def test_the_tutorial_works_as_typed(tmp_path):
    """Each command is run in an empty folder, and shows what the page says."""
    page = ROOT / "docs" / "tutorial" / "first-policy.md"
    (tmp_path / "serve.py").write_text(blocks(page, "python")[0])
    (tmp_path / "policy.yaml").write_text(blocks(page, "yaml")[0])
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "\n".join(blocks(page, "console")), re.M)
    bin_ = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "MLPOLICY_CACHE_DIR": str(tmp_path / "plans"),
    }

    assert len(commands) >= 7
    for command, shown in commands:
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        printed = [" ".join(line.split()) for line in (done.stdout + done.stderr).splitlines()]
        for line in shown.splitlines():
            expected = " ".join(line.split())
            assert expected in (*printed, "...", ""), (command, expected, printed)
