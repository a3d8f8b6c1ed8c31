"""Keys that are not there: what each was meant to be, or where it belongs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic, Suggestion, repair
from mlpolicy.core.frozen import frozen
from mlpolicy.core.kind import Synonym
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, is_empty, is_null
from mlpolicy.document.node import Mapping as MappingNode


@frozen()
class Words:
    """What else a finding about an unknown key may say."""

    section: str
    """How the block is called: "rule `retry`"."""
    synonyms: Mapping[str, Synonym]
    """By word, and by `block.word` for those of one block alone."""
    elsewhere: Mapping[str, str]
    """Keys that belong under another one: key to where."""
    also: tuple[str, ...] = ()
    """Keys that are known beside the fields of the model."""
    path: tuple[str, ...] = ()
    """Where the block is, by which the blocks in it are called."""

    def meant(self, key: str, fields: Collection[str], block: str = "") -> Synonym | None:
        """Return which of *fields* was meant by *key* in *block*: by habit, or by its spelling."""
        found = self.habitual(key, fields, block)
        if found is not None:
            return found
        plain = _plain(key)
        near = closest(key, fields)
        if near is not None:
            return Synonym(near)
        if key in self.elsewhere:
            return None
        usual = (
            word
            for word, one in self.synonyms.items()
            if word[0] == plain[:1] and one.field in fields
        )
        return self.synonyms.get(closest(plain, usual) or "")

    def habitual(self, key: str, fields: Collection[str], block: str = "") -> Synonym | None:
        """Return which of *fields* the table of synonyms has for *key* in *block*."""
        plain = _plain(key)
        each = (self.synonyms.get(f"{block}.{plain}"), self.synonyms.get(plain))
        return next((one for one in each if one and one.field in fields), None)


def _plain(key: str) -> str:
    return _CAMEL.sub("_", key).lower().replace("-", "_")


LATER = {"settings": ("reload", "metrics", "redis")}
"""Keys of blocks that the language has and this version does not."""
_CAMEL = re.compile("(?<=[a-z])(?=[A-Z])")


@frozen()
class Block:
    """What is known of the block in which a key stands."""

    name: str = ""
    """The setting that it is the value of, or an item of."""
    there: Collection[str] = ()
    """Its keys, those that were meant too."""
    lacking: tuple[str, ...] = ()
    """What it needs and does not have."""


def unknown_key(
    entry: Entry, fields: Iterable[str], about: Words, block: Block | None = None
) -> Diagnostic:
    """Return the finding for a key that is not there, with the right one where it can be told."""
    key, fields, block = entry.key, tuple(fields), block or Block()
    synonym = about.meant(key, fields, block.name)
    if synonym and synonym.field in block.there:
        free = tuple(one for one in fields if one not in block.there)
        synonym = about.meant(key, free, block.name) or synonym
    suggestions: tuple[Suggestion, ...] = ()
    if synonym and synonym.field in block.there:
        help = f"did you mean `{synonym.field}`, which is here already?"
    elif key in LATER.get(block.name, ()):
        help = f"this version of mlpolicy has no `{block.name}.{key}`: leave it out"
    elif synonym:
        note = f"; {synonym.note}" if synonym.note else ""
        help = f"did you mean `{synonym.field}`?{note}"
        safe = synonym is about.habitual(key, fields, block.name)
        suggestions = tuple(replace(edit, safe=safe) for edit in _repair(entry, synonym))
    elif key in about.elsewhere:
        help = f"`{key}` belongs under {about.elsewhere[key]}"
    elif len(block.lacking) == 1:
        help = f"did you mean `{block.lacking[0]}`, which is missing here?"
    else:
        known = ", ".join(f"`{name}`" for name in fields)
        help = f"known here: {known}" if known else ""
    message = f"unknown key `{key}` in {about.section}"
    return Diagnostic("MP005", message, entry.key_span, help=help, suggestions=suggestions)


def mended(
    node: MappingNode, fields: Collection[str], about: Words, said: list[Diagnostic]
) -> MappingNode:
    """Return *node* with misspelt keys as they were meant; each goes to *said*.

    What follows from the slip is then no finding of its own.
    """
    if not [entry for entry in node.entries if entry.key not in fields]:
        return node
    known = tuple(fields)
    there: dict[bool, set[str]] = {False: set(), True: set()}  # what an environment laid over, True
    for entry in node.entries:
        there[is_laid(entry, node)].add(entry.key)
    made: list[Entry] = []
    before = len(said)
    kept = outdented(node, known, about)
    for entry in kept:
        synonym = None if entry.key in known else about.meant(entry.key, known)
        if synonym is None:
            made.append(entry)
            continue
        beside = there[is_laid(entry, node)]
        said.append(unknown_key(entry, known, about, Block(there=beside)))
        # What is there already is not overwritten; with a note, its value is of another form.
        known_already = synonym.field in there[False] | there[True]
        if not known_already and not synonym.note and not is_null(entry.value):
            made.append(Entry(synonym.field, entry.key_span, entry.value))
        beside.add(synonym.field)
    changed = len(said) != before or len(kept) != len(node.entries)
    return MappingNode(tuple(made), node.span) if changed else node


def outdented(node: MappingNode, fields: Collection[str], about: Words) -> list[Entry]:
    """Return the entries of *node* less those that should stand further in.

    Unknown keys behind one that is known and has no value are that one's: it was reported as empty.
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
    """Whether an entry stands elsewhere than its block: an environment laid it over."""
    return entry.key_span != block.span and not within(entry.key_span, block.span)


def within(inner: Span, outer: Span) -> bool:
    """Whether a place lies inside of another one."""
    if inner == outer:
        return False
    begins = (outer.line, outer.column) <= (inner.line, inner.column)
    ends = (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    return begins and ends


def _repair(entry: Entry, synonym: Synonym) -> tuple[Suggestion, ...]:
    """Return the edits that put a key right, and its value where that is written otherwise."""
    value, field = entry.value, synonym.field
    if not synonym.note or (synonym.form and isinstance(value, Sequence)):
        return repair(entry.key_span, field)
    if not isinstance(value, Scalar):
        return ()
    if synonym.shift and type(value.value) is int:
        written = str(value.value + synonym.shift)
    elif synonym.form:
        written = synonym.form.format(value.text)
    else:
        return ()
    title = f"write `{field}: {written}`"
    return (Suggestion(title, entry.key_span, field), Suggestion(title, value.span, written))
