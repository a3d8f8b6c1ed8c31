"""Findings for people: an excerpt, carets under the mistake, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mlpolicy.cli.render.excerpt import excerpt, visible
from mlpolicy.cli.render.report import Report, repairs
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.redact import masked
from mlpolicy.core.span import Span

_COLOUR = {"error": "red", "warning": "yellow", "info": "cyan"}


def text(report: Report) -> str:
    """Return every finding with its excerpt."""
    return "\n\n".join("\n".join(_finding(finding, report)) for finding in report.diagnostics)


def _finding(finding: Diagnostic, report: Report) -> Iterator[str]:
    colour = _COLOUR[finding.severity]
    grade = click.style(f"{finding.severity}[{finding.code}]", fg=colour, bold=True)
    yield f"{grade} {click.style(_line(finding.message), bold=True)}"
    spans = [finding.span, *(related.span for related in finding.related)]
    margin = " " * len(str(max(span.line for span in spans)))
    yield f"{margin}{_dim('-->')} {visible(str(finding.span))}"
    label = _painted(finding.label, colour)
    if _has(report, finding.span):
        yield from _excerpt(finding.span, label, report, margin)
    elif label:
        yield f"{margin} {_dim('=')} {label}"
    for related in finding.related:
        place, label = visible(str(related.span)), _painted(related.message, "blue")
        yield f"{margin} {_dim('|')}"
        if _has(report, related.span):
            yield f"{margin}{_dim(':::')} {place}"
            yield from _excerpt(related.span, label, report, margin)
        else:
            yield f"{margin}{_dim(':::')} {place}   {label}".rstrip()
    for word, remark in _remarks(finding):
        yield f"{margin} {_dim('=')} {word}: {remark}"


def _remarks(finding: Diagnostic) -> Iterator[tuple[str, str]]:
    if finding.environment:
        yield "environment", _line(finding.environment)
    for remedy in [finding.help] if finding.help else repairs(finding):
        yield "help", _line(remedy)
    yield "more", f"mlpolicy explain {finding.code}"


def _excerpt(span: Span, label: str, report: Report, margin: str) -> Iterator[str]:
    line = masked(report.lines[span.file][span.line - 1])
    last = span.end_column - 1 if span.end_line == span.line else len(line)
    shown, carets = excerpt(line, span.column - 1, last)
    yield f"{margin} {_dim('|')}"
    yield f"{_dim(str(span.line).rjust(len(margin)))} {_dim('|')} {shown}".rstrip()
    yield f"{margin} {_dim('|')} {click.style(carets, fg='red')} {label}".rstrip()


def _has(report: Report, span: Span) -> bool:
    return 1 <= span.line <= len(report.lines.get(span.file, ()))


def _line(text: str) -> str:
    return visible(" ".join(text.splitlines()))


def _painted(text: str, colour: str) -> str:
    return click.style(_line(text), fg=colour) if text else ""


def _dim(text: str) -> str:
    return click.style(text, fg="blue")
