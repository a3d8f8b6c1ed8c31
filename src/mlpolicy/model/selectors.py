"""What a policy is for: its targets and patterns, and what else it asks of a function."""

from __future__ import annotations

from collections.abc import Mapping

from mlpolicy.core.diagnostic import Diagnostic, Suggestion, repair
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.core.words import did_you_mean
from mlpolicy.document.node import Entry, Node, Scalar, Sequence
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model.policy import Name, Pattern
from mlpolicy.model.unknown import Words

_CONDITIONS = ("tag", "kind", "has_param", "decorated_by")


def patterns(node: Node | None, found: list[Diagnostic]) -> tuple[Pattern, ...]:
    """Return the patterns of a list, or of a single one; what is none goes to *found*."""
    each = [pattern_of(name.text, name.span, found) for name in names(node)]
    return tuple([pattern for pattern in each if pattern])


def pattern_of(text: str, span: Span, found: list[Diagnostic]) -> Pattern | None:
    """Return the pattern that *text* is; what is wrong with it goes to *found*."""
    if "${" in text:
        return None  # said already, with all other variables
    try:
        return Pattern(Glob.parse(text), span)
    except TargetError as error:
        help, edits = did_you_mean(error.meant), repair(span, error.meant)
        found.append(Diagnostic("MP010", error.message, span, help=help, suggestions=edits))
        return None


def selects(node: Node) -> bool:
    """Whether *node* is a policy that says what it is for."""
    return isinstance(node, MappingNode) and node.get("match") is not None


def is_match(key: str, known: Mapping[str, None], about: Words) -> bool:
    """Whether *key* is `match`, or was meant to be."""
    meant = None if key in known else about.meant(key, known)
    return key == "match" or (meant is not None and meant.field == "match")


def asked(match: Node | None) -> dict[str, tuple[Name, ...]]:
    """Return the words of a `match` besides its targets, by key."""
    if not isinstance(match, MappingNode):
        return {}
    return {one.key: names(one.value) for one in match.entries if one.key in _CONDITIONS}


def names(node: Node | None) -> tuple[Name, ...]:
    """Return the words of a list, or of a single one; of a list that lacks its brackets, too."""
    if node is None:
        return ()
    items = node.items if isinstance(node, Sequence) else (node,)
    if isinstance(node, Scalar) and isinstance(node.value, str) and "," in node.value:
        return tuple(Name(word.strip(), node.span) for word in node.value.split(","))
    return tuple(
        Name(item.value, item.span)
        for item in items
        if isinstance(item, Scalar) and isinstance(item.value, str)
    )


def unselected(entry: Entry) -> Diagnostic:
    """Return the finding for a policy without a selector; a dotted name is probably its target."""
    help = "write `match:`, or use the function's path as the name: `package.module:function`"
    edits: tuple[Suggestion, ...] = ()
    if "." in entry.key:
        try:
            Target.parse(entry.key)
        except TargetError as error:
            help = did_you_mean(error.meant, help)
            edits = repair(entry.key_span, error.meant)
    text = f"policy `{entry.key}` needs `match`"
    return Diagnostic("MP011", text, entry.key_span, help=help, suggestions=edits)
