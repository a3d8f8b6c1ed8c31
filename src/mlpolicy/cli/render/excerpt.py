"""The line that a finding is about, with carets under the mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mlpolicy.cli.render.cells import pieces

WIDEST: Final = 160
"""How many cells of a line are shown."""
_CUT: Final = "…"


def excerpt(line: str, first: int, last: int) -> tuple[str, str]:
    """Return *line* as a terminal shows it, and carets under its code points *first* to *last*.

    Both count from 0, the end exclusive; a line that is too wide is cut around the carets.
    """
    found = list(pieces(line))
    widths = [wide for _, wide in found]
    first = min(first, len(found))
    while 0 < first < len(found) and widths[first] == 0:
        first -= 1  # a mark stands over the character before it
    start, stop = _window(widths, first)
    head, tail = _CUT if start else "", _CUT if stop < len(found) else ""
    shown = "".join(text for text, _ in found[start:stop])
    lead = len(head) + sum(widths[start:first])
    return f"{head}{shown}{tail}", " " * lead + "^" * max(1, sum(widths[first : min(last, stop)]))


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
