"""Findings as JUnit has them: a test case for each file, a failure for each error in it."""

from __future__ import annotations

from mlpolicy.cli.render.report import Report, in_a_line, remarks, sentence
from mlpolicy.core.junit import document, element


def junit(report: Report) -> str:
    """Return the findings as a JUnit report."""
    files = {*report.lines, *(finding.span.file for finding in report.diagnostics)}
    cases = {
        file: element("testcase", classname="mlpolicy", name=file, file=file, time="0")
        for file in sorted(files)
    }
    mild: dict[str, list[str]] = {}
    for finding in report.diagnostics:
        file, lines = finding.span.file, [in_a_line(finding), *remarks(finding)]
        if report.fails(finding):
            facts = {"type": finding.code, "message": sentence(finding)}
            cases[file].append(element("failure", "\n  ".join(lines), **facts))
        else:
            mild.setdefault(file, []).append("\n  ".join(lines))
    for file, texts in mild.items():
        cases[file].append(element("system-out", "\n".join(texts)))
    failures = sum(case.find("failure") is not None for case in cases.values())
    return document("mlpolicy", list(cases.values()), failures=failures)
