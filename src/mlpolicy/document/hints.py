"""What to do about a syntax error, and where, in words for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SPECIAL = re.compile(r"found character .*that cannot start any token|tab character")
_COLON = re.compile(r"mapping values are not allowed|could not find expected ':'")
_GLUED = re.compile(r"\s*(?:- +)*[^\s:#]+:(?=\S)")
# The two parsers, in C and in Python, say the same in different words.
_HINTS = tuple(
    (re.compile(sign), remedy)
    for sign, remedy in (
        (r"'-' indicator|block collection", "items of one list begin in one column"),
        (
            r"expected key|expected <block end>",
            "check the indentation, and that quotes and brackets are closed",
        ),
        (
            "sequence entries are not allowed",
            "begin a list on the line below its key, or write it in brackets",
        ),
        ("node content", "check for a stray comma or bracket; quote a value that starts with one"),
        ("',' or '}'", "separate entries with commas, and close the `}`"),
        ("',' or '\\]'", "separate items with commas, and close the `]`"),
        ("tag handle|tag URI|expected URI|parsing a tag", "quote a value that starts with `!`"),
        (
            "escape|hexdecimal|hexadecimal|chr\\(\\)",
            "use single quotes, in which a backslash is a backslash",
        ),
        ("block scalar", "text in a block begins on the line below its `|` or `>`"),
        (
            "incompatible YAML|directive|document start|version number|integer string",
            "leave out the line that starts with `%`",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a parser could not read."""

    problem: str
    """What it found."""
    context: str
    """What it was doing."""
    place: Place
    began: Place
    """Where what it was doing began."""


def remedy(trouble: Trouble, lines: Sequence[str]) -> tuple[str, Place]:
    """Return what to do, nothing if that is not known, and the place that is to blame."""
    line, at = _line(lines, trouble.place.line), trouble.place.column
    if _SPECIAL.search(trouble.problem):
        return _character(line, at), trouble.place
    if "alias" in trouble.context or "anchor" in trouble.context:
        sign = "*" if "alias" in trouble.context else "&"
        return f"quote a value that starts with `{sign}`", trouble.began
    if _COLON.search(trouble.problem):
        return _colon(trouble, lines)
    if "document indicator" in trouble.problem or "end of stream" in trouble.problem:
        return "the quote is not closed", trouble.began
    return _usual(trouble, line[: at - 1], line[at - 2 : at]), trouble.place


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if 1 <= number <= len(lines) else ""


def _character(line: str, at: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    found = line[at - 1 : at]
    if "\t" in indent or found == "\t":
        return "indent with spaces, not tabs"
    return f"quote a value that starts with `{found}`"


def _usual(trouble: Trouble, before: str, around: str) -> str:
    if "',' or" in trouble.problem and around == "${":
        return "quote a value with `${...}` inside `{...}` or `[...]`"
    if "parsing a block mapping" in trouble.context and before.strip():
        return "the value has ended before this: take this away, or quote the whole value"
    words = f"{trouble.problem} {trouble.context}"
    return next((text for sign, text in _HINTS if sign.search(words)), "")


def _colon(trouble: Trouble, lines: Sequence[str]) -> tuple[str, Place]:
    """Say which colon is wrong; a parser notices the one that is missing a line too late."""
    line, place = _line(lines, trouble.place.line), trouble.place
    if "could not find" in trouble.problem:
        return _unfinished(trouble.began.line, lines)
    if ": " in line[: place.column - 1]:
        return "quote a value that contains `: `", place
    above = _above(place.line, lines)
    if not above:
        return "a key needs a colon and a space after it", place
    written = _line(lines, above)
    if _indent(line) <= _indent(written):
        return _unfinished(above, lines)
    if ": " in written:
        return "the line above has a value already: check the indentation", place
    return "a key ends with a colon", Place(above, len(written.rstrip()) + 1)


def _unfinished(number: int, lines: Sequence[str]) -> tuple[str, Place]:
    line = _line(lines, number)
    glued = _GLUED.match(line)
    if glued:
        return "write a space after the colon", Place(number, glued.end())
    return "a key needs a colon and a space after it", Place(number, len(line.rstrip()) + 1)


def _above(number: int, lines: Sequence[str]) -> int:
    """Return the number of the last line before *number* that says anything, 0 if none does."""
    for above in range(min(number, len(lines) + 1) - 1, 0, -1):
        if lines[above - 1].strip() and not lines[above - 1].lstrip().startswith("#"):
            return above
    return 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
