"""Files and text become documents: bounded, located, and never an exception for bad content."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.document.compose import Composer, OutOfBounds
from mlpolicy.document.node import Node, Origin
from mlpolicy.document.syntax import syntax

LARGEST = 1024 * 1024
"""Bytes."""

_Parser: Any = getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader
_REFUSALS = (yaml.YAMLError, ValueError, OverflowError)
"""Without libyaml an escape or a version number out of range is a plain ValueError."""
_BREAK = re.compile("\r\n|[\r\n]")
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
    text: str
    """What it holds; nothing where that is no text."""
    root: Node | None
    diagnostics: tuple[Diagnostic, ...]

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines of its text, without their ends."""
        return tuple(_BREAK.split(self.text)) if self.text else ()


def read(path: Path) -> Document:
    """Return the document in the file at *path*."""
    file = str(path)
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # (one that cannot be searched says so)
        if not path.is_file():
            return _unreadable(file, "not a file" if path.exists() else "does not exist")
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        return _unreadable(file, error.strerror or str(error))
    return parse(content, file=file)


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
    except OutOfBounds as error:
        found = [*found, error.diagnostic]
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
