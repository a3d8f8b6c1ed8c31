"""Findings as JUnit has them: a test case for each file, a failure for each error in it."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from mlpolicy.cli.render.report import Report, in_a_line, sentence
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.junit import document, element


def junit(report: Report) -> str:
    """Return the findings as a JUnit report."""
    files = sorted({*report.lines, *(finding.span.file for finding in report.diagnostics)})
    cases = [_case(file, report) for file in files]
    failed = sum(case.find("failure") is not None for case in cases)
    return document("mlpolicy", cases, failures=failed)


def _case(file: str, report: Report) -> Xml.Element:
    case = element("testcase", classname="mlpolicy", name=file, file=file, time="0")
    mild: list[str] = []
    for finding in report.diagnostics:
        if finding.span.file != file:
            continue
        if report.fails(finding):
            text = _text(finding)
            case.append(element("failure", text, type=finding.code, message=sentence(finding)))
        else:
            mild.append(_text(finding))
    if mild:
        case.append(element("system-out", "\n".join(mild)))
    return case


def _text(finding: Diagnostic) -> str:
    lines = [in_a_line(finding)]
    if finding.environment:
        lines.append(f"  environment: {finding.environment}")
    lines += [f"  {related.span}: {related.message}" for related in finding.related]
    return "\n".join(lines)
