"""Findings for people: an excerpt, carets under the mistake, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mlpolicy.cli.render.cells import visible
from mlpolicy.cli.render.excerpt import excerpt
from mlpolicy.cli.render.report import Report, in_a_line, repairs
from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.redact import masked
from mlpolicy.core.span import Span
from mlpolicy.core.words import many

_COLOUR = {"error": "red", "warning": "yellow", "info": "cyan"}


def text(report: Report) -> str:
    """Return every finding with its excerpt."""
    return "\n\n".join("\n".join(_finding(one, report)) for one in report.diagnostics)


def concise(report: Report) -> str:
    """Return one line for each finding."""
    return "\n".join(_line(in_a_line(one)) for one in report.diagnostics)


def summary(report: Report) -> str:
    """Return what was found in how much."""
    scope = [many(report.files, "file"), many(report.policies, "policy", "policies")]
    if report.environments:
        scope.append(many(report.environments, "environment"))
    counts = [
        many(report.count(severity), severity)
        for severity in ("error", "warning")
        if report.count(severity)
    ]
    found = ", ".join(counts) or "No problems found"
    return f"{found} in {', '.join(scope)}"


def _finding(one: Diagnostic, report: Report) -> Iterator[str]:
    colour = _COLOUR[one.severity]
    grade = click.style(f"{one.severity}[{one.code}]", fg=colour, bold=True)
    yield f"{grade} {click.style(_line(one.message), bold=True)}"
    width = len(str(max([one.span.line, *(other.span.line for other in one.related)])))
    yield _place("-->", one.span, width)
    yield from _excerpt(one.span, _painted(one.label, colour), report, width)
    for related in one.related:
        yield from _related(related, report, width)
    for word, remark in _remarks(one):
        yield f"{' ' * width} {_dim('=')} {word}: {remark}"


def _remarks(one: Diagnostic) -> Iterator[tuple[str, str]]:
    if one.environment:
        yield "environment", _line(one.environment)
    for remedy in [one.help] if one.help else repairs(one):
        yield "help", _line(remedy)
    yield "more", f"mlpolicy explain {one.code}"


def _place(arrow: str, span: Span, width: int) -> str:
    return f"{' ' * width}{_dim(arrow)} {visible(str(span))}"


def _related(related: Related, report: Report, width: int) -> Iterator[str]:
    label = _painted(related.message, "blue")
    yield f"{' ' * width} {_dim('|')}"
    if _has(report, related.span):
        yield _place(":::", related.span, width)
        yield from _excerpt(related.span, label, report, width)
    else:
        yield f"{_place(':::', related.span, width)}   {label}".rstrip()


def _excerpt(span: Span, label: str, report: Report, width: int) -> Iterator[str]:
    pad = f"{' ' * width} "
    if not _has(report, span):
        if label:
            yield f"{pad}{_dim('=')} {label}"
        return
    line = masked(report.lines[span.file][span.line - 1])
    last = span.end_column - 1 if span.end_line == span.line else len(line)
    shown, carets = excerpt(line, span.column - 1, last)
    yield f"{pad}{_dim('|')}"
    yield f"{_dim(str(span.line).rjust(width))} {_dim('|')} {shown}".rstrip()
    yield f"{pad}{_dim('|')} {click.style(carets, fg='red')} {label}".rstrip()


def _has(report: Report, span: Span) -> bool:
    return 1 <= span.line <= len(report.lines.get(span.file, ()))


def _line(text: str) -> str:
    return visible(" ".join(text.splitlines()))


def _painted(text: str, colour: str) -> str:
    return click.style(_line(text), fg=colour) if text else ""


def _dim(text: str) -> str:
    return click.style(text, fg="blue")
