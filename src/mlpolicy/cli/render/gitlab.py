"""Findings for GitLab: a code quality report."""

from __future__ import annotations

import json
from typing import Final

from mlpolicy.cli.render.checkout import checkout, fingerprints, in_checkout
from mlpolicy.cli.render.report import Report, sentence
from mlpolicy.core.diagnostic import Diagnostic

_GRAVITY: Final = {"error": "major", "warning": "minor", "info": "info"}


def gitlab(report: Report) -> str:
    """Return the findings as a code quality report."""
    root = checkout()
    content = [
        {
            "description": _description(finding),
            "check_name": finding.code,
            "fingerprint": fingerprint,
            "severity": _GRAVITY[finding.severity],
            "location": {
                "path": in_checkout(finding.span.file, root),
                "lines": {"begin": finding.span.line, "end": finding.span.end_line},
            },
        }
        for finding, fingerprint in zip(report.diagnostics, fingerprints(report, root), strict=True)
    ]
    return json.dumps(content, indent=2, ensure_ascii=False)


def _description(finding: Diagnostic) -> str:
    where = f" (environment {finding.environment})" if finding.environment else ""
    remedy = f" ({finding.help})" if finding.help else ""
    return f"{sentence(finding)}{where}{remedy}"
