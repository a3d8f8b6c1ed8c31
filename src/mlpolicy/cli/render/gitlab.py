"""Findings for GitLab: a code quality report."""

from __future__ import annotations

import json
from typing import Final

from mlpolicy.cli.render.checkout import checkout, in_checkout
from mlpolicy.cli.render.fingerprint import fingerprints
from mlpolicy.cli.render.report import Report, sentence
from mlpolicy.core.diagnostic import Diagnostic

_GRAVITY: Final = {"error": "major", "warning": "minor", "info": "info"}


def gitlab(report: Report) -> str:
    """Return the findings as a code quality report."""
    root = checkout()
    content = [
        {
            "description": _description(one),
            "check_name": one.code,
            "fingerprint": fingerprint,
            "severity": _GRAVITY[one.severity],
            "location": {
                "path": in_checkout(one.span.file, root),
                "lines": {"begin": one.span.line, "end": one.span.end_line},
            },
        }
        for one, fingerprint in zip(report.diagnostics, fingerprints(report, root), strict=True)
    ]
    return json.dumps(content, indent=2, ensure_ascii=False)


def _description(one: Diagnostic) -> str:
    where = f" (environment {one.environment})" if one.environment else ""
    remedy = f" ({one.help})" if one.help else ""
    return f"{sentence(one)}{where}{remedy}"
