"""The parts of a file by name, so that any place in it can be told by its part."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Mapping, Node

_NAMED = ("policies", "profiles", "resources", "environments")


class Layers:
    """Knows which part of one file a place lies in: `defaults`, `policies.NAME`, `environments.prod`."""

    def __init__(self, root: Node | None) -> None:
        parts = sorted(_parts(root)) if isinstance(root, Mapping) else []
        self._starts = [(line, column) for line, column, _ in parts]
        self._names = [name for _, _, name in parts]

    def of(self, span: Span) -> str:
        """Return the name of the part in which *span* begins; nothing before the first."""
        at = bisect_right(self._starts, (span.line, span.column))
        return self._names[at - 1] if at else ""


def _parts(root: Mapping) -> Iterator[tuple[int, int, str]]:
    for entry in root.entries:
        yield _part(entry, entry.key)
        if entry.key in _NAMED and isinstance(entry.value, Mapping):
            for inner in entry.value.entries:
                yield _part(inner, f"{entry.key}.{inner.key}")


def _part(entry: Entry, name: str) -> tuple[int, int, str]:
    return entry.key_span.line, entry.key_span.column, name
