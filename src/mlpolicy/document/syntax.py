"""What is wrong with a text that is not YAML: the parser's message, where to look, what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span

_CONFLICT = re.compile(r"(?:<{7}|>{7})(?: |$)")
_WORD = re.compile(
    r"\s*(?:- +)*(?P<key>[\w.-]+(?::\S*[^\s:])?)(?P<rest> +(?!.*: )(?:[^#].*)?[^:#])?\s*(?:#.*)?"
)
"""A line that is one word, or a word and a value: a key without its colon or the space behind."""
_HINTS = (
    ("cannot start any token", "quote a value that starts with `{sign}`"),
    ("alias", "quote a value that starts with `{sign}`"),
    ("anchor", "quote a value that starts with `{sign}`"),
    ("tag handle", "quote a value that starts with `!`"),
    ("mapping values are not allowed", "quote a value that contains `: `, check the indentation"),
    ("could not find expected ':'", "a key needs a colon and a space after it"),
    ("unexpected end of stream", "a quote or a bracket is not closed"),
    ("unexpected document indicator", "a quote or a bracket is not closed"),
    ("',' or", "separate entries with commas, and close the bracket"),
    ("escape", "use single quotes, in which a backslash is a backslash"),
    ("hexdecimal", "use single quotes, in which a backslash is a backslash"),
    ("expected key", "check the indentation, and that quotes and brackets are closed"),
    ("indicator", "check the indentation, and that quotes and brackets are closed"),
)


def syntax(file: str, lines: Sequence[str], error: Any) -> Diagnostic:
    """Return the finding for what the parser could not read: *error* is what it raised."""
    for number, text in enumerate(lines):
        if _CONFLICT.match(text):
            help = "keep one side, and take out the lines with `<<<<<<<`, `=======` and `>>>>>>>`"
            return _at(file, lines, (number, 0), "a merge conflict is not resolved", help=help)
    problem, context = (str(getattr(error, name, None) or "") for name in ("problem", "context"))
    message = f"{problem} {context}".strip() or str(error)
    if "nesting depth" in problem:  # (newer parsers have a bound of their own, below ours)
        return _at(file, lines, _place(error, context, lines), "nested too deeply", code="MP001")
    line, column = _place(error, context, lines)
    key = _without_colon(message, lines, line, column)
    if key is not None:
        at, column, name = key
        help = f"write `{name}: ...`: a key needs a colon and a space after it"
        return _at(file, lines, (at, column), f"`{name}` lacks a colon or a space", help=help)
    return _at(file, lines, (line, column), message, help=_hint(message, lines, line, column))


def _without_colon(
    message: str, lines: Sequence[str], line: int, column: int
) -> tuple[int, int, str] | None:
    """Return the place and the word of a key without its colon: the parser notices at the next."""
    if line >= len(lines) or ": " in lines[line][:column]:
        return None
    begins = not lines[line][:column].strip()
    is_level = "expected key" in message and begins
    if not (is_level or "simple key" in message or "mapping values" in message):
        return None
    above = (at for at in range(line - 1, 0, -1) if lines[at].strip(" ")[:1] not in ("", "#"))
    at = line if begins and not is_level else next(above, 0)
    word = _WORD.fullmatch(lines[at])
    indent = len(lines[line]) - len(lines[line].lstrip(" "))
    if word is None or ((is_level or word["rest"]) and word.start("key") != indent):
        return None
    return at, word.start("key"), word["key"].partition(":")[0]


def _hint(message: str, lines: Sequence[str], line: int, column: int) -> str:
    text = lines[line] if line < len(lines) else ""
    if "\t" in text[: column + 1] and not text[:column].strip():
        return "indent with spaces, not tabs"
    if "'}'" in message and "${" in text:
        return "quote a value with `${...}` inside `{...}`"
    found = next((help for sign, help in _HINTS if sign in message), "")
    return found.format(sign=text[column : column + 1])


def _place(error: Any, context: str, lines: Sequence[str]) -> tuple[int, int]:
    """Return the line and column to point at: where the parser gave up, or what it was reading."""
    gave_up: Any = getattr(error, "problem_mark", None)
    began: Any = getattr(error, "context_mark", None) or gave_up
    if gave_up is None:
        return (0, 0) if began is None else (began.line, began.column)
    is_open = "quoted scalar" in context or (
        "flow" in context and _is_behind(gave_up, began, lines)
    )
    is_word = any(word in context for word in ("alias", "anchor", "simple key"))
    mark = began if is_word or (is_open and began.line != gave_up.line) else gave_up
    return mark.line, mark.column


def _is_behind(gave_up: Any, began: Any, lines: Sequence[str]) -> bool:
    """Whether a bracket was left open: what follows is not indented deeper than its line."""
    behind: str = lines[int(gave_up.line)] if gave_up.line < len(lines) else ""
    if not behind.strip():
        return True
    bracket: str = lines[int(began.line)]
    return len(behind) - len(behind.lstrip(" ")) <= len(bracket) - len(bracket.lstrip(" "))


def _at(
    file: str,
    lines: Sequence[str],
    place: tuple[int, int],
    message: str,
    *,
    help: str = "",
    code: str = "MP002",
) -> Diagnostic:
    """Return a finding at a place, counted from 0; behind the end it is at the last words."""
    line, column = place
    while line and (line >= len(lines) or not lines[line]):
        line, column = line - 1, len(lines[line - 1]) if line <= len(lines) else 0
    span = Span(file, line + 1, column + 1, line + 1, column + 2)
    return Diagnostic(code, message, span, help=help)
