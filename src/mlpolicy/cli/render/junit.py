"""Findings as JUnit has them: a test case for each file, a failure for each error in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as Xml

from mlpolicy.cli.render.report import Report, in_a_line, sentence
from mlpolicy.core.diagnostic import Diagnostic

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML file may hold, not even escaped."""


def junit(report: Report) -> str:
    """Return the findings as a JUnit report."""
    files = sorted({*report.lines, *(one.span.file for one in report.diagnostics)})
    cases = [_case(file, report) for file in files]
    suite = Xml.Element("testsuite", _totals(cases) | {"name": "mlpolicy", "skipped": "0"})
    suite.extend(cases)
    top = Xml.Element("testsuites", _totals(cases) | {"name": "mlpolicy"})
    top.append(suite)
    Xml.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(top, encoding="unicode")


def _totals(cases: list[Xml.Element]) -> dict[str, str]:
    failed = sum(case.find("failure") is not None for case in cases)
    return {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "time": "0"}


def _case(file: str, report: Report) -> Xml.Element:
    case = Xml.Element(
        "testcase",
        {"classname": "mlpolicy", "name": _clean(file), "file": _clean(file), "time": "0"},
    )
    found = [one for one in report.diagnostics if one.span.file == file]
    for one in filter(report.fails, found):
        facts = {"type": one.code, "message": _clean(sentence(one))}
        Xml.SubElement(case, "failure", facts).text = _clean("\n".join(_told(one)))
    mild = [line for one in found if not report.fails(one) for line in _told(one)]
    if mild:
        Xml.SubElement(case, "system-out").text = _clean("\n".join(mild))
    return case


def _told(one: Diagnostic) -> Iterator[str]:
    yield in_a_line(one)
    if one.environment:
        yield f"  environment: {one.environment}"
    for other in one.related:
        yield f"  {other.span}: {other.message}"


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
