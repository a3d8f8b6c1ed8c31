"""What a shell offers when somebody presses Tab."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class

from mlpolicy.cli import complete
from mlpolicy.cli.main import COMMANDS, COMPLETING, program
from mlpolicy.cli.options import FORMATS
from tests.acceptance.conftest import SOURCE

POLICY = """
    version: 1
    policies:
      serve:predict: {retry: 3}
      ranking: {match: "serve:rank*", monitor: true}
    environments: {prod: {defaults: {mode: shadow}}, staging: {}}
    """


@pytest.fixture
def service(project, monkeypatch):
    project.write(
        serve="def predict(x): return x\ndef rank_all(x): return x\n", policies__main=POLICY
    )
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture
def offered(service, monkeypatch):
    """Return what a shell offers for the last word of a line."""
    complete.enable()

    def offer(line, shell="bash"):
        words = line.split(" ")
        monkeypatch.setenv("COMP_WORDS", line if shell != "fish" else " ".join(words[:-1]))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1) if shell != "fish" else words[-1])
        completion = get_completion_class(shell)(program, {}, "mlpolicy", COMPLETING)
        arguments, begun = completion.get_completion_args()
        found = completion.get_completions(arguments, begun)
        return [completion.format_completion(one) for one in found]

    return offer


def values(lines):
    return [line.partition(",")[2] for line in lines]


def test_every_command_is_offered(offered):
    assert values(offered("mlpolicy ")) == list(COMMANDS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mlpolicy val", ["validate"]),
        ("mlpolicy --env prod val", ["validate"]),
        ("mlpolicy validate --sel", ["--select"]),
        ("mlpolicy validate --format j", [one for one in FORMATS if one[0] == "j"]),
        ("mlpolicy validate --env ", ["prod", "staging"]),
        ("mlpolicy validate --env = st", ["staging"]),
        ("mlpolicy validate --select mp302", ["MP302"]),
        ("mlpolicy validate --set retry.j", ["retry.jitter="]),
        ("mlpolicy apply --module s", ["serve"]),
        ("mlpolicy list ex", ["expiring"]),
        (
            "mlpolicy explain retry.max_",
            [f"retry.max_{n}" for n in ("attempts", "delay", "elapsed")],
        ),
        ("mlpolicy explain opena", ["openai"]),
        ("mlpolicy explain serve", ["serve:predict", "serve:rank_all"]),
        ("mlpolicy explain serve :", ["predict", "rank_all"]),
        ("mlpolicy explain serve : ra", ["rank_all"]),
        ("mlpolicy explain --policy absent.yaml serve", []),
    ],
)
def test_bash_is_offered_what_there_is(offered, line, expected):
    """A function path and `--env=` are in pieces there, and only the last is put in place."""
    assert values(offered(line)) == expected


def test_files_are_left_to_the_shell(offered):
    assert offered("mlpolicy validate pol") == ["file,pol"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_whole_paths(offered, shell):
    found = "\n".join(offered("mlpolicy explain serve:p", shell))

    assert "serve:predict" in found.replace("\\", "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_for_bash_works_in_bash(service, tmp_path_factory):
    """As `eval "$(_MLPOLICY_COMPLETE=bash_source mlpolicy)"` of the page has it."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "mlpolicy"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m mlpolicy "$@"\n')
    command.chmod(0o755)
    script = """
        eval "$(_MLPOLICY_COMPLETE=bash_source mlpolicy)"
        COMP_WORDS=(mlpolicy explain serve : pr) COMP_CWORD=4
        _mlpolicy_completion mlpolicy pr :
        echo "${COMPREPLY[@]}"
    """

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=service.folder,
        env=os.environ | {"PYTHONPATH": str(SOURCE), "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("predict\n", "")


def test_the_page_says_how():
    page = Path(__file__).parents[2].joinpath("docs/reference/cli.md").read_text("utf-8")

    assert f'eval "$({COMPLETING}=bash_source mlpolicy)"' in page
