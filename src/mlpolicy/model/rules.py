"""The rules of a policy, each checked by the model of its kind."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.kind import Kind
from mlpolicy.document.node import Entry, Node, Scalar
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model.check import Words, check, models_in
from mlpolicy.model.grammar import PolicyBlock, RuleCommon
from mlpolicy.model.policy import Block, RuleBlock, Setting, Tree
from mlpolicy.rules import KINDS

_COMMON = tuple(RuleCommon.model_fields)


def read_rule(entry: Entry, diagnostics: list[Diagnostic]) -> RuleBlock | None:
    """Return the rule that *entry* writes; what is wrong goes to *diagnostics*."""
    kind = KINDS[entry.key]
    body = _normal(entry, kind, diagnostics)
    if body is None:
        return None
    common = MappingNode(tuple(one for one in body.entries if one.key in _COMMON), body.span)
    own = MappingNode(tuple(one for one in body.entries if one.key not in _COMMON), body.span)
    controls = check(common, RuleCommon, _words(kind))
    checked = check(own, kind.rule_model(), _words(kind))
    diagnostics += (*controls.diagnostics, *checked.diagnostics)
    diagnostics += (_missing(body, loc, kind) for loc in checked.missing if len(loc) > 1)
    if controls.broken or checked.broken:
        return None
    settings = controls.value.model_dump()
    return RuleBlock(kind.name, entry.key_span, tree(own, kind.rule_model()), **settings)


def _normal(entry: Entry, kind: Kind, diagnostics: list[Diagnostic]) -> MappingNode | None:
    """Return the rule as a mapping: shorthands spelt out, with their places."""
    node = entry.value
    if isinstance(node, MappingNode):
        return node
    if isinstance(node, Scalar) and node.value is None:
        if node.text:  # an empty value was reported by the reader
            help = f"write `{kind.name}: false` to switch it off"
            diagnostics.append(
                Diagnostic("MP009", f"`{kind.name}` has no value", node.span, help=help)
            )
        return None
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        off = Scalar("disabled", node.span, "disabled", True)
        entries = () if node.value else (Entry("mode", node.span, off),)
        return MappingNode(entries, node.span)
    if kind.shorthand is None or not isinstance(node, Scalar):
        message = f"expected a mapping of settings for `{kind.name}`, found {_what(node)}"
        diagnostics.append(Diagnostic("MP010", message, node.span))
        return None
    return MappingNode((Entry(kind.shorthand, node.span, node),), node.span)


def _what(node: Node) -> str:
    return f"`{node.text}`" if isinstance(node, Scalar) else "a list"


def _words(kind: Kind) -> Words:
    elsewhere = {key: "the policy itself" for key in PolicyBlock.model_fields if key != "mode"}
    return Words(f"rule `{kind.name}`", kind.synonyms, elsewhere)


def _missing(node: MappingNode, loc: tuple[int | str, ...], kind: Kind) -> Diagnostic:
    from mlpolicy.model.check import locate

    held, _ = locate(node, loc[:-1])
    path = ".".join(str(part) for part in (kind.name, *loc[:-1]))
    return Diagnostic("MP011", f"`{path}` needs `{loc[-1]}`", held.span)


def tree(node: MappingNode, model: type[BaseModel]) -> Tree:
    """Return the settings of *node*: a tree where *model* has a block of its own, else values."""
    found: dict[str, Setting | Block] = {}
    for entry in node.entries:
        field = model.model_fields.get(entry.key)
        found[entry.key] = _branch(entry, field.annotation if field else None)
    return found


def _branch(entry: Entry, annotation: Any) -> Setting | Block:
    value = entry.value
    model = next(iter(models_in(annotation)), None)
    if model is None or not isinstance(value, MappingNode):
        return Setting(value.plain(), value.span, entry.key_span)
    if _is_table(annotation):
        held: Tree = {one.key: _branch(one, model) for one in value.entries}
    else:
        held = tree(value, model)
    return Block(held, entry.key_span)


def _is_table(annotation: Any) -> bool:
    """Whether a block's keys are names of the author's own, each with a block under it."""
    if getattr(annotation, "__origin__", None) is dict:
        return True
    return any(_is_table(inner) for inner in getattr(annotation, "__args__", ()))


def elsewhere() -> dict[str, str]:
    """Return where the fields of rules belong, for those found where no rule is."""
    places: dict[str, list[str]] = {}
    for name in KINDS:
        for field in KINDS[name].rule_model().model_fields:
            places.setdefault(field, []).append(f"`{name}`")
    return {field: " or ".join(kinds) for field, kinds in places.items()}
