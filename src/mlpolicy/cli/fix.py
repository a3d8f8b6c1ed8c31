"""Repairs written into the files: those that say the same thing in the right words."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from mlpolicy.cli import exits
from mlpolicy.cli.render.report import Report, repairs
from mlpolicy.cli.render.save import save
from mlpolicy.cli.streams import tell
from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.words import many
from mlpolicy.document.parse import parse
from mlpolicy.plan.survey.installed import is_installed

SAFE = frozenset(
    {
        *("MP005", "MP009", "MP010", "MP091", "MP101", "MP105", "MP110", "MP130", "MP202", "MP204"),
        *("MP301", "MP308", "MP406", "MP407", "MP507", "MP603", "MP702"),
    }
)
"""Codes with one right answer, which the author has almost written."""


def fixed(report: Report) -> bool:
    """Write every safe repair of *report* into its file; return whether there was any."""
    by_file: dict[str, list[list[Suggestion]]] = {}
    for one in report.diagnostics:
        edits = _edits(one)
        file = edits[0].span.file if edits else ""
        if edits and not is_installed(Path(file)) and not _overlaps(edits, by_file.get(file, ())):
            by_file.setdefault(file, []).append(edits)
    done = {file: _mended(Path(file), repairs) for file, repairs in by_file.items()}
    count, files = sum(done.values()), sum(map(bool, done.values()))
    if count:
        tell(f"mended {many(count, 'finding')} in {many(files, 'file')}")
    return bool(count)


def _mended(path: Path, repairs: list[list[Suggestion]]) -> int:
    """Write *repairs* into the file at *path*, but none that makes a key stand there twice."""
    try:
        text = path.read_bytes().decode("utf-8")
        before = _doubled(text)
        if _doubled(_applied(text, chain(*repairs))) > before:
            kept: list[list[Suggestion]] = []
            for one in repairs:
                if _doubled(_applied(text, chain(*kept, one))) <= before:
                    kept.append(one)
            repairs = kept
        if repairs:
            save(_applied(text, chain(*repairs)).encode("utf-8"), path)
    except OSError as error:
        exits.stop(f"`{path}` cannot be written: {error.strerror or error}")
    return len(repairs)


def _doubled(text: str) -> int:
    return sum(one.code == "MP004" for one in parse(text, file="").diagnostics)


def _edits(one: Diagnostic) -> list[Suggestion]:
    """Return the edits of the one repair that a finding has; none where there is a choice."""
    offered = repairs(one)
    if one.code not in SAFE or len(offered) != 1:
        return []
    return next(iter(offered.values()))


def _overlaps(edits: Iterable[Suggestion], others: Iterable[list[Suggestion]]) -> bool:
    return any(
        _begin(edit) < _end(other) and _begin(other) < _end(edit)
        for edit in edits
        for other in chain(*others)
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
