"""How wide text is in a terminal, and what of it must not reach one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

TAB: Final = 4
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


def pieces(line: str) -> Iterator[tuple[str, int]]:
    """Return, for each code point of *line*, what to print and how many cells that takes."""
    at, before = 0, ""
    for index, character in enumerate(line):
        after = line[index + 1 : index + 2]
        if character == "\t":
            wide = TAB - at % TAB
            yield " " * wide, wide
        else:
            shown = _picture(character)
            wide = _cells(shown, before=before, after=after)
            yield shown, wide
        at, before = at + wide, character


def _cells(character: str, *, before: str, after: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} or ord(character) in _INNER_JAMO:
        return 0
    wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
    if wide == 2 and (before == _JOINER or (before and ord(character) in _SKIN_TONES)):
        return 0  # a part of the picture before it
    return 2 if after == _AS_EMOJI and not character.isalpha() else wide


def _picture(character: str) -> str:
    number = ord(character)
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if character in _TURNING or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
        return "\N{REPLACEMENT CHARACTER}"
    return character
