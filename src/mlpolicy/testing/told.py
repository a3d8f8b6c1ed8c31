"""Results in words, as JSON and as JUnit: the fields that differ, and where each was set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from mlpolicy.testing.judge import Difference
from mlpolicy.testing.run import Result

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def lines(result: Result) -> Iterator[str]:
    """Yield what to tell of a test that failed."""
    span = result.case.span
    yield f"FAILED {span.file}:{span.line} {result.case.name}"
    wide = max((len(one.field) for one in result.differences), default=0)
    for one in result.differences:
        yield from _difference(one, wide)
    for text in result.said:
        yield f"  said: {text}"


def _difference(one: Difference, wide: int) -> Iterator[str]:
    pad = " " * wide
    yield f"  {one.field:<{wide}}  expected {one.expected}"
    yield f"  {pad}  found    {one.found}"
    if one.where:
        yield f"  {pad}  set at   {one.where}"
    if one.note:
        yield f"  {pad}  {one.note}"


def as_json(result: Result) -> dict[str, Any]:
    """Return a result as plain values."""
    return {
        "file": result.case.span.file,
        "line": result.case.span.line,
        "name": result.case.name,
        "outcome": "passed" if result.passed else "failed",
        "differences": [
            {
                "field": one.field,
                "expected": one.expected,
                "found": one.found,
                "set_at": one.where,
                "note": one.note,
            }
            for one in result.differences
        ],
        "said": list(result.said),
    }


def junit(results: Sequence[Result], errors: Sequence[tuple[str, str]]) -> str:
    """Return a report for build servers; *errors* are files that cannot be run, and why."""
    cases = [_case(result) for result in results]
    cases += (_broken(file, text) for file, text in errors)
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(not one.passed for one in results)),
        "errors": str(len(errors)),
        "time": "0",
    }
    suite = Xml.Element("testsuite", {"name": "mlpolicy.test", "skipped": "0", **totals})
    suite.extend(cases)
    top = Xml.Element("testsuites", {"name": "mlpolicy.test", **totals})
    top.append(suite)
    Xml.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(top, encoding="unicode")


def _case(result: Result) -> Xml.Element:
    span = result.case.span
    case = Xml.Element(
        "testcase",
        {
            "classname": _clean(span.file),
            "name": _clean(result.case.name),
            "file": _clean(span.file),
            "line": str(span.line),
            "time": "0",
        },
    )
    if not result.passed:
        first = result.differences[0]
        message = f"{first.field}: expected {first.expected}, found {first.found}"
        failure = Xml.SubElement(case, "failure", {"message": _clean(message)})
        failure.text = _clean("\n".join(lines(result)))
    return case


def _broken(file: str, text: str) -> Xml.Element:
    facts = {"classname": _clean(file), "name": "read", "file": _clean(file), "time": "0"}
    case = Xml.Element("testcase", facts)
    error = Xml.SubElement(case, "error", {"message": _clean(text.partition("\n")[0])})
    error.text = _clean(text)
    return case


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
