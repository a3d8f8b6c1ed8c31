"""Findings for people: an excerpt, carets under the mistake, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.span import Span

_COLOUR = {"error": "red", "warning": "yellow", "info": "cyan"}
_WIDEST = 160


def text(report: Report) -> str:
    """Return every finding with its excerpt, and a line that sums up."""
    blocks = ["\n".join(_finding(one, report)) for one in report.diagnostics]
    return "\n\n".join([*blocks, summary(report)])


def concise(report: Report) -> str:
    """Return one line for each finding."""
    return "\n".join([*(str(one) for one in report.diagnostics), summary(report)])


def summary(report: Report) -> str:
    """Return what was found in how much."""
    scope = f"{_many(report.files, 'file')}, {_many(report.policies, 'policy', 'policies')}"
    counts = [
        _many(report.count(severity), severity)
        for severity in ("error", "warning")
        if report.count(severity)
    ]
    found = ", ".join(counts) or "No problems found"
    return f"{found} in {scope}"


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count} {one if count == 1 else more or one + 's'}"


def _finding(one: Diagnostic, report: Report) -> Iterator[str]:
    grade = click.style(f"{one.severity}[{one.code}]", fg=_COLOUR[one.severity], bold=True)
    yield f"{grade} {click.style(one.message, bold=True)}"
    width = len(str(max([one.span.line, *(other.span.line for other in one.related)])))
    yield from _place("-->", one.span, width)
    yield from _excerpt(one.span, one.label, report, width)
    for related in one.related:
        yield from _related(related, report, width)
    pad = " " * width
    if one.help:
        yield f"{pad} {_dim('=')} help: {one.help}"
    yield f"{pad} {_dim('=')} more: mlpolicy explain {one.code}"


def _place(arrow: str, span: Span, width: int) -> Iterator[str]:
    yield f"{' ' * width}{_dim(arrow)} {span}"


def _related(related: Related, report: Report, width: int) -> Iterator[str]:
    yield from _place(":::", related.span, width)
    yield from _excerpt(related.span, related.message, report, width)


def _excerpt(span: Span, label: str, report: Report, width: int) -> Iterator[str]:
    lines = report.lines.get(span.file, ())
    pad = " " * width
    if not 1 <= span.line <= len(lines):
        if label:
            yield f"{pad} {_dim('=')} {label}"
        return
    line = lines[span.line - 1].replace("\t", " ")
    end = span.end_column if span.end_line == span.line else len(line) + 1
    long = max(1, min(end, len(line) + 1) - span.column)
    start = max(0, span.column - _WIDEST // 2) if len(line) > _WIDEST else 0
    long = min(long, _WIDEST)
    yield f"{pad} {_dim('|')}"
    yield f"{_dim(str(span.line).rjust(width))} {_dim('|')} {line[start : start + _WIDEST]}"
    carets = " " * (span.column - 1 - start) + "^" * long
    yield f"{pad} {_dim('|')} {click.style(carets, fg='red')} {label}".rstrip()


def _dim(text: str) -> str:
    return click.style(text, fg="blue")
