"""The exit code is the same in every format."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mlpolicy.cli import exits
from mlpolicy.cli.main import program
from mlpolicy.cli.options import FORMATS

FINE = "version: 1\npolicies:\n  serve:predict:\n    cache: 30s\n"
ERROR = FINE.replace("30s", "30")
WARNING = FINE.replace(
    "cache: 30s", "cache: {ttl: 30s, max_entries: 5}\nprofiles:\n  p: {retry: 3}"
)
BROKEN = "version: 1\npolicies: {serve:predict: {cache: 30s\n"
CASES = {
    "fine": (FINE, (), exits.FINE),
    "an error": (ERROR, (), exits.FINDINGS),
    "a warning": (WARNING, (), exits.FINE),
    "a warning that fails": (WARNING, ("--fail-on", "warning"), exits.FINDINGS),
    "no YAML": (BROKEN, (), exits.FINDINGS),
    "an empty file": ("", (), exits.FINDINGS),
    "an absent path": (FINE, ("absent.yaml",), exits.USAGE),
    "an unknown option": (FINE, ("--unknown",), exits.USAGE),
    "nothing to read": (FINE, ("empty",), exits.NOTHING_TO_DO),
}


@pytest.mark.parametrize("github", ["", "true"])
@pytest.mark.parametrize("format", list(FORMATS))
@pytest.mark.parametrize("case", list(CASES))
def test_the_exit_code_does_not_depend_on_the_format(folder, case, format, github):
    text, arguments, code = CASES[case]
    (folder / "serve.py").write_text("def predict(user): return user\n")
    (folder / "policy.yaml").write_text(text)
    (folder / "empty").mkdir()
    paths = () if case == "nothing to read" else ("policy.yaml",)

    ended = CliRunner().invoke(
        program,
        ["validate", "--format", format, *paths, *arguments],
        env={"GITHUB_ACTIONS": github, "GITHUB_STEP_SUMMARY": str(folder / "summary.md")},
    )

    assert ended.exit_code == code, ended.output


def test_the_cases_are_what_they_are_called(folder):
    (folder / "serve.py").write_text("def predict(user): return user\n")
    (folder / "policy.yaml").write_text(WARNING)

    ended = CliRunner().invoke(program, ["validate", "policy.yaml"])

    assert "warning[" in ended.stdout and "error[" not in ended.stdout
