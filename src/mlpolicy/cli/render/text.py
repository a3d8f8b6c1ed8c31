"""Findings for people: an excerpt, carets under the mistake, and the remedy."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import click

from mlpolicy.cli.render.report import Report, repairs
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.report import masked
from mlpolicy.core.span import Span

WIDEST: Final = 160
"""How many cells of a line are shown."""
_TAB: Final = 4
_COLOUR: Final = {"error": "red", "warning": "yellow", "info": "cyan"}
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the direction of text: a line could be shown other than it is read."""


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
    notes = [f"environment: {finding.environment}"] if finding.environment else []
    notes += [f"help: {help}" for help in ([finding.help] if finding.help else repairs(finding))]
    for note in (*notes, f"more: mlpolicy explain {finding.code}"):
        yield f"{margin} {_dim('=')} {_line(note)}"


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


# --- a line as a terminal shows it ----------------------------------------------------


def visible(text: str) -> str:
    """Return *text* with what would steer a terminal, or reorder the line, in a form to be seen."""
    return text if text.isprintable() else "".join(map(_picture, text))


def _picture(character: str) -> str:
    number = ord(character)
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if character in _TURNING or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
        return "\N{REPLACEMENT CHARACTER}"
    return character


def excerpt(line: str, first: int, last: int) -> tuple[str, str]:
    """Return *line* as a terminal shows it, and carets under its code points *first* to *last*.

    Both count from 0, the end exclusive; a line that is too wide is cut around the carets.
    """
    texts: list[str] = []
    widths: list[int] = []
    column = 0
    for character in line:
        tab = _TAB - column % _TAB if character == "\t" else 0
        texts.append(" " * tab or _picture(character))
        widths.append(tab or _cells(texts[-1]))
        column += widths[-1]
    first = min(first, len(texts))
    while 0 < first < len(texts) and widths[first] == 0:
        first -= 1  # a mark stands over the character before it
    start, stop = _window(widths, first)
    head, tail = "…" if start else "", "…" if stop < len(texts) else ""
    lead = " " * (len(head) + sum(widths[start:first]))
    carets = "^" * max(1, sum(widths[first : min(last, stop)]))
    return f"{head}{''.join(texts[start:stop])}{tail}", lead + carets


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _window(widths: Sequence[int], first: int) -> tuple[int, int]:
    """Return which code points are shown: all, or as many as fit on both sides of *first*."""
    if sum(widths) <= WIDEST:
        return 0, len(widths)
    start, room = first, WIDEST // 2
    while start > 0 and widths[start - 1] <= room:
        start -= 1
        room -= widths[start]
    stop, room = start, WIDEST
    while stop < len(widths) and widths[stop] <= room:
        room -= widths[stop]
        stop += 1
    return start, stop
