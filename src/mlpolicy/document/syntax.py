"""What is wrong with a text that is no YAML: where the mistake is, not where the parser noticed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.document.hints import hint

_CONFLICT = re.compile(r"(?:<{7}|>{7})(?: |$)")
_BARE = re.compile(r"\s*(?:- +)*(?P<key>(?P<name>[\w.-]+)(?::(?P<rest>\S*[^\s:]))?)\s*(?:#.*)?")
_SAID = re.compile(r"\s*(?:- +)*(?P<key>[A-Za-z][\w.-]*)(?: *= *| +)(?P<rest>[^\s#=].*)")
"""A key and its value with nothing, or a `=`, between."""
_OPENED = re.compile(r"\s*(?:- +)*(?P<key>[A-Za-z][\w.-]*)(?:(?P<colon>:)| +)(?P<rest>[{\[].*)")
"""A key and a block or a list, with nothing between or too little."""
_WORD = re.compile(r" *[\w.-]+")
_PAIR = re.compile(r"\s*(?:- +)*[^\s#].*: +[^\s#]")


def syntax(file: str, lines: Sequence[str], error: Any, *, quote: Any = None) -> Diagnostic:
    """Return the finding for what the parser could not read.

    Args:
        file: How the place is called.
        lines: The text.
        error: What the parser raised.
        quote: Where a quoted value begins that ends, lines below, right before the mistake.
    """
    conflict = next((at for at, line in enumerate(lines) if _CONFLICT.match(line)), None)
    if conflict is not None:
        help = "keep one side, and take out the lines with `<<<<<<<`, `=======` and `>>>>>>>`"
        return _at(file, lines, (conflict, 0), "a merge conflict is not resolved", help=help)
    problem = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    marks = [_place(getattr(error, one, None)) for one in ("problem_mark", "context_mark")]
    if quote is not None and "did not find expected" in problem:
        text = f"the quote that opens here closes in line {(marks[0] or (0, 0))[0] + 1}"
        help = "close it where its value ends, and double a quote that belongs to the value"
        return _at(file, lines, _place(quote) or (0, 0), text, help=help)
    if marks[1] and _is_of_context(marks[0], marks[1], context, lines):
        marks.reverse()
    line, column = marks[0] or marks[1] or (0, 0)
    found = _without_colon(file, lines, (line, column), f"{problem} {context}")
    if found is not None:
        return found
    written = lines[line] if line < len(lines) else ""
    help = hint(problem, context, line=written, column=column + 1)
    if "flow" in context and marks[0] != _place(getattr(error, "problem_mark", None)):
        help = (
            f"close the `{written[column : column + 1]}`, or separate what stands in it by commas"
        )
    elif (
        "flow" in context and marks[1] and line != marks[1][0] and _WORD.fullmatch(written[:column])
    ):
        column = _indent(written)  # the comma is missing before the word, not behind it
    message = f"{problem} {context}".strip()
    if "nesting depth" in problem:  # (newer parsers have a bound of their own, below ours)
        place = _at(file, lines, (line, column), "nested too deeply", help="")
        return replace(place, code="MP001")
    return _at(file, lines, (line, column), message, help=help)


def _place(mark: Any) -> tuple[int, int] | None:
    return None if mark is None else (mark.line, mark.column)


def _at(
    file: str,
    lines: Sequence[str],
    place: tuple[int, int],
    message: str,
    *,
    help: str,
    wide: int = 1,
) -> Diagnostic:
    """Return a finding at *place*, from 0; behind the end it is at the end of the last words."""
    line, column = place
    while line and (line >= len(lines) or not lines[line]):
        line, column = line - 1, len(lines[line - 1]) if line <= len(lines) else 0
    span = Span(file, line + 1, column + 1, line + 1, column + 1 + wide)
    return Diagnostic("MP002", message, span, help=help)


def _is_of_context(
    problem: tuple[int, int] | None, context: tuple[int, int], words: str, lines: Sequence[str]
) -> bool:
    """Whether what is wrong is what the parser was about, not where it gave up."""
    if problem is None or any(one in words for one in ("alias", "anchor", "simple key")):
        return True  # the `*` that makes an alias of a value; the word that should be a key
    if "quoted scalar" in words:
        return problem[0] != context[0]
    if "flow" not in words or problem[0] == context[0]:
        return False
    if problem[0] >= len(lines) or not lines[problem[0]].strip():
        return True
    # What is not indented deeper than the line of the bracket does not stand within it.
    return _indent(lines[problem[0]]) <= _indent(lines[context[0]])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _without_colon(
    file: str, lines: Sequence[str], place: tuple[int, int], words: str
) -> Diagnostic | None:
    """Return the finding for a key without its colon, or the space behind that, or its column.

    The parser notices such a slip at the next key, for which *words* are those that it has.
    """
    line, column = place
    if line >= len(lines):
        return None
    opened = _opened(file, lines, line) if "mapping values" in words else None
    if opened is not None or ": " in lines[line][:column]:
        return opened
    begins = not lines[line][:column].strip()
    if "'-' indicator" in words or ("expected key" in words and begins):
        return (_dash if "indicator" in words else _level)(file, lines, line)
    if "simple key" in words or "mapping values" in words:
        return _word_or_pair(file, lines, line, line if begins else _above(lines, line))
    return None


def _opened(file: str, lines: Sequence[str], line: int) -> Diagnostic | None:
    """Return the finding for a key in *line* right before a block in braces, or a list."""
    said = _OPENED.match(lines[line])
    if said is None:
        return None
    colon = "a space after the colon" if said["colon"] else "a colon"
    help = f"write `{said['key']}: {said['rest']}`"
    place = (line, said.start("key"))
    return _at(
        file, lines, place, f"`{said['key']}` lacks {colon}", help=help, wide=len(said["key"])
    )


def _dash(file: str, lines: Sequence[str], line: int) -> Diagnostic | None:
    """Return the finding for a dash above *line* that no line of its column has besides."""
    indent, above = _indent(lines[line]), _above(lines, line)
    if _indent(lines[above]) != indent or not lines[above].lstrip().startswith("- "):
        return None
    if lines[_above(lines, above)].startswith("- ", indent):
        return None
    text, help = "a dash begins a list, and none follows below", "take the dash out"
    return _at(file, lines, (above, indent), text, help=help)


def _word_or_pair(file: str, lines: Sequence[str], line: int, above: int) -> Diagnostic | None:
    """Return the finding for a word *above* that should be a key, or for a *line* too far right."""
    indent = _indent(lines[line])
    bare = _BARE.fullmatch(lines[above])
    if bare is not None:
        below = next((one for one in lines[above + 1 :] if one.strip(" ")[:1] not in ("", "#")), "")
        return _bare(file, lines, above, bare, is_block=_indent(below) > bare.start("key"))
    said = _SAID.fullmatch(lines[above])
    if said and indent == said.start("key") and not _PAIR.match(lines[above]):
        text, help = f"`{said['key']}` lacks a colon", f"write `{said['key']}: {said['rest']}`"
        return _at(file, lines, (above, indent), text, help=help, wide=len(said["key"]))
    if above == line or indent <= _indent(lines[above]) or not _PAIR.match(lines[above]):
        return None
    if _is_odd(lines, above, line):
        return _out_of_line(file, lines, above)
    text = "this line is indented deeper than the one above, which has a value already"
    help = "begin both in one column, or take that value out"
    return _at(file, lines, (line, indent), text, help=help)


def _is_odd(lines: Sequence[str], above: int, line: int) -> bool:
    """Whether the line *above*, the first of its block, is indented as few are, and *line* is not."""
    each = [_indent(one) for one in lines if one.strip()]
    parent = _above(lines, above)
    if not lines[parent].rstrip().endswith(":") or parent == above:
        return False
    if _indent(lines[parent]) == _indent(lines[above]):
        return _indent(lines[above]) < _indent(lines[line])  # it stands beside its parent
    few = each.count(_indent(lines[above])) < each.count(_indent(lines[line]))
    return few and _indent(lines[parent]) < _indent(lines[above])


def _out_of_line(file: str, lines: Sequence[str], line: int) -> Diagnostic:
    text = "this line does not begin in the column of those below"
    help = "begin what belongs together in one column"
    return _at(file, lines, (line, _indent(lines[line])), text, help=help)


def _level(file: str, lines: Sequence[str], line: int) -> Diagnostic | None:
    """Return the finding for a word above *line*, in the same column, that should be a key."""
    above = _above(lines, line)
    if _indent(lines[line]) < _indent(lines[above]) and _is_odd(lines, above, line):
        return _out_of_line(file, lines, above)
    bare = _BARE.fullmatch(lines[above])
    if bare is None or not bare.start("key") == _indent(lines[above]) == _indent(lines[line]):
        return None
    return _bare(file, lines, above, bare, is_block=False)


def _above(lines: Sequence[str], line: int) -> int:
    """Return the nearest line above *line* that says something; the first if none does."""
    said = (at for at in range(line - 1, 0, -1) if lines[at].strip(" ")[:1] not in ("", "#"))
    return next(said, 0)


def _bare(
    file: str, lines: Sequence[str], line: int, bare: re.Match[str], *, is_block: bool
) -> Diagnostic:
    """Return the finding for a line that is a word; *is_block* if more stands below it."""
    key, rest = bare["key"], bare["rest"]
    text, help = f"`{key}` lacks a colon", f"write `{key}:`, and a space before a value"
    if rest and not is_block:
        text = f"`{key}` lacks a space after the colon"
        help = f"write `{bare['name']}: {rest}`"
    place = (line, bare.start("key"))
    return _at(file, lines, place, text, help=help, wide=len(key))
