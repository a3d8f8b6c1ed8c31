"""A table for a pull request."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.cli.render.formats import markdown
from mlpolicy.core.diagnostic import Diagnostic
from tests.cli.render.conftest import ALL, IN_PROD, MISSING, NOTHING, WARNED, a_report, at

CELL = re.compile(r"\|((?:\\.|[^|\\])*)")
"""As GitHub splits a row: a backslash takes the next character with it."""


def cells(report):
    row = markdown(report).splitlines()[-1]
    return [one.strip() for one in CELL.findall(row)[:-1]]


def told(message):
    return cells(a_report(Diagnostic("MP005", message, at(1, 1, 2))))[3]


def test_a_finding_is_a_row():
    assert cells(a_report(MISSING)) == [
        '<span title="error">❌</span>',
        "[MP301](https://mlpolicy.readthedocs.io/en/stable/reference/findings/#mp301)",
        "`serving.yaml:3`",
        "target not found: `recsys.serve` has no function `predct`"
        "<br>`predict` is defined here: `src/recsys/serve.py:41:5`"
        "<br>**Help:** did you mean `recsys.serve:predict`?",
    ]


def test_the_environment_is_told():
    assert cells(a_report(IN_PROD))[3] == "ttl of 30 ms<br>Environment: prod"


@pytest.mark.parametrize(
    ("report", "head"),
    [
        (ALL, "### ❌ mlpolicy: 1 error, 2 warnings in 1 file, 1 policy"),
        (a_report(WARNED), "### ⚠️ mlpolicy: 1 warning in 1 file, 1 policy"),
        (a_report(WARNED, fail_on="warning"), "### ❌ mlpolicy: 1 warning in 1 file, 1 policy"),
        (NOTHING, "### ✅ mlpolicy: No problems found in 1 file, 1 policy"),
    ],
)
def test_the_head_sums_up(report, head):
    assert markdown(report).splitlines()[0] == head


def test_without_findings_there_is_no_table():
    assert "|" not in markdown(NOTHING)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a | b", r"a \| b"),
        ("`a | b`", r"`a \| b`"),
        (r"`a\|b` `a\\|b`", r"`a\\\|b` `a\\\|b`"),
        ("<img src=x>", r"\<img src=x\>"),
        ("`<img>` is code", "`<img>` is code"),
        ("*all* of [this](x)", r"\*all\* of \[this\](x)"),
        ("one ` alone", r"one \` alone"),
        ("two\n\nlines", "two lines"),
        ("&amp; a\\b", r"\&amp; a\\b"),
    ],
)
def test_a_message_is_words_and_code_and_no_markup(message, shown):
    assert told(message) == shown


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_message_is_one_row_of_four_cells(message):
    report = a_report(Diagnostic("MP005", message, at(1, 1, 2)))

    assert len(markdown(report).split("\n")) == 5
    assert len(cells(report)) == 4


def test_a_file_with_a_backtick_is_code_still():
    assert cells(a_report(Diagnostic("MP005", "x", at(1, 1, 2, file="a`b"))))[2] == "``a`b:1``"
