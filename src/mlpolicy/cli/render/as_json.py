"""Findings for programs."""

from __future__ import annotations

import json
from typing import Any

from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span

SCHEMA = "mlpolicy.diagnostics/1"


def as_json(report: Report) -> str:
    """Return the findings as one JSON object."""
    content = {
        "schema": SCHEMA,
        "summary": {
            "files": report.files,
            "policies": report.policies,
            "errors": report.count("error"),
            "warnings": report.count("warning"),
            "infos": report.count("info"),
        },
        "diagnostics": [finding(one) for one in report.diagnostics],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def finding(one: Diagnostic) -> dict[str, Any]:
    """Return one finding as JSON has it."""
    return {
        "code": one.code,
        "severity": one.severity,
        "message": one.message,
        "file": one.span.file,
        "range": _range(one.span),
        "help": one.help,
        "related": [
            {"message": other.message, "file": other.span.file, "range": _range(other.span)}
            for other in one.related
        ],
        "suggestions": [
            {
                "title": other.title,
                "edits": [
                    {
                        "file": other.span.file,
                        "range": _range(other.span),
                        "text": other.text,
                    }
                ],
            }
            for other in one.suggestions
        ],
    }


def _range(span: Span) -> dict[str, dict[str, int]]:
    return {
        "start": {"line": span.line, "col": span.column},
        "end": {"line": span.end_line, "col": span.end_column},
    }
