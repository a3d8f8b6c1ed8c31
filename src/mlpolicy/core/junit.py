"""Reports as build servers read them: JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as Xml

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML file may hold, not even escaped."""


def element(tag: str, text: str | None = None, **facts: str) -> Xml.Element:
    """Return an element with those attributes; what no XML may hold is replaced."""
    made = Xml.Element(tag, {name: _clean(fact) for name, fact in facts.items()})
    made.text = None if text is None else _clean(text)
    return made


def document(name: str, cases: Sequence[Xml.Element], *, failures: int, errors: int = 0) -> str:
    """Return the report of one suite of *cases*, of which so many failed or could not be run."""
    totals = {"tests": len(cases), "failures": failures, "errors": errors, "time": 0}
    facts = {key: str(count) for key, count in totals.items()} | {"name": name}
    suite = element("testsuite", **facts, skipped="0")
    suite.extend(cases)
    top = element("testsuites", **facts)
    top.append(suite)
    Xml.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(top, encoding="unicode")


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
