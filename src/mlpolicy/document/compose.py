"""Events of a YAML parser become located nodes, within bounds.

The bounds hold while the events come: what is nested too deep or grows too large by aliases
is never built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.document.braces import divided, is_variable
from mlpolicy.document.node import (
    At,
    Entry,
    Mapping,
    Node,
    Origin,
    Scalar,
    Sequence,
    span_of,
)
from mlpolicy.document.scalars import TAG, fits, is_word, value_of

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
    """An anchored node: what it is once it is complete, how large, and how deep."""

    node: Node | None = None
    size: int = 0
    height: int = 0
    """Levels below its own, those that its aliases bring in too."""


@dataclass(slots=True)
class Composer:
    """Builds the nodes of one document."""

    origin: Origin
    diagnostics: list[Diagnostic] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    """Every value that stands without quotes."""
    _anchors: dict[str, _Anchor] = field(default_factory=dict)
    _nodes: int = 0
    _following: Callable[[], Any] = field(init=False)
    _reach: int = 0
    """The deepest level so far within the anchored node that is being built."""

    def compose(self, following: Callable[[], Any]) -> Node | None:
        """Return the root of the first document; findings go to `diagnostics`.

        Args:
            following: Returns the next event of the parser, None after the last.

        Raises:
            OutOfBounds: The document is too deep, too large, or refers to itself.
        """
        self._following = following
        root: Node | None = None
        documents = 0
        while (event := following()) is not None:
            name = type(event).__name__
            if name == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self._say("MP006", "a policy file is one YAML document", event)
                    break
            elif documents == 1 and name not in _FRAME:
                root = self._node(event, 1)
        return root

    # --- nodes ------------------------------------------------------------------------

    def _node(self, event: Any, depth: int) -> Node:
        name = type(event).__name__
        if name == "ScalarEvent" and event.tag is None and event.anchor is None:  # as most are
            self._count(event, depth)
            return self._scalar(event)
        if name == "AliasEvent":
            return self._alias(event, depth)
        self._count(event, depth)
        if event.tag is not None:
            return self._tagged(event, name, depth)
        if event.anchor is not None:
            return self._anchored(event, name, depth)
        return self._build(event, name, depth)

    def _count(self, event: Any, depth: int) -> None:
        """Count the node that begins with *event*.

        Raises:
            OutOfBounds: It is one too many, or too deep.
        """
        if depth > DEEPEST:
            raise OutOfBounds(self._finding("MP001", f"nested deeper than {DEEPEST} levels", event))
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise OutOfBounds(self._finding("MP001", _TOO_MANY, event))
        if depth > self._reach:  # noqa: PLR1730 (a call for each node is felt)
            self._reach = depth

    def _tagged(self, event: Any, name: str, depth: int) -> Node:
        """Return what stands behind a tag; where the tag does not fit, nothing that is relied on."""
        said = len(self.diagnostics)
        build = self._build if event.anchor is None else self._anchored
        node = build(event, name, depth)
        if event.tag == "!" or fits(event.tag, node.plain() if name == "ScalarEvent" else name):
            return node
        del self.diagnostics[said:]  # what is odd in it came with the tag
        shown = event.tag.replace(TAG, "!!")
        help = "leave it out, or quote a text that begins with `!`"
        self._say("MP002", f"tag `{shown}` has no meaning here", event, help=help)
        return self._unread(node.at)

    def _anchored(self, event: Any, name: str, depth: int) -> Node:
        before = self._nodes - 1
        anchor = _Anchor()
        if event.anchor in self._anchors:
            text = f"anchor `&{event.anchor}` stands here twice"
            self._say("MP004", text, event, help="give one of them another name")
        self._anchors[event.anchor] = anchor
        around, self._reach = self._reach, depth
        node = self._build(event, name, depth)
        anchor.node, anchor.size = node, self._nodes - before
        anchor.height = self._reach - depth
        self._reach = max(around, self._reach)
        return node

    def _build(self, event: Any, name: str, depth: int) -> Node:
        if name == "MappingStartEvent":
            return self._mapping(event, depth)
        return self._sequence(event, depth) if name == "SequenceStartEvent" else self._scalar(event)

    def _alias(self, event: Any, depth: int) -> Node:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            self._say(
                "MP002", f"alias `*{event.anchor}` has no anchor `&{event.anchor}` before it", event
            )
            return self._unread(self._at(event))
        if anchor.node is None:
            message = f"alias `*{event.anchor}` refers to what it stands in"
            raise OutOfBounds(self._finding("MP007", message, event))
        self._nodes += anchor.size
        if self._nodes > MOST_NODES:
            message = f"{_TOO_MANY} once aliases are expanded"
            raise OutOfBounds(self._finding("MP007", message, event))
        self._reach = max(self._reach, depth + anchor.height)
        if self._reach > DEEPEST:
            message = f"nested deeper than {DEEPEST} levels once aliases are expanded"
            raise OutOfBounds(self._finding("MP001", message, event))
        return anchor.node

    def _scalar(self, event: Any) -> Scalar:
        text, tag, at = event.value, event.tag, (self.origin, event.start_mark, event.end_mark)
        if tag == TAG + "str" if tag is not None and tag != "!" else event.style:  # in quotes
            return Scalar(text, at, text, quoted=True)
        self.texts.add(text)
        return Scalar(value_of(text), at, text)

    def _unread(self, at: At) -> Scalar:
        """Return what stands for a value that could not be read, and was said to be wrong."""
        return Scalar(None, at, "", quoted=True)

    def _sequence(self, event: Any, depth: int) -> Sequence:
        items: list[Node] = []
        following = self._following
        while type(inner := following()).__name__ != "SequenceEndEvent":
            item = self._node(inner, depth + 1)
            if _is_empty(item):
                self._say("MP009", "an item of the list is empty", inner)
            items.append(item)
        return Sequence(tuple(items), (self.origin, event.start_mark, inner.end_mark))

    def _mapping(self, event: Any, depth: int) -> Mapping | Scalar:
        entries: dict[str, Entry] = {}
        said, others, braces = len(self.diagnostics), 0, False
        merged: list[Entry] = []
        following, origin = self._following, self.origin
        while (name := type(inner := following()).__name__) != "MappingEndEvent":
            if name == "ScalarEvent" and inner.tag is None and inner.anchor is None:
                written = inner.value
                if written not in entries and is_word(written):  # as most keys are
                    self._nodes += 1
                    value = self._node(following(), depth + 1)
                    entry = Entry(written, (origin, inner.start_mark, inner.end_mark), value)
                    if type(value) is Scalar and _is_empty(value):
                        self._say_empty(entry)
                    entries[written] = entry
                    continue
            others += 1
            key = self._key(inner, depth + 1)
            value = self._node(following(), depth + 1)
            braces = _is_empty(value) and name == "MappingStartEvent"
            if isinstance(key, Scalar) and key.text == MERGE and not key.quoted:
                merged += self._merge(key, value)
            else:
                self._enter(entries, key, value)
        at = (origin, event.start_mark, inner.end_mark)
        variable = None
        if len(self.diagnostics) != said:  # else no value is empty, for that is said
            alone = braces and others == 1 and not entries
            variable = self._mended(entries, at, said, alone=alone, flow=event.flow_style)
        for entry in merged:
            entries.setdefault(entry.key, entry)
        return variable or Mapping(tuple(entries.values()), at)

    def _mended(
        self, entries: dict[str, Entry], at: At, said: int, *, alone: bool, flow: bool
    ) -> Scalar | None:
        """Return the variable that a mapping without values was meant to be; put keys right."""
        if alone or (flow and is_variable(entries)):
            return self._template(at, said, *entries)
        if flow:
            self.diagnostics[said:] = divided(entries, self.diagnostics[said:])
        return None

    def _key(self, event: Any, depth: int) -> Node:
        """Return a key; one that is an alias stands where it is used."""
        key = self._node(event, depth)
        if type(event).__name__ != "AliasEvent":
            return key
        return replace(key, at=self._at(event))

    def _template(self, at: At, said: int, name: str = "") -> Scalar:
        """Return what stands for `{{ name }}`, or `{vars.name}`: a variable to its author.

        What was found within it, from *said* on, is no finding of its own.
        """
        del self.diagnostics[said:]
        help = f"write `${{{name or 'vars.name'}}}` for a variable, or quote the text"
        node = self._unread(at)
        self.diagnostics.append(Diagnostic("MP010", "`{` begins a mapping", node.span, help=help))
        return node

    def _enter(self, entries: dict[str, Entry], key: Node, value: Node) -> None:
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            found = (
                f"`{key.text}`" if isinstance(key, Scalar) and key.text else "a list or a mapping"
            )
            help = "quote it" if isinstance(key, Scalar) and key.text else ""
            message = f"a key must be text, found {found}"
            self.diagnostics.append(Diagnostic("MP010", message, key.span, help=help))
            return
        known = entries.get(key.value)
        if known is not None:
            self.diagnostics.append(
                Diagnostic(
                    "MP004",
                    f"key `{key.value}` stands here twice",
                    key.span,
                    related=(Related("first here", known.key_span),),
                )
            )
            return
        if _is_empty(value):
            self._say_empty(Entry(key.value, key.at, value))
        entries[key.value] = Entry(key.value, key.at, value)

    def _say_empty(self, entry: Entry) -> None:
        help = "write a value, or leave the key out; indent what belongs under it"
        text = f"`{entry.key}` has no value"
        self.diagnostics.append(Diagnostic("MP009", text, entry.key_span, help=help))

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

    def _say(self, code: str, message: str, event: Any, *, help: str = "") -> None:
        self.diagnostics.append(self._finding(code, message, event, help=help))

    def _finding(self, code: str, message: str, event: Any, *, help: str = "") -> Diagnostic:
        return Diagnostic(code, message, span_of(self._at(event)), help=help)

    def _at(self, event: Any) -> At:
        return self.origin, event.start_mark, event.end_mark


_FRAME = frozenset({"StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"})
_TOO_MANY = f"more than {MOST_NODES:,} nodes"


def _is_empty(node: Node) -> bool:
    """Whether nothing was written; what could not be read counts as quoted."""
    return isinstance(node, Scalar) and node.value is None and not node.text and not node.quoted
