"""What to do about a syntax error, in words for people."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"found character .*that cannot start any token")
_TABS = "indent with spaces, not tabs"
_ESCAPES = "use single quotes, in which a backslash is a backslash"
_DIRECTIVE = "leave out lines that begin with `%`: a policy file needs none"
_HINTS = (
    (
        "mapping values are not allowed",
        "quote a value that contains `: `, and check the indentation",
    ),
    ("could not find expected ':'", "a key needs a colon and a space after it"),
    ("did not find expected '-' indicator", "items of one list begin in one column"),
    ("did not find expected node content", "check for a stray comma, bracket or tab"),
    ("found unexpected end of stream", "a quote or a bracket is not closed"),
    ("found unexpected document indicator", "a quote or a bracket is not closed"),
    ("did not find expected ',' or '}'", "separate entries with commas, and close the `}`"),
    ("did not find expected ',' or ']'", "separate items with commas, and close the `]`"),
    (
        "did not find expected comment or line break",
        "quote a value that starts with `>` or `|`, or write its text on the lines below",
    ),
    ("found undefined tag handle", "quote a value that starts with `!`"),
    ("found unknown escape character", _ESCAPES),
    ("did not find expected hexdecimal number", _ESCAPES),
    ("found invalid Unicode character escape code", _ESCAPES),
    ("expected <document start>", "a file is one mapping: what stands above is complete already"),
    ("directive", _DIRECTIVE),
    ("incompatible YAML document", _DIRECTIVE),
    ("block scalar", "write the text on the lines below `|` or `>`, indented by spaces"),
)


def hint(problem: str, context: str, *, line: str, column: int) -> str:
    """Return the remedy for the parser's *problem* and *context*; nothing if none is known.

    Args:
        problem: What the parser found.
        context: What it was doing.
        line: The line in which it found that.
        column: Where in the line, from 1.
    """
    indent = line[: len(line) - len(line.lstrip())]
    if _SPECIAL.search(problem):
        return _of_sign(line, column)
    if "\t" in indent:
        return _TABS
    if "alias" in context or "anchor" in context:
        return _of_name(line, column)
    if "did not find expected key" in problem:
        return _of_key(line, column)
    known = (remedy for sign, remedy in _HINTS if sign in problem or sign in context)
    in_braces = "'}'" in problem and "${" in line
    return "quote a value with `${...}` inside `{...}`" if in_braces else next(known, "")


def _of_sign(line: str, column: int) -> str:
    """Return the remedy for a sign with which no value begins."""
    sign = line[column - 1 : column]
    if "\t" in line[:column] and not line[: column - 1].strip():
        return _TABS
    if sign == "%" and line[column - 2 : column - 1] == "{":
        return "write policies out: templates are not run"
    return f"quote a value that starts with `{sign}`"


def _of_name(line: str, column: int) -> str:
    """Return the remedy for a `*` or a `&` that names nothing."""
    if line[column - 1 : column + 1] == "* ":
        return "an item of a list begins with a dash: `- `"
    return f"quote a value that starts with `{line[column - 1 : column]}`"


def _of_key(line: str, column: int) -> str:
    """Return the remedy where something follows what is complete already."""
    before = line[: column - 1].rstrip()
    if line[column - 1 : column] in ("]", "}"):
        return f"this `{line[column - 1]}` closes nothing: take it out"
    if before.endswith(("'", '"')):
        return "a value ends with its second quote: quote all of it, or nothing"
    return "check the indentation, and that quotes and brackets are closed"
