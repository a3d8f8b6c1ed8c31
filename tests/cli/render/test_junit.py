"""A JUnit report is XML whatever the files hold."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.cli.render.formats import junit
from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic
from tests.cli.render.conftest import ALL, MISSING, WARNED, a_report, at


def read(report):
    return Xml.fromstring(junit(report).encode("utf-8"))


def test_a_file_is_a_case_and_an_error_a_failure():
    other = Diagnostic("MP005", "unknown key", at(4, 5, 9))
    report = Report(
        (MISSING, other, WARNED), dict.fromkeys(("serving.yaml", "right.yaml")), files=2
    )

    top = read(report)

    cases = {case.get("name"): case for case in top.iter("testcase")}
    assert list(cases) == ["right.yaml", "serving.yaml"]
    assert [one.get("type") for one in cases["serving.yaml"].iter("failure")] == ["MP301", "MP005"]
    assert list(cases["right.yaml"]) == []
    for suite in (top, top.find("testsuite")):
        assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")


def test_a_failure_says_where_and_what_to_do():
    failure = next(read(a_report(MISSING)).iter("failure"))

    assert failure.get("message") == f"{MISSING.message}: {MISSING.label}"
    assert failure.text.splitlines() == [
        f"serving.yaml:3:3: error[MP301] {MISSING.message}: {MISSING.label} ({MISSING.help})",
        "  src/recsys/serve.py:41:5: `predict` is defined here",
    ]


def test_what_does_not_fail_is_output():
    case = next(read(ALL).iter("testcase"))

    assert len(case.findall("failure")) == 1
    assert [line.split("]")[0] for line in case.find("system-out").text.splitlines()] == [
        "serving.yaml:4:12: warning[MP608",
        "serving.yaml:5:12: warning[MP102",
        "  environment: prod",
        "serving.yaml:5:5: info[MP906",
    ]


def test_a_warning_fails_where_the_command_fails_for_it():
    case = next(read(a_report(WARNED, fail_on="warning")).iter("testcase"))

    assert [one.get("type") for one in case.iter("failure")] == ["MP608"]


def test_a_case_without_a_file_of_its_own_is_there():
    lost = Diagnostic("MP001", "unreadable", at(1, 1, 1, file="lost.yaml"))

    assert [one.get("name") for one in read(Report((lost,))).iter("testcase")] == ["lost.yaml"]


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_text_is_valid_xml(message, file):
    found = Diagnostic("MP005", message, at(1, 1, 2, file=file), help=message)

    assert len(list(read(Report((found,))).iter("failure"))) == 1


def test_control_characters_are_replaced():
    found = Diagnostic("MP002", "a\x00b\x1b\ufffe\ud800 <&> ]]>", at(1, 1, 2))

    assert next(read(a_report(found)).iter("failure")).get("message") == "a�b��� <&> ]]>"
