"""Findings for GitLab: a code quality report."""

from __future__ import annotations

import json
from typing import Final

from mlpolicy.cli.render.checkout import checkout, fingerprints, in_checkout
from mlpolicy.cli.render.report import Report, sentence

_GRAVITY: Final = {"error": "major", "warning": "minor", "info": "info"}


def gitlab(report: Report) -> str:
    """Return the findings as a code quality report."""
    root, content = checkout(), []
    for finding, name in zip(report.diagnostics, fingerprints(report, root), strict=True):
        span = finding.span
        where = f" (environment {finding.environment})" if finding.environment else ""
        remedy = f" ({finding.help})" if finding.help else ""
        lines = {"begin": span.line, "end": span.end_line}
        content.append(
            {
                "description": f"{sentence(finding)}{where}{remedy}",
                "check_name": finding.code,
                "fingerprint": name,
                "severity": _GRAVITY[finding.severity],
                "location": {"path": in_checkout(span.file, root), "lines": lines},
            }
        )
    return json.dumps(content, indent=2, ensure_ascii=False)
