"""Events of a YAML parser become located nodes, within bounds.

The bounds hold while the events come: what is nested too deep or grows too large by aliases
is never built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic, Related, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Mapping, Node, Plain, Scalar, Sequence
from mlpolicy.document.scalars import SCALAR_TAGS, TAG, tagged, value_of

DEEPEST = 64
MOST_NODES = 50_000
MERGE = "<<"


class OutOfBounds(Exception):
    """The document goes beyond a bound; the finding says which."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class _Anchor:
    """An anchored node: what it is once it is complete, how large, how many levels below it."""

    node: Node | None = None
    size: int = 0
    height: int = 0


@dataclass(slots=True)
class Composer:
    """Builds the nodes of one document."""

    file: str
    lines: tuple[str, ...] = ()
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _anchors: dict[str, _Anchor] = field(default_factory=dict)
    _nodes: int = 0
    _reached: int = 0
    """The deepest level of the anchored node that is being built, aliases expanded."""
    _end: Any = None
    """The mark at which the last thing with a text of its own ended."""

    def compose(self, events: Iterable[Any]) -> Node | None:
        """Return the root of the first document; findings go to `diagnostics`.

        Raises:
            OutOfBounds: The document is too deep, too large, or refers to itself.
        """
        stream = iter(events)
        root: Node | None = None
        first: Any = None
        for event in stream:
            name = type(event).__name__
            if name == "DocumentStartEvent" and first is not None:
                related = (Related("the first one begins here", self._span(first)),)
                message = "a policy file is one YAML document"
                self.diagnostics.append(
                    Diagnostic("MP006", message, self._span(event), related=related)
                )
                break
            if name == "DocumentStartEvent":
                first = event
            elif name not in _FRAME:
                node = self._node(event, stream, 1)
                root = None if _is_empty(node, event) else node
        return root

    # --- nodes ------------------------------------------------------------------------

    def _node(self, event: Any, stream: Iterator[Any], depth: int) -> Node:
        name = type(event).__name__
        self._end = event.end_mark
        if name == "AliasEvent":
            return self._alias(event, depth)
        outside, before = self._reached, self._nodes
        self._reached = 0
        self._reach(depth, event)
        self._count(1, event)
        self._check_tag(event)
        anchor = _Anchor()
        if event.anchor is not None:
            self._anchors[event.anchor] = anchor
        node = self._build(event, stream, depth)
        anchor.node, anchor.size = node, self._nodes - before
        anchor.height = self._reached - depth
        self._reached = max(outside, self._reached)
        return node

    def _reach(self, depth: int, event: Any) -> None:
        if depth > DEEPEST:
            raise OutOfBounds(self._finding("MP001", f"nested deeper than {DEEPEST} levels", event))
        self._reached = max(self._reached, depth)

    def _build(self, event: Any, stream: Iterator[Any], depth: int) -> Node:
        match type(event).__name__:
            case "ScalarEvent":
                return self._scalar(event)
            case "SequenceStartEvent":
                return self._sequence(event, stream, depth)
            case _:
                return self._mapping(event, stream, depth)

    def _count(self, more: int, event: Any) -> None:
        self._nodes += more
        if self._nodes > MOST_NODES:
            aliased = type(event).__name__ == "AliasEvent"
            text = f"more than {MOST_NODES:,} nodes" + (
                " once aliases are expanded" if aliased else ""
            )
            raise OutOfBounds(self._finding("MP007" if aliased else "MP001", text, event))

    def _alias(self, event: Any, depth: int) -> Node:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            message = f"alias `*{event.anchor}` has no anchor `&{event.anchor}` before it"
            self._say("MP002", message, event, help="quote a value that starts with `*`")
            return Scalar(None, self._span(event), "")
        if anchor.node is None:
            message = f"alias `*{event.anchor}` refers to what it stands in"
            raise OutOfBounds(self._finding("MP007", message, event))
        self._reach(depth + anchor.height, event)
        self._count(anchor.size, event)
        if isinstance(anchor.node, Scalar):
            return replace(anchor.node, span=self._span(event))
        return anchor.node

    def _scalar(self, event: Any) -> Scalar:
        quoted = event.style in ("'", '"', "|", ">") or event.tag in ("!", TAG + "str")
        return Scalar(self._value(event, quoted=quoted), self._own_span(event), event.value, quoted)

    def _value(self, event: Any, *, quoted: bool) -> Plain:
        text: str = event.value
        if _SURROGATE.search(text):  # the parser in Python reads the escape of half a character
            self._say("MP002", "a character in the text is not Unicode", event)
            return _SURROGATE.sub("\ufffd", text)
        if event.tag not in SCALAR_TAGS:
            return text if quoted else value_of(text)
        try:
            return tagged(event.tag, text)
        except ValueError:
            shown = event.tag.replace(TAG, "!!")
            self._say("MP002", f"`{text}` is no `{shown}`", event, help="leave the tag out")
            return text

    def _sequence(self, event: Any, stream: Iterator[Any], depth: int) -> Sequence:
        items: list[Node] = []
        for inner in stream:
            if type(inner).__name__ == "SequenceEndEvent":
                return Sequence(tuple(items), self._closed(event, inner))
            item = self._node(inner, stream, depth + 1)
            if _is_empty(item, inner):
                self._say("MP009", "an item of the list is empty", inner)
            items.append(item)
        raise AssertionError("the parser ends what it begins")

    def _mapping(self, event: Any, stream: Iterator[Any], depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        merges: list[Scalar] = []
        merged: list[Entry] = []
        for inner in stream:
            if type(inner).__name__ == "MappingEndEvent":
                for entry in merged:
                    entries.setdefault(entry.key, entry)
                return Mapping(tuple(entries.values()), self._closed(event, inner))
            key = self._node(inner, stream, depth + 1)
            held = next(stream)
            value = self._node(held, stream, depth + 1)
            if not isinstance(key, Scalar) or key.text != MERGE or key.quoted:
                self._enter(entries, key, value=value, empty=_is_empty(value, held))
            elif merges:
                self._twice(MERGE, key.span, merges[0].span)
            else:
                merges.append(key)
                merged = self._merge(key, value)
        raise AssertionError("the parser ends what it begins")

    def _enter(self, entries: dict[str, Entry], key: Node, *, value: Node, empty: bool) -> None:
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            self._no_text(key)
        elif key.value in entries:
            self._twice(key.value, key.span, entries[key.value].key_span)
        else:
            if empty:
                self._no_value(key)
            entries[key.value] = Entry(key.value, key.span, value)

    def _merge(self, key: Scalar, value: Node) -> list[Entry]:
        """Return the entries that `<<` brings in; of several mappings the first one wins."""
        self.diagnostics.append(
            Diagnostic(
                "MP008",
                "merged values point at their anchor, not here",
                key.span,
                "warning",
                help="write the values out",
            )
        )
        sources = value.items if isinstance(value, Sequence) else (value,)
        found: dict[str, Entry] = {}
        for source in sources:
            if isinstance(source, Mapping):
                for entry in source.entries:
                    found.setdefault(entry.key, entry)
            else:
                self.diagnostics.append(
                    Diagnostic("MP010", "`<<` takes mappings only", source.span)
                )
        return list(found.values())

    # --- findings ---------------------------------------------------------------------

    def _twice(self, key: str, again: Span, first: Span) -> None:
        related = (Related("first here", first),)
        self.diagnostics.append(
            Diagnostic("MP004", f"key `{key}` stands here twice", again, related=related)
        )

    def _no_text(self, key: Node) -> None:
        found, help = "a list or a mapping", ""
        repairs: tuple[Suggestion, ...] = ()
        if isinstance(key, Scalar):
            found = f"`{key.text}`" if key.text else "nothing"
        if isinstance(key, Scalar) and key.text:
            help = "quote it"
            repairs = (Suggestion("quote it", key.span, f'"{key.text}"'),)
        message = f"a key must be text, found {found}"
        self.diagnostics.append(
            Diagnostic("MP010", message, key.span, help=help, suggestions=repairs)
        )

    def _no_value(self, key: Scalar) -> None:
        help = "write a value, or leave the key out"
        name, colon, rest = key.text.partition(":")
        if colon and rest and not self._rest_of_line(key.span).lstrip().startswith(":"):
            help = f"write a space after the colon: `{name}: {rest}`"
        self.diagnostics.append(
            Diagnostic("MP009", f"`{key.text}` has no value", key.span, help=help)
        )

    def _rest_of_line(self, span: Span) -> str:
        """Return what stands after *span* in its last line."""
        known = span.end_line <= len(self.lines)
        return self.lines[span.end_line - 1][span.end_column - 1 :] if known else ""

    def _check_tag(self, event: Any) -> None:
        if event.tag in (None, "!") or event.tag in _FITTING[type(event).__name__]:
            return
        shown = event.tag.replace(TAG, "!!")
        fitting = frozenset().union(*_FITTING.values())
        why = (
            "does not fit this value" if event.tag in fitting else "has no meaning in a policy file"
        )
        help = "leave it out, or quote a value that starts with `!`"
        self._say("MP002", f"tag `{shown}` {why}", event, help=help)

    def _say(self, code: str, message: str, event: Any, *, help: str = "") -> None:
        self.diagnostics.append(self._finding(code, message, event, help=help))

    def _finding(self, code: str, message: str, event: Any, *, help: str = "") -> Diagnostic:
        return Diagnostic(code, message, self._span(event), help=help)

    def _closed(self, event: Any, last: Any) -> Span:
        """Return the span of a collection; one without brackets ends where its last part does.

        The parser sees that it ended only where the next thing begins, lines further down.
        """
        if event.flow_style:
            self._end = last.end_mark
        return self._span(event, self._end)

    def _own_span(self, event: Any) -> Span:
        """Return the span of a scalar, less an anchor or a tag before it."""
        span = self._span(event)
        if (event.anchor is None and event.tag is None) or span.line > len(self.lines):
            return span
        found = _PROPERTIES.match(self.lines[span.line - 1], span.column - 1)
        if found is None or (span.line == span.end_line and found.end() >= span.end_column):
            return span
        return replace(span, column=found.end() + 1)

    def _span(self, event: Any, end: Any = None) -> Span:
        start, stop = event.start_mark, end or event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, stop.line + 1, stop.column + 1)


_FRAME = frozenset({"StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"})
_FITTING = {
    "ScalarEvent": SCALAR_TAGS,
    "SequenceStartEvent": frozenset({TAG + "seq"}),
    "MappingStartEvent": frozenset({TAG + "map"}),
}
_PROPERTIES = re.compile(r"(?:[&!]\S*[ \t]+)+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _is_empty(node: Node, event: Any) -> bool:
    """Whether nothing stands at *event*; an alias of what is empty was reported at its anchor."""
    nothing = isinstance(node, Scalar) and node.value is None and not node.text
    return nothing and type(event).__name__ == "ScalarEvent"
