"""Findings as a table for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mlpolicy.cli.render.as_json import url
from mlpolicy.cli.render.cells import visible
from mlpolicy.cli.render.report import Report, sentence
from mlpolicy.cli.render.text import summary
from mlpolicy.core.diagnostic import Diagnostic

_MARK: Final = {"error": "❌", "warning": "⚠️", "info": "ℹ️"}
_CODE: Final = re.compile(r"(?<!`)(`[^`]+`)(?!`)")
_SPECIAL: Final = re.compile(r"([\\`*_~\[\]<>#!|&$])")
_BAR: Final = re.compile(r"(\\*)\|")
_ROOM_TO_END: Final = 200


def markdown(report: Report, *, most: int | None = None) -> str:
    """Return the findings as a table, of at most *most* bytes if that is said."""
    mark = "❌" if report.failed else "⚠️" if report.count("warning") else "✅"
    head = f"### {mark} mlpolicy: {summary(report)}"
    if not report.diagnostics:
        return head
    rows = [_row(one) for one in report.diagnostics]
    lines = [head, "", "| | Finding | Place | What is wrong |", "|---|---|---|---|"]
    room = None if most is None else most - _size(lines) - _ROOM_TO_END
    shown = rows if room is None else list(_fitting(rows, room))
    left = len(rows) - len(shown)
    end = ["", f"{left} more: run `mlpolicy validate` to see them all."] if left else []
    return "\n".join([*lines, *shown, *end])


def _fitting(rows: list[str], room: int) -> Iterator[str]:
    for row in rows:
        room -= _size([row])
        if room < 0:
            return
        yield row


def _size(lines: list[str]) -> int:
    return sum(len(line.encode(errors="replace")) + 1 for line in lines)


def _row(one: Diagnostic) -> str:
    parts = [_cell(sentence(one))]
    if one.environment:
        parts.append(f"Environment: {_cell(one.environment)}")
    parts += [f"{_cell(other.message)}: {_code(str(other.span))}" for other in one.related]
    if one.help:
        parts.append(f"**Help:** {_cell(one.help)}")
    grade = f'<span title="{one.severity}">{_MARK[one.severity]}</span>'
    finding = f"[{one.code}]({url(one.code)})"
    return f"| {grade} | {finding} | {_code(one.span.place)} | {'<br>'.join(parts)} |"


def _cell(text: str) -> str:
    """Return *text* with its `code` kept as code, and everything else as plain words."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(_code(part[1:-1]) if nth % 2 else _words(part) for nth, part in enumerate(parts))


def _words(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", visible(text))


def _code(text: str) -> str:
    """Return *text* as code; a table splits at a bar even there, unless it is escaped."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return _BAR.sub(_barred, f"{fence}{pad}{visible(text)}{pad}{fence}")


def _barred(found: re.Match[str]) -> str:
    """Return a bar behind an odd number of backslashes: behind an even one it would split."""
    before = found[1]
    return f"{before}\\{before[len(before) // 2 * 2 :]}|"
