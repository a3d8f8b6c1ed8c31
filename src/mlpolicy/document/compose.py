"""Events of a YAML parser become located nodes, within bounds.

The bounds hold while the events come: what is nested too deep or grows too large by aliases
is never built.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.document.node import (
    BEYOND,
    TOO_LARGE,
    At,
    Entry,
    Mapping,
    Node,
    Origin,
    Scalar,
    Sequence,
    is_bare,
    is_word,
    span_of,
    value_of,
)

DEEPEST = 64
MOST_NODES = 50_000
_TOO_MANY = f"more than {MOST_NODES:,} nodes"
_FRAME = frozenset({"StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"})
_UNSPACED = re.compile(r"(?!(?:http|grpc):)(\w+)(?:[:=]| *= *| +)(\S+)")
"""A key and its value in one word to YAML: `ttl:3s`; an item such as `http:503` is not."""
_TAG = "tag:yaml.org,2002:"
_TAGGED: dict[str, tuple[object, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
    "map": ("MappingStartEvent",),
    "seq": ("SequenceStartEvent",),
}
"""What may stand behind each tag: the type of a value, or an event."""


class OutOfBounds(Exception):
    """The document goes beyond a bound; the last finding says which."""


@dataclass(slots=True)
class _Anchor:
    """An anchored node, None until it is complete; its size, and the levels below its own."""

    node: Node | None = None
    size: int = 0
    height: int = 0


@dataclass(slots=True)
class Composer:
    """Builds the nodes of one document."""

    origin: Origin
    diagnostics: list[Diagnostic] = field(default_factory=list)
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
                    at = self._at(event)
                    self._report("MP006", "a policy file is one YAML document", at)
                    break
            elif documents == 1 and name not in _FRAME:
                root = self._node(event, 1)
        return root

    # --- nodes ------------------------------------------------------------------------

    def _node(self, event: Any, depth: int) -> Node:
        name = type(event).__name__
        if name == "AliasEvent":
            return self._alias(event, depth)
        if depth > DEEPEST:
            self._stop("MP001", f"nested deeper than {DEEPEST} levels", event)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._stop("MP001", _TOO_MANY, event)
        if depth > self._reach:  # noqa: PLR1730 (a call for each node is felt)
            self._reach = depth
        before = len(self.diagnostics)
        build = self._build if event.anchor is None else self._anchored
        node = build(event, name, depth)
        return node if event.tag is None else self._tagged(event, name, node, before)

    def _build(self, event: Any, name: str, depth: int) -> Node:
        if name == "MappingStartEvent":
            return self._mapping(event, depth)
        if name == "SequenceStartEvent":
            return self._sequence(event, depth)
        text, tag, at = event.value, event.tag, self._at(event)
        if event.style if tag is None or tag == "!" else tag == _TAG + "str":  # in quotes
            return Scalar(text, at, text, quoted=True)
        value = value_of(text)
        if value is TOO_LARGE:
            self._report("MP010", BEYOND, at, help="quote it where it is a text")
            return _unread(at)
        return Scalar(value, at, text)

    def _tagged(self, event: Any, name: str, node: Node, before: int) -> Node:
        """Return what stands behind a tag; where the tag does not fit, an unread value."""
        kind = type(node.value) if isinstance(node, Scalar) else name
        if event.tag == "!" or kind in _TAGGED.get(event.tag.removeprefix(_TAG), ()):
            return node
        del self.diagnostics[before:]  # what is odd in it came with the tag
        shown = event.tag.replace(_TAG, "!!")
        help = "leave it out, or quote a text that begins with `!`"
        self._report("MP002", f"tag `{shown}` has no meaning here", self._at(event), help=help)
        return _unread(node.at)

    def _anchored(self, event: Any, name: str, depth: int) -> Node:
        before = self._nodes - 1
        if event.anchor in self._anchors:
            text = f"anchor `&{event.anchor}` stands here twice"
            self._report("MP004", text, self._at(event), help="give one of them another name")
        anchor = self._anchors[event.anchor] = _Anchor()
        around, self._reach = self._reach, depth
        node = anchor.node = self._build(event, name, depth)
        anchor.size, anchor.height = self._nodes - before, self._reach - depth
        self._reach = max(around, self._reach)
        return node

    def _alias(self, event: Any, depth: int) -> Node:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            text = f"alias `*{event.anchor}` has no anchor `&{event.anchor}` before it"
            self._report("MP002", text, self._at(event))
            return _unread(self._at(event))
        if anchor.node is None:
            self._stop("MP007", f"alias `*{event.anchor}` refers to what it stands in", event)
        self._nodes += anchor.size
        if self._nodes > MOST_NODES:
            self._stop("MP007", f"{_TOO_MANY} once aliases are expanded", event)
        self._reach = max(self._reach, depth + anchor.height)
        if self._reach > DEEPEST:
            text = f"nested deeper than {DEEPEST} levels once aliases are expanded"
            self._stop("MP001", text, event)
        return anchor.node

    def _sequence(self, event: Any, depth: int) -> Sequence:
        items: list[Node] = []
        following = self._following
        while type(inner := following()).__name__ != "SequenceEndEvent":
            item = self._node(inner, depth + 1)
            if _is_empty(item):
                self._report("MP009", "an item of the list is empty", item.at)
            items.append(item)
        return Sequence(tuple(items), (self.origin, event.start_mark, inner.end_mark))

    # --- mappings ---------------------------------------------------------------------

    def _mapping(self, event: Any, depth: int) -> Mapping | Scalar:
        entries: dict[str, Entry] = {}
        merged: list[Entry] = []
        before = len(self.diagnostics)
        template = False
        following, origin = self._following, self.origin
        while (name := type(inner := following()).__name__) != "MappingEndEvent":
            if name == "ScalarEvent" and inner.tag is None and inner.anchor is None:
                text = inner.value
                if text not in entries and is_word(text):  # as most keys are
                    self._nodes += 1
                    value = self._node(following(), depth + 1)
                    entry = Entry(text, (origin, inner.start_mark, inner.end_mark), value)
                    if type(value) is Scalar and _is_empty(value):
                        self._empty(entries, entry, flow=event.flow_style)
                    else:
                        entries[text] = entry
                    continue
            key = self._node(inner, depth + 1)
            if name == "AliasEvent":  # it stands where it is used
                key = replace(key, at=self._at(inner))
            value = self._node(following(), depth + 1)
            template = name == "MappingStartEvent" and _is_empty(value)
            if isinstance(key, Scalar) and key.text == "<<" and not key.quoted:
                merged += self._merge(key, value)
            else:
                self._enter(entries, key, value, flow=event.flow_style)
        at = (origin, event.start_mark, inner.end_mark)
        variable = "" if template and not entries else _variable(entries, flow=event.flow_style)
        if variable is not None:
            del self.diagnostics[before:]  # to its author it is a value
            return self._unquoted(at, variable)
        for entry in merged:
            entries.setdefault(entry.key, entry)
        return Mapping(tuple(entries.values()), at)

    def _unquoted(self, at: At, name: str) -> Scalar:
        """Return what stands for `{{ name }}` or `{vars.name}`."""
        help = f"write `${{{name or 'vars.name'}}}` for a variable, or quote the text"
        self._report("MP010", "`{` begins a mapping", at, help=help)
        return _unread(at)

    def _enter(self, entries: dict[str, Entry], key: Node, value: Node, *, flow: bool) -> None:
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            written = key.text if isinstance(key, Scalar) else ""
            found = f"`{written}`" if written else "a list or a mapping"
            help = "quote it" if written else ""
            self._report("MP010", f"a key must be text, found {found}", key.at, help=help)
            return
        entry = Entry(key.value, key.at, value)
        first = entries.get(entry.key)
        if first is not None:
            related = (Related("first here", first.key_span),)
            text = f"key `{entry.key}` stands here twice"
            self.diagnostics.append(Diagnostic("MP004", text, key.span, related=related))
        elif _is_empty(value):
            self._empty(entries, entry, flow=flow)
        else:
            entries[entry.key] = entry

    def _empty(self, entries: dict[str, Entry], entry: Entry, *, flow: bool) -> None:
        """Report a key without a value; one that has its value within it gets that."""
        place = entry.key_span
        is_word = flow and is_bare(entry)
        is_quoted = place.end_column - place.column > len(entry.key)
        unspaced = _UNSPACED.fullmatch(entry.key) if is_word and not is_quoted else None
        if unspaced is not None:
            name, written = unspaced.groups()
            text = f"`{entry.key}` is a key without a value: a colon and a space are missing"
            self._report("MP002", text, entry.at, help=f"write `{name}: {written}`")
            value = Scalar(value_of(written), entry.at, written)
            entries.setdefault(name, Entry(name, entry.at, value))
            return
        help = "write a value, or leave the key out; indent what belongs under it"
        before = next(reversed(entries.values()), None)
        entries[entry.key] = entry
        if is_word:
            if before is not None and _is_empty(before.value) and is_bare(before):
                return  # the words of one list, which lacks its brackets
            if before is not None and isinstance(before.value, Scalar):
                entries[before.key] = Entry(before.key, before.at, _unread(before.value.at))
            help = f"write `{entry.key}: ...`, or brackets around a list"
        self._report("MP009", f"`{entry.key}` has no value", entry.at, help=help)

    def _merge(self, key: Scalar, value: Node) -> list[Entry]:
        """Return the entries that `<<` brings in; of several mappings the first one wins."""
        text, help = "merged values point at their anchor, not here", "write the values out"
        self.diagnostics.append(Diagnostic("MP008", text, key.span, "warning", help=help))
        merged: dict[str, Entry] = {}
        for source in value.items if isinstance(value, Sequence) else (value,):
            if isinstance(source, Mapping):
                merged = {entry.key: entry for entry in source.entries} | merged
            else:
                self._report("MP010", "`<<` takes mappings only", source.at)
        return list(merged.values())

    # --- findings ---------------------------------------------------------------------

    def _report(self, code: str, message: str, at: At, *, help: str = "") -> None:
        self.diagnostics.append(Diagnostic(code, message, span_of(at), help=help))

    def _stop(self, code: str, message: str, event: Any) -> NoReturn:
        self._report(code, message, self._at(event))
        raise OutOfBounds

    def _at(self, event: Any) -> At:
        return self.origin, event.start_mark, event.end_mark


def _variable(entries: dict[str, Entry], *, flow: bool) -> str | None:
    """Return the variable that a mapping is without its `$`: `{vars.name}`."""
    if flow and len(entries) == 1:
        [entry] = entries.values()
        if entry.key.startswith(("vars.", "env:")) and _is_empty(entry.value):
            return entry.key
    return None


def _unread(at: At) -> Scalar:
    """Return what stands for a value that could not be read; a finding says why."""
    return Scalar(None, at, "", quoted=True)


def _is_empty(node: Node) -> bool:
    """Whether nothing was written; what could not be read counts as quoted."""
    return isinstance(node, Scalar) and node.value is None and not node.text and not node.quoted
