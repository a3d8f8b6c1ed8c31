"""Findings for people."""

from __future__ import annotations

import click

from mlpolicy.cli.render.text import text
from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from tests.cli.render.conftest import ALL, IN_PROD, MISSING, NOTHING, a_report, at


def plain(report):
    return click.unstyle(text(report))


def test_a_finding_shows_the_line_the_place_beside_it_and_the_remedy():
    assert plain(a_report(MISSING)) == (
        "error[MP301] target not found\n"
        "  --> serving.yaml:3:3\n"
        "   |\n"
        " 3 |   recsys.serve:predct:\n"
        "   |   ^^^^^^^^^^^^^^^^^^^ `recsys.serve` has no function `predct`\n"
        "   |\n"
        "  ::: src/recsys/serve.py:41:5   `predict` is defined here\n"
        "   = help: did you mean `recsys.serve:predict`?\n"
        "   = more: mlpolicy explain MP301"
    )


def test_the_environment_of_a_finding_is_told():
    assert " = environment: prod\n" in plain(a_report(IN_PROD))


def test_without_words_of_help_the_repairs_are_named():
    repairs = (Suggestion("add the unit", at(5, 12, 15), "30s"),) * 2

    shown = plain(a_report(Diagnostic("MP101", "no unit", at(5, 12, 15), suggestions=repairs)))

    assert shown.count(" = help: add the unit\n") == 1


def test_a_mark_over_several_lines_goes_to_the_end_of_the_first():
    shown = plain(a_report(Diagnostic("MP011", "no ttl", at(4, 5, 9, end_line=5))))

    assert shown.splitlines()[4] == "  |     ^^^^^^^^"


def test_a_finding_without_a_line_still_says_its_label():
    lost = Diagnostic("MP001", "unreadable", at(9, 1, 1), label="no such file")

    assert " --> serving.yaml:9:1   no such file\n" in plain(a_report(lost))


def test_a_message_cannot_steer_the_terminal():
    steered = Diagnostic("MP005", "unknown key `\x1b[2J`\nerror: fake", at(3, 3, 4))

    assert plain(a_report(steered)).startswith("error[MP005] unknown key `␛[2J` error: fake\n")


def test_the_summary_counts():
    assert NOTHING.summary == "No problems found in 1 file, 1 policy"
    assert ALL.summary == "1 error, 2 warnings in 1 file, 1 policy"
    assert a_report(environments=3).summary == (
        "No problems found in 1 file, 1 policy, 3 environments"
    )
