"""The line that a finding is about, as a terminal shows it, with carets under the mistake."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

WIDEST: Final = 160
"""How many cells of a line are shown."""
_TAB: Final = 4
_CUT: Final = "…"
_JOINER: Final = "\N{ZERO WIDTH JOINER}"
_AS_EMOJI: Final = "\N{VARIATION SELECTOR-16}"
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_INNER_JAMO: Final = range(0x1160, 0x1200)
"""Vowels and finals of Korean, drawn into the cell of the consonant before them."""
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
    pieces = list(_pieces(line))
    widths = [width for _, width in pieces]
    first = min(first, len(pieces))
    while 0 < first < len(pieces) and widths[first] == 0:
        first -= 1  # a mark stands over the character before it
    start, stop = _window(widths, first)
    head, tail = _CUT if start else "", _CUT if stop < len(pieces) else ""
    shown = "".join(text for text, _ in pieces[start:stop])
    lead = len(head) + sum(widths[start:first])
    return f"{head}{shown}{tail}", " " * lead + "^" * max(1, sum(widths[first : min(last, stop)]))


def _pieces(line: str) -> Iterator[tuple[str, int]]:
    """Yield, for each code point of *line*, what to print and how many cells that takes."""
    column, before = 0, ""
    for index, character in enumerate(line):
        text = _picture(character)
        width = _cells(text, before=before, after=line[index + 1 : index + 2])
        if character == "\t":
            width = _TAB - column % _TAB
            text = " " * width
        yield text, width
        column, before = column + width, character


def _cells(character: str, *, before: str, after: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} or ord(character) in _INNER_JAMO:
        return 0
    width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
    if width == 2 and (before == _JOINER or (before and ord(character) in _SKIN_TONES)):
        return 0  # a part of the picture before it
    return 2 if after == _AS_EMOJI and not character.isalpha() else width


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
