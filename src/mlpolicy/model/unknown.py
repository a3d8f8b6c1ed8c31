"""Keys that are not there: a synonym by the table of the block, else the closest of its keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import field
from difflib import get_close_matches

from mlpolicy.core.diagnostic import Diagnostic, Suggestion, repair
from mlpolicy.core.frozen import frozen
from mlpolicy.core.kind import Synonym
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, is_empty, is_null
from mlpolicy.document.node import Mapping as MappingNode

_MISSPELT = 0.85
"""How like a synonym a word must be to be a slip in typing that."""
_CAMEL = re.compile("(?<=[a-z])(?=[A-Z])")


@frozen()
class Words:
    """What a finding about a block may say of its keys."""

    section: str
    """How the block is called: "rule `retry`"."""
    synonyms: Mapping[str, Synonym] = field(default_factory=dict)
    """By word, and by `block.word` for those of one block alone."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Keys that belong under another one: key to where."""
    also: tuple[str, ...] = ()
    """Keys that are known beside the fields of the model."""
    path: tuple[str, ...] = ()
    """Where the block is, by which the blocks in it are called."""

    def synonym(self, key: str, fields: Collection[str], block: str = "") -> Synonym | None:
        """Return which of *fields* *key* is a synonym of in *block*."""
        plain = _CAMEL.sub("_", key).lower().replace("-", "_")
        for word in (f"{block}.{plain}", plain):
            synonym = self.synonyms.get(word)
            if synonym is not None and synonym.field in fields:
                return synonym
        return None

    def meant(self, key: str, fields: Collection[str], block: str = "") -> Synonym | None:
        """Return which of *fields* was meant by *key*: its synonym, else the closest word."""
        synonym = self.synonym(key, fields, block)
        near = None if synonym else closest(key, fields)
        if synonym is not None or near is not None:
            return synonym or Synonym(near or "")
        words = [word for word, one in self.synonyms.items() if one.field in fields]
        alike = get_close_matches(key, words, n=1, cutoff=_MISSPELT)
        return self.synonyms[alike[0]] if alike else None


def unknown_key(
    entry: Entry,
    fields: Collection[str],
    about: Words,
    *,
    block: str = "",
    beside: Collection[str] = (),
) -> Diagnostic:
    """Return the finding for a key that is not one of *fields*; *beside* are those that are there."""
    synonym = about.meant(entry.key, fields, block)
    suggestions: tuple[Suggestion, ...] = ()
    if synonym is not None and synonym.field in beside:
        help = f"did you mean `{synonym.field}`, which is here already?"
    elif synonym is not None:
        help = f"did you mean `{synonym.field}`?{synonym.note and f'; {synonym.note}'}"
        safe = about.synonym(entry.key, fields, block) is not None
        suggestions = _renamed(entry, synonym, safe=safe)
    elif entry.key in about.elsewhere:
        help = f"`{entry.key}` belongs under {about.elsewhere[entry.key]}"
    else:
        known = ", ".join(f"`{name}`" for name in fields)
        help = f"known here: {known}" if known else ""
    message = f"unknown key `{entry.key}` in {about.section}"
    return Diagnostic("MP005", message, entry.key_span, help=help, suggestions=suggestions)


def _renamed(entry: Entry, synonym: Synonym, *, safe: bool) -> tuple[Suggestion, ...]:
    """Return the edits that put a synonym right, and its value where that is written otherwise."""
    value, name = entry.value, synonym.field
    if not synonym.note or (synonym.form and isinstance(value, Sequence)):
        return repair(entry.key_span, name, safe=safe)
    if not isinstance(value, Scalar):
        return ()
    if synonym.shift and type(value.value) is int:
        written = str(value.value + synonym.shift)
    elif synonym.form:
        written = synonym.form.format(value.text)
    else:
        return ()
    title = f"write `{name}: {written}`"
    return (
        Suggestion(title, entry.key_span, name, safe),
        Suggestion(title, value.span, written, safe),
    )


def mended(
    node: MappingNode, fields: Collection[str], about: Words, findings: list[Diagnostic]
) -> MappingNode:
    """Return *node* with misspelt keys as they were meant; each goes to *findings*.

    What follows from the slip is then not a finding of its own.
    """
    if all(entry.key in fields for entry in node.entries):
        return node
    kept: list[Entry] = []
    there = {laid: keys_beside(node, laid=laid) for laid in (False, True)}
    for entry in indented(node, fields, about):
        synonym = None if entry.key in fields else about.meant(entry.key, fields)
        if synonym is None:
            kept.append(entry)
            continue
        beside = there[is_laid(entry, node)]
        findings.append(unknown_key(entry, fields, about, beside=beside))
        # What is there already is not overwritten; with a note, its value is of another form.
        taken = synonym.field in there[False] | there[True]
        if not taken and not synonym.note and not is_null(entry.value):
            kept.append(Entry(synonym.field, entry.key_span, entry.value))
        beside.add(synonym.field)
    return MappingNode(tuple(kept), node.span)


def indented(node: MappingNode, fields: Collection[str], about: Words) -> list[Entry]:
    """Return the entries of *node* less those that should stand further in.

    Unknown keys behind a known one without a value belong to that: it was reported as empty.
    """
    kept: list[Entry] = []
    empty = False
    for entry in node.entries:
        is_known = entry.key in fields
        if empty and not is_known and about.meant(entry.key, fields) is None:
            continue
        kept.append(entry)
        empty = is_known and is_empty(entry.value)
    return kept


def is_laid(entry: Entry, block: Node) -> bool:
    """Whether *entry* stands elsewhere than its block: an environment laid it over."""
    return entry.key_span != block.span and not within(entry.key_span, block.span)


def keys_beside(block: MappingNode, *, laid: bool) -> set[str]:
    """Return the keys of *block* that an environment laid over it, or those that did stand there."""
    return {entry.key for entry in block.entries if is_laid(entry, block) == laid}


def within(inner: Span, outer: Span) -> bool:
    """Whether a place lies inside of another one."""
    begins = (outer.line, outer.column) <= (inner.line, inner.column)
    ends = (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    return inner != outer and begins and ends
