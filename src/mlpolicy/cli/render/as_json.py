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


def as_json(report: Report) -> str:
    """Return the findings as one JSON object."""
    summary = {name: getattr(report, name) for name in ("files", "policies", "environments")}
    summary |= {f"{severity}s": report.count(severity) for severity in ("error", "warning", "info")}
    diagnostics = list(map(finding, report.diagnostics))
    content = {"schema": SCHEMA, "summary": summary, "diagnostics": diagnostics}
    return json.dumps(content, indent=2, ensure_ascii=False)


def finding(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one finding as JSON has it."""
    suggestions = [
        {"title": title, "edits": [{**_place(edit.span), "text": edit.text} for edit in edits]}
        for title, edits in repairs(diagnostic).items()
    ]
    related = [{"message": other.message, **_place(other.span)} for other in diagnostic.related]
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": sentence(diagnostic),
        **_place(diagnostic.span),
        "related": related,
        "suggestions": suggestions,
        "environment": diagnostic.environment,
        "help": diagnostic.help,
        "url": url(diagnostic.code),
    }


def url(code: str) -> str:
    """Return the page that explains the finding *code*."""
    return f"{PAGE}#{code.lower()}"


def _place(span: Span) -> dict[str, Any]:
    start = {"line": span.line, "col": span.column}
    end = {"line": span.end_line, "col": span.end_column}
    return {"file": span.file, "range": {"start": start, "end": end}}
