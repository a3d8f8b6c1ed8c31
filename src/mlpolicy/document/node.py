"""Located nodes: what stands in a document, and where."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import field
from functools import lru_cache
from typing import Any

from mlpolicy.core.classes import frozen
from mlpolicy.core.span import Span


@frozen()
class Origin:
    """The text that a document is read from."""

    file: str
    text: str = field(repr=False)


At = Span | tuple[Origin, Any, Any]
"""A place; or the text that it lies in, and the marks of the parser at its start and its end."""


def span_of(at: At) -> Span:
    """Return the place that *at* tells."""
    if isinstance(at, Span):
        return at
    origin, start, end = at
    return Span(origin.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


class _Placed:
    """What has a place, which is worked out when somebody asks: of most nodes nobody does."""

    __slots__ = ("span",)
    at: At
    span: Span

    def __getattr__(self, name: str) -> Any:
        if name != "span":
            raise AttributeError(f"{type(self).__name__} has no {name}")
        self.span = span_of(self.at)
        return self.span


@frozen()
class Scalar(_Placed):
    """One value, as the core schema of YAML 1.2 reads it."""

    value: Plain
    at: At = field(compare=False)
    text: str
    """What was written; empty where nothing was."""
    quoted: bool = False

    def plain(self) -> Plain:
        """Return the bare value."""
        return self.value


@frozen()
class Sequence(_Placed):
    """A list."""

    items: tuple[Node, ...]
    at: At = field(compare=False)

    def plain(self) -> list[Any]:
        """Return the bare values."""
        return [item.plain() for item in self.items]


@frozen()
class Entry(_Placed):
    """A key of a mapping, and what stands under it."""

    key: str
    at: At = field(compare=False)
    """Where its key stands."""
    value: Node

    @property
    def key_span(self) -> Span:
        """Where its key stands."""
        return self.span


class _Indexed(_Placed):
    """What finds its entries by key."""

    __slots__ = ("index",)
    entries: tuple[Entry, ...]
    index: dict[str, Entry]

    def __getattr__(self, name: str) -> Any:
        if name != "index":
            return super().__getattr__(name)
        self.index = {entry.key: entry for entry in self.entries}
        return self.index


@frozen()
class Mapping(_Indexed):
    """A mapping; keys are text, each once."""

    entries: tuple[Entry, ...]
    at: At = field(compare=False)

    def get(self, key: str) -> Node | None:
        """Return what stands under *key*, if it is there."""
        entry = self.index.get(key)
        return None if entry is None else entry.value

    def plain(self) -> dict[str, Any]:
        """Return the bare values."""
        return {entry.key: entry.value.plain() for entry in self.entries}


Node = Scalar | Sequence | Mapping


def entries_of(node: Node | None) -> tuple[Entry, ...]:
    """Return the entries of *node*; none where it is no mapping."""
    return node.entries if isinstance(node, Mapping) else ()


def is_empty(node: Node | None) -> bool:
    """Whether nothing was written, as in `ttl:`; the reader says so (MP009).

    What a variable says is none of that, be it ever so empty.
    """
    return type(node) is Scalar and node.value is None and not node.text


def is_null(node: Node) -> bool:
    """Whether null was written, not merely nothing."""
    return isinstance(node, Scalar) and node.value is None and bool(node.text)


def is_bare(entry: Entry) -> bool:
    """Whether it is one word between braces, as `y` in `{a: x, y}`; the reader says so (MP009)."""
    key, value = entry.key_span, entry.value.span
    ends_there = (key.end_line, key.end_column) == (value.line, value.column)
    return key == value or (ends_there and is_empty(entry.value))


def scalars(node: Node | None) -> Iterator[Scalar]:
    """Yield every value in *node*, in the order of the file."""
    left = [] if node is None else [node]
    while left:
        node = left.pop()
        if isinstance(node, Scalar):
            yield node
        elif isinstance(node, Sequence):
            left += node.items[::-1]
        else:
            left += [entry.value for entry in node.entries[::-1]]


Plain = str | int | float | bool | None

_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{f"{sign}{word}": math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FIRST = frozenset("+-.0123456789")
"""What a number begins with."""
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST = 400
"""Characters of a whole number; Python refuses to print some of those with more than 4,300 digits."""
TOO_LARGE = float("inf")
"""Stands for every whole number that is longer, or larger than a float can be; no other infinity is
this object."""
BEYOND = "a whole number is too large: it may have 308 digits"


@lru_cache(4096)  # policies repeat themselves
def value_of(text: str) -> Plain:
    """Return what the plain scalar *text* stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    is_decimal = _INT.fullmatch(text) is not None
    if not is_decimal and not _BASED.fullmatch(text):
        return float(text) if _FLOAT.fullmatch(text) else text
    value = int(text, 10 if is_decimal else 0) if len(text) <= _LONGEST else TOO_LARGE
    return value if abs(value) <= sys.float_info.max else TOO_LARGE


@lru_cache(4096)
def is_word(text: str) -> bool:
    """Whether *text* is text however it is written: it begins with a letter, and says no value."""
    return text[:1].isalpha() and text not in _WORDS
