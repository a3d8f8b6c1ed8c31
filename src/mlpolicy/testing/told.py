"""Results in words, as JSON and as JUnit: the fields that differ, and where each was set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from mlpolicy.core.junit import document, element
from mlpolicy.testing.judge import Difference
from mlpolicy.testing.run import Result


def lines(result: Result) -> Iterator[str]:
    """Yield what to tell of a test that failed."""
    yield f"FAILED {result.case.span.place} {result.case.name}"
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
    failed = sum(not one.passed for one in results)
    return document("mlpolicy.test", cases, failures=failed, errors=len(errors))


def _case(result: Result) -> Xml.Element:
    span = result.case.span
    case = element(
        "testcase",
        classname=span.file,
        name=result.case.name,
        file=span.file,
        line=str(span.line),
        time="0",
    )
    if not result.passed:
        first = result.differences[0]
        message = f"{first.field}: expected {first.expected}, found {first.found}"
        case.append(element("failure", "\n".join(lines(result)), message=message))
    return case


def _broken(file: str, text: str) -> Xml.Element:
    case = element("testcase", classname=file, name="read", file=file, time="0")
    case.append(element("error", text, message=text.partition("\n")[0]))
    return case
