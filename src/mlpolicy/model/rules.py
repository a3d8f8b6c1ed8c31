"""The rules of a policy, each checked by the model of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.kind import Kind
from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Node, Scalar, is_empty, is_null
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.node import Sequence as SequenceNode
from mlpolicy.model.check import check, is_table, locate, models_in, path_of
from mlpolicy.model.grammar import RuleCommon
from mlpolicy.model.habits import OF_RULES
from mlpolicy.model.interpolate import Interpolated, holds_secret
from mlpolicy.model.layers import Layers
from mlpolicy.model.places import IN_RULE
from mlpolicy.model.policy import Block, OwnTree, Right, RuleBlock, Setting, Tree
from mlpolicy.model.short import spelt_out
from mlpolicy.model.unknown import Words
from mlpolicy.rules import KINDS

_COMMON = dict.fromkeys(RuleCommon.model_fields)
_SWITCHES = ("inherit", "final")
_ELSEWHERE = frozenset("*|>")
"""What a text has that does not by itself say what it means: an alias, or the text of a block."""


@dataclass(slots=True)
class RuleReader:
    """Reads the rules of one file, collecting findings."""

    layers: Layers
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _right: dict[tuple[str, str], Right] = field(default_factory=dict)
    """Settings that were checked and found right, by kind: policies repeat themselves."""
    _same: dict[tuple[str, tuple[str, int]], Right] = field(default_factory=dict)
    """The same by kind and by what is written."""

    def rules(self, entries: Iterable[Entry]) -> tuple[RuleBlock, ...]:
        """Return the rules among *entries*, less those that could not be read."""
        found = [self.rule(entry) for entry in entries if entry.key in KINDS]
        return tuple([rule for rule in found if rule is not None])

    def rule(self, entry: Entry) -> RuleBlock | None:
        """Return the rule that *entry* writes."""
        kind = KINDS[entry.key]
        body = entry.value
        if not isinstance(body, MappingNode):
            if is_null(body) and self.layers.of(body.span).startswith("environments."):
                _, _, environment = self.layers.of(entry.key_span).partition("environments.")
                return RuleBlock(kind.name, entry.key_span, removed=True, only_below=environment)
            spelt = self._normal(entry, kind)
            if spelt is None:
                return None
            body = spelt
        right = self._same.get((kind.name, written)) if (written := body.written) else None
        if right is not None:
            return RuleBlock(kind.name, entry.key_span, self._tree(body, kind, right))
        for one in body.entries:
            if one.key in _COMMON:
                return self._of_two(entry, body, kind)
        settings = self._own(body, kind)
        return None if settings is None else RuleBlock(kind.name, entry.key_span, settings)

    def _of_two(self, entry: Entry, body: MappingNode, kind: Kind) -> RuleBlock | None:
        """Return the rule of settings of its kind, and of those that every rule has."""
        own = tuple(one for one in body.entries if one.key not in _COMMON)
        common = tuple(one for one in body.entries if one.key in _COMMON)
        settings = self._own(MappingNode(own, body.span), kind)
        shared = self._common(MappingNode(common, body.span), kind)
        if settings is None or shared is None:
            return None
        others, switches = shared
        if others:
            settings = {**others, **settings}
        return RuleBlock(kind.name, entry.key_span, settings, **switches)

    def _own(self, node: MappingNode, kind: Kind) -> Tree | None:
        """Return the settings of the kind; what was right before is right again."""
        written, text = node.written, repr(node.plain())
        right = self._right.get((kind.name, text))
        if right is None:
            checked = check(node, kind.rule_model(), _words(kind))
            self.diagnostics += checked.diagnostics
            self.diagnostics += (
                _missing(node, loc, kind) for loc in checked.missing if len(loc) > 1
            )
            if checked.broken:
                return None
            if checked.missing or checked.texts:
                return self.tree(node, kind.rule_model(), texts=checked.texts)
            right = Right(text, checked.value, frozenset(one.key for one in node.entries))
            self._right[kind.name, text] = right
        if written is None and holds_secret(node):
            return self.tree(node, kind.rule_model())
        if written and _ELSEWHERE.isdisjoint(written[0]):
            self._same[kind.name, written] = right
        return self._tree(node, kind, right)

    def _tree(self, node: MappingNode, kind: Kind, right: Right) -> Tree:
        return OwnTree(lambda: self.tree(node, kind.rule_model()), right)

    def _common(self, node: MappingNode, kind: Kind) -> tuple[Tree, dict[str, Any]] | None:
        """Return the settings that every rule has, and the switches; None where one is wrong."""
        spelt = MappingNode(tuple(_spelt(one) for one in node.entries), node.span)
        checked = check(spelt, RuleCommon, _words(kind))
        self.diagnostics += checked.diagnostics
        self.diagnostics += (_missing(spelt, loc, kind) for loc in checked.missing)
        if checked.value is None:
            return None
        kept = tuple(one for one in without_nulls(spelt.entries) if one.key not in _SWITCHES)
        settings = self.tree(MappingNode(kept, node.span), RuleCommon, texts=checked.texts)
        return settings, {name: getattr(checked.value, name) for name in _SWITCHES}

    def _normal(self, entry: Entry, kind: Kind) -> MappingNode | None:
        """Return the rule as a mapping: shorthands spelt out, with their places."""
        node = spelt_out(entry.value, kind.name)
        if isinstance(node, MappingNode):
            return node
        if isinstance(node, Scalar) and node.value is None:
            if not is_empty(node):  # that was reported by the reader
                help = f"write `{kind.name}: false` to switch it off"
                message = f"`{kind.name}` has no value"
                self.diagnostics.append(Diagnostic("MP009", message, node.span, help=help))
            return None
        message = f"expected a mapping of settings for `{kind.name}`, found {_what(node)}"
        self.diagnostics.append(Diagnostic("MP010", message, node.span))
        return None

    # --- trees ------------------------------------------------------------------------

    def tree(
        self, node: MappingNode, model: type[BaseModel], *, texts: frozenset[int] = frozenset()
    ) -> Tree:
        """Return the settings of *node*: a tree where *model* has a block of its own, else values.

        *texts* are the ids of values that are taken as they were written, not as numbers.
        """
        found: dict[str, Setting | Block] = {}
        for entry in node.entries:
            if isinstance(entry.value, MappingNode):
                found[entry.key] = self._branch(entry, _block_of(model, entry.key), texts)
            else:
                found[entry.key] = self._setting(entry, texts)
        return found

    def _branch(
        self, entry: Entry, block: tuple[type[BaseModel], bool] | None, texts: frozenset[int]
    ) -> Setting | Block:
        value = entry.value
        if block is None or not isinstance(value, MappingNode):
            return self._setting(entry, texts)
        model, is_table = block
        if is_table:
            held: Tree = {
                one.key: self._branch(one, (model, False), texts) for one in value.entries
            }
        else:
            held = self.tree(value, model, texts=texts)
        return Block(held, entry.key_span)

    def _setting(self, entry: Entry, texts: frozenset[int]) -> Setting:
        node = entry.value
        layer = self.layers.of(node.span)
        if type(node) is Scalar:
            return Setting(node.value, node.span, entry.key_span, layer)
        plain = node.text if id(node) in texts and isinstance(node, Scalar) else node.plain()
        written = node.written if isinstance(node, Interpolated) else ""
        secret, places = holds_secret(node), dict(_places(node))
        return Setting(plain, node.span, entry.key_span, layer, written, secret, places)


def _places(node: Node, above: str = "") -> Iterator[tuple[str, Span]]:
    """Yield where each value inside of *node* stands, by its path."""
    inside: Iterable[tuple[int | str, Node]] = ()
    if isinstance(node, SequenceNode):
        inside = enumerate(node.items)
    elif isinstance(node, MappingNode):
        inside = ((entry.key, entry.value) for entry in node.entries)
    for name, held in inside:
        yield f"{above}{name}", held.span
        yield from _places(held, f"{above}{name}.")


def without_nulls(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the *entries* that say something: null is as good as not written."""
    for one in entries:
        if not (isinstance(one.value, Scalar) and one.value.value is None):
            yield one


def _spelt(entry: Entry) -> Entry:
    """Return a rollout of one number as the mapping that it stands for."""
    if entry.key != "rollout" or not isinstance(entry.value, Scalar) or entry.value.value is None:
        return entry
    percent = Entry("percent", entry.value.span, entry.value)
    return Entry(entry.key, entry.key_span, MappingNode((percent,), entry.value.span))


def _what(node: Node) -> str:
    return f"`{node.text}`" if isinstance(node, Scalar) else "a list"


def _words(kind: Kind) -> Words:
    return Words(
        f"rule `{kind.name}`",
        {**OF_RULES, **kind.synonyms},
        IN_RULE,
        also=tuple(_COMMON),
        path=(kind.name,),
    )


def _missing(node: MappingNode, loc: tuple[int | str, ...], kind: Kind) -> Diagnostic:
    held, _ = locate(node, loc[:-1])
    path = path_of(node, loc[:-1], (kind.name,))
    return Diagnostic("MP011", f"{path} needs `{loc[-1]}`", held.span)


@cache
def _block_of(model: type[BaseModel], key: str) -> tuple[type[BaseModel], bool] | None:
    """Return the model of the block at *key*, and whether its keys are the author's own."""
    field = model.model_fields.get(key)
    found = next(iter(models_in(field.annotation)), None) if field else None
    return (found, is_table(field.annotation)) if field and found else None
