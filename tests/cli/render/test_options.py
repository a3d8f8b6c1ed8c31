"""Where a report goes, in which colours, and with how many words around it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mlpolicy.cli.options import FORMATS, shared
from tests.cli.render.conftest import ALL, NOTHING, a_report

SOURCE = Path(__file__).parents[3] / "src"


@click.command()
@shared("")
@click.option("--fail-on", default="error")
@click.option("--nothing", is_flag=True)
def command(context, fail_on, nothing):
    """Report what is given."""
    context.finish(NOTHING if nothing else ALL, fail_on=fail_on)


def run(*arguments, **environment):
    return CliRunner().invoke(command, arguments, env=environment)


# --- the file -------------------------------------------------------------------------


@pytest.mark.parametrize("format", list(FORMATS))
def test_the_file_holds_what_would_be_printed(folder, format):
    printed = run("--format", format)

    written = run("--format", format, "--output", "report")

    assert (folder / "report").read_text("utf-8") == printed.stdout
    assert (written.stdout, written.exit_code) == ("", printed.exit_code)


def test_a_dash_is_the_standard_output(folder):
    assert run("--format", "json", "--output", "-").stdout == run("--format", "json").stdout
    assert list(folder.iterdir()) == []


def test_what_was_there_is_replaced_and_keeps_its_mode(folder):
    path = folder / "report"
    path.write_text("old\n" * 10_000)
    path.chmod(0o640)

    run("--format", "json", "--output", "report")

    assert json.loads(path.read_text("utf-8"))["schema"] == "mlpolicy.diagnostics/1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(folder.iterdir()) == [path]


def test_a_new_file_is_readable_as_any_other(folder):
    (folder / "other").touch()

    run("--output", "report")

    assert (folder / "report").stat().st_mode == (folder / "other").stat().st_mode


def test_a_link_stays_a_link(folder):
    (folder / "there").mkdir()
    (folder / "report").symlink_to(folder / "there" / "real")

    run("--format", "json", "--output", "report")

    assert (folder / "report").is_symlink()
    assert json.loads((folder / "there" / "real").read_text("utf-8"))["summary"]["errors"] == 1


def test_a_pipe_is_written_to_and_stays(folder):
    read, write = os.pipe()

    run("--format", "json", "--output", f"/dev/fd/{write}")
    os.close(write)

    with open(read, encoding="utf-8") as stream:
        assert json.load(stream)["schema"] == "mlpolicy.diagnostics/1"


@pytest.mark.parametrize("path", ["absent/report", ".", "file/report"])
def test_a_path_that_cannot_be_written_is_a_wrong_use(folder, path):
    (folder / "file").touch()

    ended = run("--output", path)

    assert ended.exit_code == 2
    assert ended.stderr and not ended.stdout


def test_a_write_that_fails_leaves_what_was_there(folder, monkeypatch):
    (folder / "report").write_text("old")

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ended = run("--output", "report")

    assert (ended.exit_code, (folder / "report").read_text()) == (2, "old")
    assert ended.stderr == "mlpolicy: `report` cannot be written: No space left on device\n"
    assert [one.name for one in folder.iterdir()] == ["report"]


# --- colour ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environment", "coloured"),
    [
        ((), {}, False),
        (("--color", "auto"), {}, False),
        (("--color", "always"), {}, True),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        ((), {"NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_as_asked_for(arguments, environment, coloured):
    assert ("\x1b[" in run(*arguments, **environment).stdout) is coloured


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)]
)
def test_a_terminal_is_coloured_unless_no_color_is_set(folder, environment, coloured):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    (folder / "policy.yaml").write_text("version: 2\n")
    base = os.environ | {"PYTHONPATH": str(SOURCE)} | environment
    command = [sys.executable, "-m", "mlpolicy", "validate", "policy.yaml"]
    subprocess.run(command, env=base, stdout=theirs, check=False, timeout=60)
    os.close(theirs)

    assert (b"\x1b[" in os.read(ours, 10_000)) is coloured


def test_a_file_has_no_colour_unless_it_is_asked_for(folder):
    run("--output", "plain")
    run("--color", "always", "--output", "coloured")

    assert "\x1b[" not in (folder / "plain").read_text("utf-8")
    assert "\x1b[" in (folder / "coloured").read_text("utf-8")


def test_machines_never_get_colour():
    for format in set(FORMATS) - {"text"}:
        assert "\x1b[" not in run("--color", "always", "--format", format).stdout


# --- words ----------------------------------------------------------------------------


def test_quiet_leaves_the_summary_out():
    whole, less = run().stdout, run("-q").stdout

    assert whole.removeprefix(less.rstrip("\n")).strip() == (
        "1 error, 2 warnings in 1 file, 1 policy"
    )


def test_quiet_without_findings_says_nothing():
    assert run("--quiet", "--nothing").stdout == ""
    assert run("--nothing").stdout == "No problems found in 1 file, 1 policy\n"


def test_quiet_changes_nothing_for_machines():
    for format in set(FORMATS) - {"text"}:
        assert run("-q", "--format", format).stdout == run("--format", format).stdout


@pytest.mark.parametrize("format", ["text", "json"])
def test_text_that_the_terminal_cannot_write_is_no_crash(folder, format):
    (folder / "policy.yaml").write_text("version: 1\n名: 1\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mlpolicy", "validate", "--format", format, "policy.yaml"],
        env=os.environ | {"PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (1, b"")
    assert ("名" if format == "json" else "?").encode() in done.stdout


# --- in a workflow of GitHub ----------------------------------------------------------


def test_a_workflow_gets_annotations_and_a_summary_with_the_text(folder):
    path = folder / "summary.md"

    ended = run(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(path))

    assert ended.stdout.startswith(run().stdout)
    assert ended.stdout.count("\n::") == len(ALL.diagnostics)
    assert path.read_text("utf-8").startswith("### ❌ mlpolicy: 1 error")


def test_a_workflow_gets_annotations_beside_a_file(folder):
    ended = run("--output", "report", GITHUB_ACTIONS="true")

    assert [line[:2] for line in ended.stdout.splitlines()] == ["::"] * len(ALL.diagnostics)
    assert "::error" not in (folder / "report").read_text("utf-8")


def test_the_format_github_is_summed_up_too(folder):
    path = folder / "summary.md"

    run("--format", "github", GITHUB_STEP_SUMMARY=str(path))

    assert "MP301" in path.read_text("utf-8")


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"text", "github"}))
def test_other_formats_are_left_alone(folder, format):
    path = folder / "summary.md"

    ended = run("--format", format, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(path))

    assert ended.stdout == run("--format", format).stdout
    assert not path.exists()


def test_a_workflow_is_told_that_nothing_was_found(folder):
    path = folder / "summary.md"

    ended = run("--nothing", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(path))

    assert ended.stdout == "No problems found in 1 file, 1 policy\n"
    assert path.read_text("utf-8").startswith("### ✅ mlpolicy: No problems found")


# --- formats that nobody asked for ----------------------------------------------------


@pytest.mark.parametrize("format", ["text", "sarif"])
def test_a_format_imports_no_other(folder, format):
    program = (
        "import sys\n"
        "from mlpolicy.cli.main import program\n"
        "try:\n"
        f"    program(['validate', '--format', '{format}', 'policy.yaml'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    (folder / "policy.yaml").write_text("version: 1\npolicies: {}\n")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    loaded = set(done.stderr.split())
    own = FORMATS[format].partition(":")[0]
    others = {one.partition(":")[0] for one in FORMATS.values()} - {own}
    shared = {"github": set(), "markdown": {"as_json", "text"}, "sarif": {"as_json"}}
    unasked = {f"mlpolicy.cli.render.{one}" for one in others - shared.get(own, set())}
    assert f"mlpolicy.cli.render.{own}" in loaded
    assert not loaded & unasked
    assert "xml.etree" not in loaded or format == "junit"


def test_a_report_of_nothing_but_notes_is_fine():
    assert run("--fail-on", "info").exit_code == 1
    assert not a_report(*ALL.diagnostics[3:]).failed
