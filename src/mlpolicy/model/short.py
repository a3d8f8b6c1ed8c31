"""Short forms of rules: `retry: 3`, `cache: 30s`, `KIND: true`, `KIND: false`."""

from __future__ import annotations

from mlpolicy.document.node import Entry, Mapping, Node, Scalar
from mlpolicy.rules import KINDS


def spelt_out(node: Node, kind: str) -> Node:
    """Return a rule as the block that it stands for; what is no short form stays as it is."""
    if not isinstance(node, Scalar) or node.value is None:
        return node
    if isinstance(node.value, bool):
        off = Scalar("disabled", node.span, "disabled", True)
        return Mapping(() if node.value else (Entry("mode", node.span, off),), node.span)
    field = KINDS[kind].shorthand
    return node if field is None else Mapping((Entry(field, node.span, node),), node.span)
