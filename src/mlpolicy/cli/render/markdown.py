"""Findings as a table for a pull request."""

from __future__ import annotations

import re
from typing import Final

from mlpolicy.cli.render.as_json import url
from mlpolicy.cli.render.report import Report, sentence
from mlpolicy.cli.render.text import visible
from mlpolicy.core.diagnostic import Diagnostic

_MARK: Final = {"error": "❌", "warning": "⚠️", "info": "ℹ️"}
_CODE: Final = re.compile(r"(?<!`)(`[^`]+`)(?!`)")
_SPECIAL: Final = re.compile(r"([\\`*_~\[\]<>#!|&$])")
_BAR: Final = re.compile(r"(\\*)\|")
_MOST: Final = 500
"""Rows of a table: GitHub drops a summary of more than 1 MiB whole."""


def markdown(report: Report) -> str:
    """Return the findings as a table."""
    mark = "❌" if report.failed else "⚠️" if report.count("warning") else "✅"
    lines = [f"### {mark} mlpolicy: {report.summary}"]
    if report.diagnostics:
        lines += ["", "| | Finding | Place | What is wrong |", "|---|---|---|---|"]
        lines += map(_row, report.diagnostics[:_MOST])
    if len(report.diagnostics) > _MOST:
        left = len(report.diagnostics) - _MOST
        lines += ["", f"{left} more: run `mlpolicy validate` to see them all."]
    return "\n".join(lines)


def _row(finding: Diagnostic) -> str:
    parts = [cell(sentence(finding))]
    if finding.environment:
        parts.append(f"Environment: {cell(finding.environment)}")
    parts += [f"{cell(other.message)}: {code(str(other.span))}" for other in finding.related]
    if finding.help:
        parts.append(f"**Help:** {cell(finding.help)}")
    grade = f'<span title="{finding.severity}">{_MARK[finding.severity]}</span>'
    name = f"[{finding.code}]({url(finding.code)})"
    return f"| {grade} | {name} | {code(finding.span.place)} | {'<br>'.join(parts)} |"


def cell(text: str) -> str:
    """Return *text* with its `code` kept as code, and everything else as plain words."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(
        code(part[1:-1]) if number % 2 else _SPECIAL.sub(r"\\\1", visible(part))
        for number, part in enumerate(parts)
    )


def code(text: str) -> str:
    """Return *text* as code; a table splits at a bar even there, unless it is escaped."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return _BAR.sub(_barred, f"{fence}{pad}{visible(text)}{pad}{fence}")


def _barred(bar: re.Match[str]) -> str:
    """Return a bar behind an odd number of backslashes: behind an even one it would split."""
    before = bar[1]
    return f"{before}\\{before[len(before) // 2 * 2 :]}|"
