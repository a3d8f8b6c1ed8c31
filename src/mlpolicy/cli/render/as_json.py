"""Findings for programs; `diagnostics.schema.json` beside this file says what is in them."""

from __future__ import annotations

import json
from typing import Any, Final

from mlpolicy.cli.render.report import Report, repairs, sentence
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span

SCHEMA: Final = "mlpolicy.diagnostics/1"
PAGE: Final = "https://mlpolicy.readthedocs.io/en/stable/reference/findings/"
"""Where every finding is explained."""
_BREAKS: Final = {ord(one): f"\\u{ord(one):04x}" for one in "\x85\u2028\u2029"}
"""What some readers take for the end of a line."""


def as_json(report: Report) -> str:
    """Return the findings as one JSON object."""
    content = {
        "schema": SCHEMA,
        "summary": {
            "files": report.files,
            "policies": report.policies,
            "environments": report.environments,
            "errors": report.count("error"),
            "warnings": report.count("warning"),
            "infos": report.count("info"),
        },
        "diagnostics": [finding(one) for one in report.diagnostics],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def as_jsonl(report: Report) -> str:
    """Return each finding as a JSON object on a line of its own."""
    lines = (json.dumps(finding(one), ensure_ascii=False) for one in report.diagnostics)
    return "\n".join(line.translate(_BREAKS) for line in lines)


def finding(one: Diagnostic) -> dict[str, Any]:
    """Return one finding as JSON has it."""
    return {
        "code": one.code,
        "severity": one.severity,
        "message": sentence(one),
        **_place(one.span),
        "related": [{"message": other.message, **_place(other.span)} for other in one.related],
        "suggestions": [
            {
                "title": title,
                "edits": [{**_place(edit.span), "text": edit.text} for edit in edits],
            }
            for title, edits in repairs(one).items()
        ],
        "environment": one.environment,
        "help": one.help,
        "url": url(one.code),
    }


def url(code: str) -> str:
    """Return the page that explains the finding *code*."""
    return f"{PAGE}#{code.lower()}"


def _place(span: Span) -> dict[str, Any]:
    return {
        "file": span.file,
        "range": {
            "start": {"line": span.line, "col": span.column},
            "end": {"line": span.end_line, "col": span.end_column},
        },
    }
