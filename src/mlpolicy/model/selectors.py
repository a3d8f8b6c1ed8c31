"""What a policy is for: its targets and patterns, and what else it asks of a function."""

from __future__ import annotations

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.core.words import did_you_mean
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, Sequence
from mlpolicy.model.policy import Name, Pattern

_CONDITIONS = ("tag", "kind", "has_param", "decorated_by")


def patterns(node: Node | None, findings: list[Diagnostic]) -> tuple[Pattern, ...]:
    """Return the patterns of a list, or of a single one; what is none goes to *findings*."""
    made = [pattern_of(name.text, name.span, findings) for name in names(node)]
    return tuple([pattern for pattern in made if pattern])


def pattern_of(text: str, span: Span, findings: list[Diagnostic]) -> Pattern | None:
    """Return the pattern that *text* is; what is wrong with it goes to *findings*."""
    if "${" in text:
        return None  # said already, with all other variables
    try:
        return Pattern(Glob.parse(text), span)
    except TargetError as error:
        help, edits = did_you_mean(error.meant), repair(span, error.meant)
        findings.append(Diagnostic("MP010", error.message, span, help=help, suggestions=edits))
        return None


def conditions(match: Node | None) -> dict[str, tuple[Name, ...]]:
    """Return the words of a `match` besides its targets, by key."""
    entries = match.entries if isinstance(match, Mapping) else ()
    return {entry.key: names(entry.value) for entry in entries if entry.key in _CONDITIONS}


def names(node: Node | None) -> tuple[Name, ...]:
    """Return the words of a list, or of a single one; of a list that lacks its brackets, too."""
    if node is None:
        return ()
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return tuple(Name(word.strip(), node.span) for word in node.value.split(","))
    items = node.items if isinstance(node, Sequence) else ()
    return tuple(
        Name(item.value, item.span)
        for item in items
        if isinstance(item, Scalar) and isinstance(item.value, str)
    )


def unselected(entry: Entry) -> Diagnostic:
    """Return the finding for a policy without a selector; a dotted name is probably its target."""
    help = "write `match:`, or use the function's path as the name: `package.module:function`"
    meant = ""
    if "." in entry.key:
        try:
            Target.parse(entry.key)
        except TargetError as error:
            meant = error.meant
    text, edits = f"policy `{entry.key}` needs `match`", repair(entry.key_span, meant)
    help = did_you_mean(meant, help)
    return Diagnostic("MP011", text, entry.key_span, help=help, suggestions=edits)
