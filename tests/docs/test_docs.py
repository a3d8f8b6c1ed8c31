"""Every example of the documentation is tried."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

import mlpolicy
from mlpolicy.document.parse import parse
from mlpolicy.model.read import read_text
from mlpolicy.plan.gather import policy_files
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
    for file in policy_files(ROOT / "policies") + sorted((ROOT / "policies/examples").iterdir())
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


PYTHON = [ROOT / "README.md", ROOT / "docs/how-to/in-python.md"]


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page, tmp_path):
    """All of it in its order, as one file; what it asserts holds."""
    path = tmp_path / "shown.py"
    path.write_text("\n\n".join(blocks(page, "python")))

    code, printed = typed(f"{sys.executable} -W error {path}", tmp_path)

    assert code == 0, printed


RECORDS = ROOT / "docs" / "how-to" / "read-the-records.md"
CALL = """
import mlpolicy

@mlpolicy.monitor(log={"sample": "100%"})
def predict(text):
    return text

logging.getLogger("shop").warning("{another} <record>")
predict("{x} <red> %s")
"""


@pytest.mark.parametrize("shown", blocks(RECORDS, "python"))
def test_events_are_objects_on_lines_through_what_a_page_sets_up(shown, tmp_path):
    """Other records come as they are wont to."""
    for library in re.findall(r"^(?:import|from) (structlog|loguru)", shown, re.M):
        pytest.importorskip(library)
    (tmp_path / "shown.py").write_text(shown + CALL)

    code, printed = typed(f"{sys.executable} -W error shown.py", tmp_path)

    assert code == 0, printed
    [line] = [one for one in printed if "mlpolicy.event/1" in one]
    assert json.loads(line)["function"] == "__main__:predict"
    assert [one for one in printed if "another" in one] == [one for one in printed if one != line]


TUTORIALS = sorted((ROOT / "docs" / "tutorial").glob("*.md"))
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.M | re.S)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.M)


def typed(command, folder):
    """Run *command* in *folder* as a new user would; return its code and its lines."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLPOLICY_CACHE_DIR": str(folder / ".plans"),
    }
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    printed = (done.stdout + done.stderr).splitlines()
    return done.returncode, [" ".join(line.split()) for line in printed]


def follow(page, folder):
    """Save what the page says to save, and run what it says to run, in its order."""
    for language, title, text in FENCE.findall(page.read_text("utf-8")):
        if title:
            path = folder / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif language == "console":
            for command, shown in COMMAND.findall(text):
                yield command, shown, *typed(command, folder)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works_as_typed(page, tmp_path):
    """Each command is run in an empty folder, and shows what the page says."""
    count = 0
    for command, shown, _, printed in follow(page, tmp_path):
        count += 1
        for line in shown.splitlines():
            expected = " ".join(line.split())
            assert expected in (*printed, "...", ""), (command, expected, printed)
    assert count >= 7


def test_the_job_that_init_writes_is_green(tmp_path):
    """Every step of the workflow is run as GitHub would, but for what installs."""
    for _ in follow(ROOT / "docs" / "tutorial" / "green-ci.md", tmp_path):
        pass
    git = "git -c user.email=a@b.c -c user.name=a"
    typed(f"git init -q -b main . && git add -A && {git} commit -qm one", tmp_path)
    typed("git update-ref refs/remotes/origin/main HEAD", tmp_path)
    workflow = parse((tmp_path / ".github/workflows/policy.yaml").read_text(), file="x").root
    steps = [one["run"] for one in workflow.plain()["jobs"]["policy"]["steps"] if "run" in one]
    ours = [one.replace("${{ github.base_ref }}", "main") for one in steps if "pip" not in one]

    codes = {one: typed(f"export GITHUB_STEP_SUMMARY=summary.md; {one}", tmp_path) for one in ours}

    assert len(codes) == 4
    assert {one: code for one, (code, _) in codes.items() if code} == {}, codes
    assert "nothing changes" in (tmp_path / "summary.md").read_text()
