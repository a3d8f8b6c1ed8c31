"""What to do about a syntax error, in words for people."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"found character .*that cannot start any token")
_HINTS = (
    (
        "mapping values are not allowed",
        "quote a value that contains `: `, and check the indentation",
    ),
    ("could not find expected ':'", "a key needs a colon and a space after it"),
    ("did not find expected key", "check the indentation, and that quotes and brackets are closed"),
    ("did not find expected '-' indicator", "items of one list begin in one column"),
    ("did not find expected node content", "check for a stray comma, bracket or tab"),
    ("found unexpected end of stream", "a quote or a bracket is not closed"),
    ("did not find expected ',' or '}'", "separate entries with commas, and close the `}`"),
    ("did not find expected ',' or ']'", "separate items with commas, and close the `]`"),
    ("did not find expected comment or line break", "quote a value that starts with `>` or `|`"),
    ("found undefined tag handle", "quote a value that starts with `!`"),
    ("found unknown escape character", "use single quotes, in which a backslash is a backslash"),
)


def hint(problem: str, context: str, *, line: str, column: int) -> str:
    """Return the remedy for the parser's *problem* and *context*; nothing if none is known.

    Args:
        problem: What the parser found.
        context: What it was doing.
        line: The line in which it found that.
        column: Where in the line, from 1.
    """
    special = line[column - 1 : column] if _SPECIAL.search(problem) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or special == "\t":
        return "indent with spaces, not tabs"
    if special:
        return f"quote a value that starts with `{special}`"
    if "alias" in context or "anchor" in context:
        return "quote a value that starts with `*` or `&`"
    if "'}'" in problem and "${" in line:
        return "quote a value with `${...}` inside `{...}`"
    return next((remedy for sign, remedy in _HINTS if sign in problem), "")
