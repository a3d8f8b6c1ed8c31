"""Files and text become documents: bounded, located, and never an exception for bad content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.document.compose import Composer, OutOfBounds
from mlpolicy.document.hints import hint
from mlpolicy.document.node import Node

LARGEST = 1024 * 1024
"""Bytes."""

_Parser: Any = getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


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
        """The lines of its text, without their ends; YAML 1.2 knows more ends than most."""
        return tuple(_BREAK.split(self.text)) if self.text else ()


def read(path: Path) -> Document:
    """Return the document in the file at *path*."""
    file = str(path)
    try:
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
        try:
            text = _decoded(content)
        except UnicodeDecodeError as error:
            return _undecodable(file, content, error)
    text = text.removeprefix("\ufeff")
    odd = _UNPRINTABLE.search(text)
    if odd is not None:
        message = f"character U+{ord(odd[0]):04X} is not allowed in YAML"
        return _of(file, text, Diagnostic("MP001", message, _place(file, text, odd.start())))
    return _composed(file, text)


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnicodeDecodeError("utf-16", content, 0, 2, "the file is UTF-16; save it as UTF-8")
    return content.decode("utf-8")


def _composed(file: str, text: str) -> Document:
    composer = Composer(file)
    try:
        # The parser keeps its state on the heap, however deep the text is.
        root = composer.compose(_Parser(text).get_event)
    except OutOfBounds as error:
        return _of(file, text, *composer.diagnostics, error.diagnostic)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # Without libyaml an escape or a version number out of range is a plain ValueError.
        return _of(file, text, *composer.diagnostics, _syntax(file, text, error))
    return Document(file, text, root, tuple(composer.diagnostics))


def _syntax(file: str, text: str, error: Exception) -> Diagnostic:
    marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
    if "alias" in str(getattr(error, "context", "")):
        marks.reverse()  # what is wrong is the `*` that makes an alias of a value
    if _is_unclosed(marks[0], marks[1], str(getattr(error, "context", ""))):
        marks.reverse()  # what is wrong is the bracket or the quote that is never closed
    mark = marks[0] or marks[1]
    problem = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    lines = _BREAK.split(text)
    written = lines[line - 1] if line <= len(lines) else ""
    message = f"{problem} {context}".strip() if context else problem
    span = Span(file, line, column, line, column + 1)
    return Diagnostic(
        "MP002", message, span, help=hint(problem, context, line=written, column=column)
    )


def _is_unclosed(problem: Any, context: Any, words: str) -> bool:
    """Whether the parser gave up lines below the opening that it was about."""
    if problem is None or context is None or problem.line == context.line:
        return False
    return "flow" in words or "quoted scalar" in words


def _place(file: str, text: str, at: int) -> Span:
    before = _BREAK.split(text[:at])
    line, column = len(before), len(before[-1]) + 1
    return Span(file, line, column, line, column + 1)


def _undecodable(file: str, content: bytes, error: UnicodeDecodeError) -> Document:
    before = content[: error.start].decode("utf-8", errors="replace")
    reason = error.reason if error.encoding == "utf-16" else "not UTF-8 text"
    return _of(
        file, "", Diagnostic("MP001", f"`{file}`: {reason}", _place(file, before, len(before)))
    )


def _unreadable(file: str, reason: str) -> Document:
    return _of(file, "", Diagnostic("MP001", f"`{file}`: {reason}", Span(file)))


def _of(file: str, text: str, *diagnostics: Diagnostic) -> Document:
    return Document(file, text, None, diagnostics)
