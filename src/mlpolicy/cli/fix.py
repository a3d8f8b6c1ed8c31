"""Repairs written into the files: those that say the same thing in the right words."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from mlpolicy.cli.render.report import Report, repairs
from mlpolicy.cli.render.save import save
from mlpolicy.core.diagnostic import Diagnostic, Suggestion

SAFE = frozenset(
    {
        *("MP005", "MP010", "MP091", "MP101", "MP105", "MP130", "MP202", "MP204"),
        *("MP301", "MP308", "MP406", "MP407", "MP507", "MP603", "MP702"),
    }
)
"""Codes with one right answer, which the author has almost written."""


def fixed(report: Report) -> bool:
    """Write every safe repair of *report* into its file; return whether there was any."""
    by_file: dict[str, list[Suggestion]] = {}
    done = 0
    for one in report.diagnostics:
        edits = _edits(one)
        if edits and not _overlaps(edits, by_file):
            done += 1
            for edit in edits:
                by_file.setdefault(edit.span.file, []).append(edit)
    for file, edits in by_file.items():
        path = Path(file)
        save(_applied(path.read_bytes().decode("utf-8"), edits).encode("utf-8"), path)
    if done:
        click.echo(f"mended {done} findings in {len(by_file)} files", err=True)
    return bool(done)


def _edits(one: Diagnostic) -> list[Suggestion]:
    """Return the edits of the one repair that a finding has; none where there is a choice."""
    offered = repairs(one)
    if one.code not in SAFE or len(offered) != 1:
        return []
    return next(iter(offered.values()))


def _overlaps(edits: Iterable[Suggestion], by_file: dict[str, list[Suggestion]]) -> bool:
    return any(
        _begin(edit) < _end(other) and _begin(other) < _end(edit)
        for edit in edits
        for other in by_file.get(edit.span.file, ())
    )


def _begin(edit: Suggestion) -> tuple[int, int]:
    return edit.span.line, edit.span.column


def _end(edit: Suggestion) -> tuple[int, int]:
    return edit.span.end_line, edit.span.end_column


def _applied(text: str, edits: Iterable[Suggestion]) -> str:
    """Return *text* with *edits*, from the last to the first; all else stays byte by byte."""
    lines = text.splitlines(keepends=True)
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for edit in sorted(edits, key=_begin, reverse=True):
        begin = starts[edit.span.line - 1] + edit.span.column - 1
        end = starts[edit.span.end_line - 1] + edit.span.end_column - 1
        shift = len(mark) if edit.span.line == 1 else 0
        end_shift = len(mark) if edit.span.end_line == 1 else 0
        text = text[: begin + shift] + edit.text + text[end + end_shift :]
    return text
