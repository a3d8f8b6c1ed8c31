"""Located nodes: what stands in a document, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span

Plain = str | int | float | bool | None


@frozen()
class Scalar:
    """One value, as the core schema of YAML 1.2 reads it."""

    value: Plain
    span: Span
    text: str
    """What was written; empty where nothing was."""
    quoted: bool = False

    def plain(self) -> Plain:
        """Return the bare value."""
        return self.value


@frozen()
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: Span

    def plain(self) -> list[Any]:
        """Return the bare values."""
        return [item.plain() for item in self.items]


@frozen()
class Entry:
    """A key of a mapping, and what stands under it."""

    key: str
    key_span: Span
    value: Node


@frozen()
class Mapping:
    """A mapping; keys are text, each once."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, key: str) -> Node | None:
        """Return what stands under *key*, if it is there."""
        for entry in self.entries:
            if entry.key == key:
                return entry.value
        return None

    def plain(self) -> dict[str, Any]:
        """Return the bare values."""
        return {entry.key: entry.value.plain() for entry in self.entries}


Node = Scalar | Sequence | Mapping


def is_empty(node: Node | None) -> bool:
    """Whether nothing was written, as in `ttl:`; the reader says so (MP009)."""
    return isinstance(node, Scalar) and node.value is None and not node.text


def is_bare(entry: Entry) -> bool:
    """Whether it is one word between braces, as `y` in `{a: x, y}` or `{ttl:3s}`.

    The reader says so.
    """
    key, value = entry.key_span, entry.value.span
    ends_there = (key.end_line, key.end_column) == (value.line, value.column)
    return key == value or (ends_there and is_empty(entry.value))


def scalars(node: Node | None) -> Iterator[Scalar]:
    """Yield every value in *node*."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from scalars(item)
    elif node is not None:
        for entry in node.entries:
            yield from scalars(entry.value)
