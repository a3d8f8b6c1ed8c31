"""What people see: findings with an excerpt and carets under the mistake, and tables."""

from __future__ import annotations

import io
import shutil
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Final

import click

from mlpolicy.cli.render.report import Report, repairs, visible
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.report import masked
from mlpolicy.core.span import Span

WIDEST: Final = 160
"""How many cells of a line are shown."""
_TAB: Final = 4
_COLOUR: Final = {"error": "red", "warning": "yellow", "info": "cyan"}
_OF_STATES: Final = {
    **dict.fromkeys(("applied", "ok"), "green"),
    **dict.fromkeys(("bypassed", "fail", "missing", "unwrappable"), "red"),
    "note": "cyan",
}
_dim = partial(click.style, fg="blue")


def text(report: Report) -> str:
    """Return every finding with its excerpt."""
    return "\n\n".join(findings(report))


def findings(report: Report) -> Iterator[str]:
    """Yield every finding with its excerpt."""
    for finding in report.diagnostics:
        yield "\n".join(_finding(finding, report))


def _finding(finding: Diagnostic, report: Report) -> Iterator[str]:
    colour = _COLOUR[finding.severity]
    grade = click.style(f"{finding.severity}[{finding.code}]", fg=colour, bold=True)
    yield f"{grade} {click.style(_line(finding.message), bold=True)}"
    places = [("-->", finding.span, finding.label, colour)]
    places += [(":::", related.span, related.message, "blue") for related in finding.related]
    margin = " " * len(str(max(span.line for _, span, _, _ in places)))
    for arrow, span, label, ink in places:
        if arrow == ":::":
            yield f"{margin} {_dim('|')}"
        painted = click.style(_line(label), fg=ink) if label else ""
        place = f"{margin}{_dim(arrow)} {visible(str(span))}"
        lines = report.lines(span.file)
        if 1 <= span.line <= len(lines):
            yield place
            yield from _excerpt(
                span,
                painted,
                masked(lines[span.line - 1], report.secrets),
                margin,
            )
        else:
            yield f"{place}   {painted}".rstrip()
    notes = [f"environment: {finding.environment}"] if finding.environment else []
    notes += [f"help: {help}" for help in ([finding.help] if finding.help else repairs(finding))]
    for note in (*notes, f"more: mlpolicy explain {finding.code}"):
        yield f"{margin} {_dim('=')} {_line(note)}"


def _excerpt(span: Span, label: str, line: str, margin: str) -> Iterator[str]:
    last = span.end_column - 1 if span.end_line == span.line else len(line)
    shown, carets = excerpt(line, span.column - 1, last)
    yield f"{margin} {_dim('|')}"
    yield f"{_dim(str(span.line).rjust(len(margin)))} {_dim('|')} {shown}".rstrip()
    yield f"{margin} {_dim('|')} {click.style(carets, fg='red')} {label}".rstrip()


def _line(text: str) -> str:
    return visible(" ".join(text.splitlines()))


def excerpt(line: str, first: int, last: int) -> tuple[str, str]:
    """Return *line* as a terminal shows it, and carets under its code points *first* to *last*.

    Both count from 0, the end exclusive; a line that is too wide is cut around the carets.
    """
    texts, ends = _laid_out(line)
    first, start, stop = min(first, len(texts)), 0, len(texts)
    while 0 < first < stop and ends[first] == ends[first + 1]:
        first -= 1  # a mark stands over the character before it
    if ends[-1] > WIDEST:  # as much as fits on both sides
        start = bisect_left(ends, ends[first] - WIDEST // 2)
        stop = bisect_right(ends, ends[start] + WIDEST) - 1
    head, tail = "…" if start else "", "…" if stop < len(texts) else ""
    lead = " " * (len(head) + ends[first] - ends[start])
    carets = "^" * max(1, ends[min(last, stop)] - ends[first])
    return f"{head}{''.join(texts[start:stop])}{tail}", lead + carets


@lru_cache(4)
def _laid_out(line: str) -> tuple[list[str], list[int]]:
    """Return the characters of *line* as they are shown, and the cell at which each begins."""
    texts: list[str] = []
    ends = [0]
    for character in line:
        tab = _TAB - ends[-1] % _TAB if character == "\t" else 0
        texts.append(" " * tab or visible(character))
        ends.append(ends[-1] + (tab or _cells(texts[-1])))
    return texts, ends


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, terminal: bool, colour: bool | None
) -> str:
    """Return a table with *head* over *rows*; nothing is cut where nobody looks at a *terminal*.

    The first word of a state is coloured.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, header_style="bold", pad_edge=False)
    for title in head:
        made.add_column(title, overflow="fold", no_wrap=not terminal)
    for row in rows:
        # A cell is shown as it is: `[…]` in it is not markup.
        cells = [Text(visible(cell)) for cell in row]
        for title, cell in zip(head, cells, strict=True):
            if title in ("STATUS", "STATE"):
                word = cell.plain.partition(" ")[0]
                cell.stylize(_OF_STATES.get(word, "yellow"), 0, len(word))
        made.add_row(*cells)
    console = Console(
        file=io.StringIO(),
        width=shutil.get_terminal_size().columns if terminal else 800,
        soft_wrap=not terminal,
        highlight=False,
        color_system="standard",
        force_terminal=terminal if colour is None else colour,
    )
    with console.capture() as printed:
        console.print(made)
    return "\n".join(line.rstrip() for line in printed.get().splitlines())
