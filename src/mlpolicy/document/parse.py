"""Files and text become documents: bounded, located, and never an exception for bad content."""

from __future__ import annotations

import codecs
import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.document.compose import Composer, OutOfBounds
from mlpolicy.document.node import Mapping, Node, Origin

LARGEST = 1024 * 1024
"""Bytes."""

_SECTION = re.compile(
    r"""^(?:{ *)?["']?(?:version["']?\s*:\s*1\b(?!\.)|(?:policies|profiles)["']?\s*:)""", re.M
)
"""What tells a policy, or a test of one, from other files."""
_Parser: Any = getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader
_REFUSALS = (yaml.YAMLError, ValueError, OverflowError)
"""Without libyaml an escape or a version number out of range is a plain ValueError."""
_BREAK = re.compile("\r\n|[\r\n]")
_LETTER = re.compile("[^\r\n]")
_OTHER = (
    ("UTF-32", (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)),
    ("UTF-16", (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)
"""Encodings with the marks that begin them."""
_REFUSED = re.compile(
    "[^\t\n\r -~\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML has no place for, and what is read otherwise than it is shown: ends of lines that most
editors do not know, and marks that turn the direction of text."""
_PRINTABLE = b"\t\n\r" + bytes(range(ord(" "), ord("~") + 1))
_NO_SPACE = re.compile(
    "^ *(?:- +)*(?:[\\w.:-]+:)?([\xa0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000])", re.M
)
"""What looks like indentation, or like the space behind a key."""


def libyaml() -> bool:
    """Whether files are parsed in C."""
    return hasattr(yaml, "CSafeLoader")


@dataclass(eq=False)
class Document:
    """One file: its nodes as far as they could be read, and what is wrong with it."""

    file: str
    text: str = field(repr=False)
    """What it holds; nothing where that is no text."""
    root: Node | None = field(repr=False)
    diagnostics: tuple[Diagnostic, ...]
    place: str = ""
    """Where the file that was read lies, whatever links led to it."""

    def __getattr__(self, name: str) -> Any:
        """Return nodes that were let go: they are read anew each time."""
        if name != "root":
            raise AttributeError(f"{type(self).__name__} has no {name}")
        return parse(self.text, file=self.file).root

    def forget(self) -> None:
        """Let go of the nodes: they take thirty times as much as the text."""
        vars(self).pop("root", None)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of its text, without their ends."""
        return _lines_of(self.text) if self.text else ()


@lru_cache(4)
def _lines_of(text: str) -> tuple[str, ...]:
    return tuple(_BREAK.split(text))


def read(path: Path) -> Document:
    """Return the document in the file at *path*; of a file that is no policy, nothing is kept.

    What is looked at and what is read is one open file: its name may lead elsewhere any time.
    """
    file = str(path)
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # (one that cannot be searched says so)
        if not path.is_file():
            return _unreadable(file, "not a file" if path.exists() else "does not exist")
        with open(path, "rb", opener=_opened) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return _unreadable(file, "not a file")
            place = _lies_at(stream.fileno(), path)
            content = stream.read(LARGEST + 1) or b""  # (None: there is nothing yet)
    except OSError as error:
        return _unreadable(file, error.strerror or str(error))
    return replace(_without_strange(parse(content, file=file)), place=place)


def _opened(path: str, flags: int) -> int:
    """Open without waiting: a pipe may be where a file was."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _lies_at(descriptor: int, path: Path) -> str:
    """Return where an open file lies; nothing where its name leads to another by now."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # (no Linux)
        real = os.path.realpath(path)
        return real if os.path.samestat(os.fstat(descriptor), os.lstat(real)) else ""


def _without_strange(document: Document) -> Document:
    """Return *document*; where it is no policy and no test of one, without what it holds.

    A name in a policy may lead to anything, and what is found there is shown to everybody.
    """
    root, found = document.root, document.diagnostics
    version = root.get("version") if isinstance(root, Mapping) else None
    is_ours = not document.text or (root is None and found and _SECTION.search(document.text))
    if isinstance(root, Mapping):
        is_first = getattr(version, "text", None) in ("1", "1.0", "")
        is_ours = is_first or not {"policies", "profiles"}.isdisjoint(root.index)
    if is_ours:
        return document
    if root is not None or found:
        code = "MP003" if isinstance(root, Mapping) else "MP010"
        span = version.span if version else Span(document.file)
        code, span = (code, span) if root else (found[0].code, found[0].span)
        text = "this is not a policy file: expected a mapping with `version: 1` and `policies`"
        help = "begin with `version: 1`; nothing of other files is shown"
        found = (Diagnostic(code, text, span, help=help),)
    return Document(document.file, _LETTER.sub(" ", document.text), None, found)


def parse(text: str | bytes, *, file: str) -> Document:
    """Return the document that *text* is; *file* is how places are called."""
    if len(text) > LARGEST:
        return _unreadable(file, f"larger than {LARGEST // 1024**2} MiB")
    if isinstance(text, bytes):
        content = text
        for encoding, marks in _OTHER:
            if content.startswith(marks):
                return _unreadable(file, f"the file is {encoding}; save it as UTF-8")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            before = content[: error.start].decode("utf-8", errors="replace")
            return _unreadable(file, "not UTF-8 text", _place(file, before))
    text = text.removeprefix("\ufeff")
    odd = _odd(file, text)
    if odd is not None:
        return Document(file, text, None, (odd,))
    composer, root = Composer(Origin(file, text)), None
    found = composer.diagnostics
    try:
        # The parser keeps its state on the heap, however deep the text is.
        root = composer.compose(_Parser(text).get_event)
    except OutOfBounds:
        pass  # the last finding says so
    except _REFUSALS as error:
        # What has no value may have lost it to the mistake.
        found = [finding for finding in found if finding.code != "MP009"]
        found.append(syntax(file, _BREAK.split(text), error))
    return Document(file, text, root, tuple(found))


def _odd(file: str, text: str) -> Diagnostic | None:
    """Return the finding for a character that no policy may hold as it is."""
    if text.isascii() and not text.encode().translate(None, _PRINTABLE):
        return None  # as most are, and this is quick
    refused = _REFUSED.search(text)
    found = refused or (None if text.isascii() else _NO_SPACE.search(text))
    if found is None:
        return None
    character = found[found.lastindex or 0]
    number = f"{ord(character):04X}"
    name = unicodedata.name(character, "")
    shown = f"character U+{number} ({name})" if name else f"character U+{number}"
    if refused is None:
        message, help = f"{shown} is no space to YAML", "write a space"
    elif character == "\0":
        message = "a null byte: this is no text, or text in UTF-16 or UTF-32"
        help = "save it as UTF-8"
    else:
        message = f"{shown} is not allowed in a policy file"
        help = f"leave it out; a value in double quotes may say `\\u{number}`"
    return Diagnostic("MP001", message, _place(file, text[: found.end() - 1]), help=help)


def _place(file: str, before: str) -> Span:
    """Return the place of the character behind the text *before*."""
    lines = _BREAK.split(before)
    line, column = len(lines), len(lines[-1]) + 1
    return Span(file, line, column, line, column + 1)


def _unreadable(file: str, reason: str, span: Span | None = None) -> Document:
    finding = Diagnostic("MP001", f"`{file}`: {reason}", span or Span(file))
    return Document(file, "", None, (finding,))


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
        return _at(file, lines, _mark(error, context, lines), "nested too deeply", code="MP001")
    line, column = _mark(error, context, lines)
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


def _mark(error: Any, context: str, lines: Sequence[str]) -> tuple[int, int]:
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
