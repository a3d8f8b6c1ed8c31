"""Findings as JUnit has them: a test case for each file, a failure for each error in it."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as Xml

from mlpolicy.cli.render.report import Report, in_a_line, sentence
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.junit import document, element


def junit(report: Report) -> str:
    """Return the findings as a JUnit report."""
    files = sorted({*report.lines, *(one.span.file for one in report.diagnostics)})
    cases = [_case(file, report) for file in files]
    failed = sum(case.find("failure") is not None for case in cases)
    return document("mlpolicy", cases, failures=failed)


def _case(file: str, report: Report) -> Xml.Element:
    case = element("testcase", classname="mlpolicy", name=file, file=file, time="0")
    found = [one for one in report.diagnostics if one.span.file == file]
    for one in filter(report.fails, found):
        text = "\n".join(_told(one))
        case.append(element("failure", text, type=one.code, message=sentence(one)))
    mild = [line for one in found if not report.fails(one) for line in _told(one)]
    if mild:
        case.append(element("system-out", "\n".join(mild)))
    return case


def _told(one: Diagnostic) -> Iterator[str]:
    yield in_a_line(one)
    if one.environment:
        yield f"  environment: {one.environment}"
    for other in one.related:
        yield f"  {other.span}: {other.message}"
