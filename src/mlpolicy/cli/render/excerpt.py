"""The line that a finding is about, as a terminal shows it, with carets under the mistake."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

WIDEST: Final = 160
"""How many cells of a line are shown."""
_TAB: Final = 4
_CUT: Final = "…"
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the direction of text: a line could be shown other than it is read."""


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
        texts.append(" " * tab if tab else _picture(character))
        widths.append(tab or _cells(texts[-1]))
        column += widths[-1]
    first = min(first, len(texts))
    while 0 < first < len(texts) and widths[first] == 0:
        first -= 1  # a mark stands over the character before it
    start, stop = _window(widths, first)
    head, tail = _CUT if start else "", _CUT if stop < len(texts) else ""
    lead = len(head) + sum(widths[start:first])
    carets = " " * lead + "^" * max(1, sum(widths[first : min(last, stop)]))
    return f"{head}{''.join(texts[start:stop])}{tail}", carets


def _cells(character: str) -> int:
    """Return how wide *character* is; a picture of several is as wide as all of them."""
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
