"""Keys that are not there: a synonym by the table of the block, else the closest of its keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import field
from difflib import get_close_matches
from functools import cache

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, Suggestion, closest, repair
from mlpolicy.core.kind import Synonym
from mlpolicy.core.model import models_in
from mlpolicy.core.span import Span
from mlpolicy.document.node import (
    Entry,
    Node,
    Scalar,
    Sequence,
    entries_of,
    is_bare,
    is_empty,
    is_null,
)
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model.grammar import (
    FileBlock,
    MatchBlock,
    PolicyBlock,
    ProfileBlock,
    RuleCommon,
)
from mlpolicy.rules import KINDS

_MISSPELT = 0.85
"""How like a synonym a word must be to be a slip in typing that."""
_LATER = ("timeout", "circuit_breaker", "rate_limit", "concurrency", "fallback", "retry_budget")
"""Kinds that the language has words for, and nobody provides."""
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


def spelt(
    node: MappingNode,
    fields: Collection[str],
    about: Words,
    findings: list[Diagnostic],
    *,
    block: str = "",
    of_policy: bool = False,
) -> MappingNode:
    """Return *node* with misspelt keys as they were meant; each unknown one goes to *findings*.

    *block* is the setting that it stands under. In a block *of_policy* rules stand, and so perhaps
    one of a kind that is not installed.
    """
    if all(entry.key in fields for entry in node.entries):
        return node
    kept: list[Entry] = []
    there = {laid: keys_beside(node, laid=laid) for laid in (False, True)}
    empty = False
    for entry in node.entries:
        if entry.key in fields:
            kept.append(entry)
            empty = is_empty(entry.value)
            continue
        synonym = about.meant(entry.key, fields, block)
        if empty and synonym is None:
            continue  # it belongs under the key above, which was reported as empty
        empty = False
        if is_bare(entry) and not (of_policy and synonym):
            kept.append(entry)  # the reader said what is wrong with it
            continue
        if of_policy and synonym is None and _is_stranger(entry, about):
            findings.append(not_installed(entry))
            continue
        beside = there[is_laid(entry, node)]
        findings.append(unknown_key(entry, fields, about, block=block, beside=beside))
        if "${" in entry.key or not (synonym or of_policy):
            kept.append(entry)  # variables in it are judged all the same
        elif synonym is not None:
            # What is there already is not overwritten; with a note, its value is of another form.
            taken = synonym.field in there[False] | there[True]
            if not taken and not synonym.note and not is_null(entry.value):
                kept.append(Entry(synonym.field, entry.key_span, entry.value))
            beside.add(synonym.field)
    return MappingNode(tuple(kept), node.span)


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


def section_of(root: Node, key: str) -> MappingNode:
    """Return the mapping at *key*; one of another type was reported with the file."""
    node = root.get(key) if isinstance(root, MappingNode) else None
    return node if isinstance(node, MappingNode) else MappingNode((), root.at)


# --- kinds that are not here ----------------------------------------------------------


def _keys_beside_rules(root: MappingNode) -> set[str]:
    """Return every key that stands where those of rules do."""
    keys: set[str] = set()
    for part in (root, *(entry.value for entry in entries_of(root.get("environments")))):
        keys |= section_of(part, "defaults").index.keys()
        for section in ("policies", "profiles"):
            for entry in section_of(part, section).entries:
                keys |= {inner.key for inner in entries_of(entry.value)}
    return keys


def look_for_kinds(root: MappingNode) -> None:
    """Look for the kinds of plugins that *root* may speak of: all keys that are none of ours."""
    keys = _keys_beside_rules(root) - {
        *PolicyBlock.model_fields,
        *ProfileBlock.model_fields,
        *KINDS,
    }
    others = [name for name in KINDS.names() if name not in KINDS] if keys else []
    for key in keys - _words_of_rules(tuple(KINDS)) if others else ():
        if not KINDS.look_for(key) and (near := closest(key, others)):
            KINDS.look_for(near)  # (it may be what a misspelt key means)


def _is_stranger(entry: Entry, about: Words) -> bool:
    """Whether a key is probably the name of a kind that is not installed."""
    is_word = entry.key in about.synonyms or entry.key in _words_of_rules(tuple(KINDS))
    return entry.key in KINDS.refused or (not is_word and may_be_kind(entry, None))


def may_be_kind(entry: Entry, synonym: Synonym | None) -> bool:
    """Whether a key that is not known is the name of a kind, not a slip for *synonym*."""
    is_named = entry.key in _LATER or entry.key in KINDS.refused
    return is_named or (isinstance(entry.value, MappingNode) and synonym is None)


def not_installed(entry: Entry) -> Diagnostic:
    """Return the finding for a kind that is not there, or cannot be used."""
    refused = KINDS.refused.get(entry.key)
    if refused is not None:
        return Diagnostic(refused.code, str(refused), entry.key_span, help=refused.help)
    help = "there are " + ", ".join(f"`{name}`" for name in KINDS)
    text = f"no kind of rule `{entry.key}` is installed"
    return Diagnostic("MP130", text, entry.key_span, help=help)


@cache
def _words_of_rules(kinds: tuple[str, ...]) -> frozenset[str]:
    """Return the settings of the file and of rules of *kinds*, those of inner blocks too."""
    models = [KINDS[name].rule_model() for name in kinds]
    models += (FileBlock, PolicyBlock, MatchBlock, RuleCommon)
    for model in models:
        for known in model.model_fields.values():
            models += [inner for inner in models_in(known.annotation) if inner not in models]
    return frozenset(word for model in models for word in model.model_fields)
