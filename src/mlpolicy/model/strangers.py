"""The words of a file that may be kinds of rule which plugins provide."""

from __future__ import annotations

from collections.abc import Collection

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.words import closest
from mlpolicy.document.node import Entry, Node, entries_of
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model.grammar import META, PolicyBlock, ProfileBlock
from mlpolicy.model.places import elsewhere
from mlpolicy.model.unknown import Block, Words, unknown_key
from mlpolicy.rules import KINDS

LATER = ("timeout", "circuit_breaker", "rate_limit", "concurrency", "fallback", "retry_budget")
"""Kinds that the language has words for, and nobody provides."""


def look_for_kinds(root: MappingNode) -> None:
    """Look for the kinds of plugins that *root* may speak of: all keys that are none of ours."""
    known = {*PolicyBlock.model_fields, *ProfileBlock.model_fields, *META, *KINDS}
    keys: set[str] = set()
    for part in (root, *(one.value for one in _below(root, "environments"))):
        for body in (*_below(part, "policies"), *_below(part, "profiles")):
            keys.update(entry.key for entry in entries_of(body.value))
        keys.update(entry.key for entry in _below(part, "defaults"))
    strangers = keys - known
    if strangers:
        strangers -= elsewhere().keys()
    others = [name for name in KINDS.names() if name not in KINDS] if strangers else []
    if others:
        for key in strangers:
            KINDS.look_for(key if key in others else closest(key, others) or key)


def is_stranger(entry: Entry, known: Collection[str], about: Words) -> bool:
    """Whether a key is probably the name of a kind that is not installed."""
    if entry.key in KINDS.refused:
        return True
    if entry.key in known or entry.key in about.elsewhere or entry.key in about.synonyms:
        return False
    if entry.key in LATER:
        return True
    is_block = isinstance(entry.value, MappingNode)
    return is_block and about.meant(entry.key, (*known, *about.also)) is None


def not_installed(entry: Entry) -> Diagnostic:
    """Return the finding for a kind that is not there, or cannot be used."""
    refused = KINDS.refused.get(entry.key)
    if refused is not None:
        return Diagnostic(refused.code, str(refused), entry.key_span, help=refused.help)
    return Diagnostic(
        "MP130",
        f"no kind of rule `{entry.key}` is installed",
        entry.key_span,
        help="there are " + ", ".join(f"`{name}`" for name in KINDS),
    )


def stranger(
    entry: Entry, known: tuple[str, ...], about: Words, *, beside: Collection[str] = ()
) -> Diagnostic:
    """Return the finding for a key that is none of *known*: a kind, or a slip.

    *beside* it are those keys.
    """
    is_kind = entry.key in (*LATER, *KINDS.refused) or (
        isinstance(entry.value, MappingNode) and about.meant(entry.key, known) is None
    )
    return (
        not_installed(entry) if is_kind else unknown_key(entry, known, about, Block(there=beside))
    )


def _below(node: Node, section: str) -> tuple[Entry, ...]:
    return entries_of(node.get(section)) if isinstance(node, MappingNode) else ()
