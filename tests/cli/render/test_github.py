"""Annotations and the summary of a step, as GitHub reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.cli.render.formats import github, summarise
from mlpolicy.core.diagnostic import Diagnostic
from tests.cli.render.conftest import ALL, MISSING, NOTED, WARNED, a_report, at

COMMAND = re.compile(r"::(?P<level>\w+) (?P<properties>.*?)::(?P<message>.*)")


def read(line):
    """Return what the runner of GitHub makes of a line."""
    found = COMMAND.fullmatch(line)
    properties = dict(one.split("=", 1) for one in found["properties"].split(","))
    return (
        found["level"],
        {name: unescaped(value, "%3A", "%2C") for name, value in properties.items()},
        unescaped(found["message"]),
    )


def unescaped(text, *more):
    for code in ("%0D", "%0A", *more, "%25"):
        text = text.replace(code, chr(int(code[1:], 16)))
    return text


def test_a_finding_is_an_annotation_on_its_line():
    assert github(a_report(MISSING)) == (
        "::error file=serving.yaml,line=3,col=3,endLine=3,endColumn=22,title=mlpolicy MP301::"
        "target not found: `recsys.serve` has no function `predct`%0A"
        "src/recsys/serve.py:41:5: `predict` is defined here%0A"
        "help: did you mean `recsys.serve:predict`?"
    )


def test_each_severity_has_its_command():
    lines = github(a_report(MISSING, WARNED, NOTED)).splitlines()

    assert [read(line)[0] for line in lines] == ["error", "warning", "notice"]


def test_over_several_lines_there_are_no_columns():
    line = github(a_report(Diagnostic("MP011", "no ttl", at(4, 5, 9, end_line=5))))

    assert read(line)[1] == {
        "file": "serving.yaml",
        "line": "4",
        "endLine": "5",
        "title": "mlpolicy MP011",
    }


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_message_is_one_command_and_is_read_back(message):
    line = github(a_report(Diagnostic("MP005", message, at(1, 1, 2))))

    assert "\r" not in line
    assert read(line)[2] == message


@pytest.mark.parametrize("name", ["a,b.yaml", "a::b.yaml", "100%25.yaml", "a=b.yaml", "a\nb.yaml"])
def test_a_file_may_be_called_anything(name):
    line = github(a_report(Diagnostic("MP005", "unknown", at(1, 1, 2, file=name))))

    assert read(line)[1]["file"] == name


def test_a_file_is_named_from_the_root_of_the_checkout(folder, monkeypatch):
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))

    assert read(github(a_report(MISSING)))[1]["file"] == "sub/serving.yaml"


def test_the_summary_is_added_to_what_is_there(folder):
    path = folder / "summary.md"
    path.write_text("before\n", "utf-8")

    summarise(ALL, {"GITHUB_STEP_SUMMARY": str(path)})

    head, _, rest = path.read_text("utf-8").partition("\n")
    assert head == "before"
    assert rest.startswith("### ❌ mlpolicy: 1 error, 2 warnings in 1 file, 1 policy\n")
    assert rest.endswith("\n\n")


def test_a_summary_stays_below_what_github_takes(folder):
    path = folder / "summary.md"
    many = [Diagnostic("MP005", "ä" * 900, at(nth, 1, 2)) for nth in range(1, 2000)]

    summarise(a_report(*many), {"GITHUB_STEP_SUMMARY": str(path)})

    content = path.read_bytes()
    assert content.count(b"[MP005]") == 500
    assert len(content) < 1024**2
    assert b"1499 more: run" in content


def test_a_summary_that_cannot_be_written_is_told_of(folder, capsys):
    summarise(ALL, {"GITHUB_STEP_SUMMARY": str(folder)})

    assert "the summary of the step was not written" in capsys.readouterr().err


def test_where_nobody_asks_nothing_is_written(folder):
    summarise(ALL, {})

    assert list(folder.iterdir()) == []
