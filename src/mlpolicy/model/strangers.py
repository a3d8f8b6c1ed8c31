"""The words of a file that may be kinds of rule which plugins provide."""

from __future__ import annotations

from mlpolicy.core.words import closest
from mlpolicy.document.node import Entry, Node
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model.grammar import META, PolicyBlock, ProfileBlock
from mlpolicy.model.rules import elsewhere
from mlpolicy.rules import KINDS


def look_for_kinds(root: MappingNode) -> None:
    """Look for the kinds of plugins that *root* may speak of: all keys that are none of ours."""
    known = {*PolicyBlock.model_fields, *ProfileBlock.model_fields, *META, *KINDS}
    environments = root.get("environments")
    overlays = environments.entries if isinstance(environments, MappingNode) else ()
    keys: set[str] = set()
    for part in (root, *(one.value for one in overlays)):
        for bodies in (_bodies(part, "policies"), _bodies(part, "profiles")):
            keys.update(entry.key for body in bodies for entry in body.entries)
        keys.update(entry.key for entry in _below(part, "defaults"))
    strangers = keys - known
    if strangers:
        strangers -= elsewhere().keys()
    others = [name for name in KINDS.names() if name not in KINDS] if strangers else []
    if others:
        for key in strangers:
            KINDS.look_for(key if key in others else closest(key, others) or key)


def _bodies(node: Node, section: str) -> list[MappingNode]:
    values = (one.value for one in _below(node, section))
    return [one for one in values if isinstance(one, MappingNode)]


def _below(node: Node, section: str) -> tuple[Entry, ...]:
    found = node.get(section) if isinstance(node, MappingNode) else None
    return found.entries if isinstance(found, MappingNode) else ()
