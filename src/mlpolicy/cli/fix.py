"""Repairs written into the files: those of which nobody could want another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlpolicy.cli import exits
from mlpolicy.cli.files import save
from mlpolicy.cli.render.report import Report, repairs
from mlpolicy.core.diagnostic import Suggestion
from mlpolicy.document.parse import parse
from mlpolicy.source import is_installed


def fixed(report: Report) -> dict[str, int]:
    """Write every safe repair of *report* into its file; return how many were made in each file."""
    edits_of: dict[str, list[Suggestion]] = {}
    made: dict[str, int] = {}
    for finding in report.diagnostics:
        offered = list(repairs(finding).values())
        if len(offered) != 1 or not all(edit.safe for edit in offered[0]):
            continue
        file = offered[0][0].span.file
        before = edits_of.setdefault(file, [])
        taken = any(_overlap(edit, other) for edit in offered[0] for other in before)
        if not taken and not is_installed(Path(file)):
            before += offered[0]
            made[file] = made.get(file, 0) + 1
    return {file: count for file, count in made.items() if _write(Path(file), edits_of[file])}


def _overlap(edit: Suggestion, other: Suggestion) -> bool:
    one, two = edit.span, other.span
    begins = (one.line, one.column) < (two.end_line, two.end_column)
    return begins and (two.line, two.column) < (one.end_line, one.end_column)


def _write(path: Path, edits: Sequence[Suggestion]) -> bool:
    """Write *edits* into the file at *path*; all else stays byte by byte.

    A file that could be read worse with them than without stays as it is.
    """
    try:
        old = path.read_bytes().decode("utf-8")
    except OSError as error:
        exits.stop(f"`{path}` cannot be read: {error.strerror or error}")
    new = _edited(old, edits)
    if len(parse(new, file="").diagnostics) > len(parse(old, file="").diagnostics):
        return False
    save(new.encode("utf-8"), path)
    return True


def _edited(text: str, edits: Sequence[Suggestion]) -> str:
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    starts = [len(mark)]
    for line in text.removeprefix(mark).splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        begin = starts[edit.span.line - 1] + edit.span.column - 1
        end = starts[edit.span.end_line - 1] + edit.span.end_column - 1
        text = text[:begin] + edit.text + text[end:]
    return text
