"""The rules of a policy, each checked by the model of its kind."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.kind import Kind
from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, Sequence, is_empty, is_null
from mlpolicy.model.check import Checked, check, is_table, locate, models_in, path_of
from mlpolicy.model.grammar import RuleCommon
from mlpolicy.model.interpolate import Interpolated, holds_secret
from mlpolicy.model.overlay import spelt_out
from mlpolicy.model.policy import Block, RuleBlock, Setting, Tree
from mlpolicy.model.synonyms import OF_RULES
from mlpolicy.model.unknown import Words
from mlpolicy.rules import KINDS

_COMMON = frozenset(RuleCommon.model_fields)
_SWITCHES = ("inherit", "final")


class Layers:
    """Knows which part of one file a place lies in: `defaults`, `policies.NAME`, `environments.prod`."""

    def __init__(self, root: Node | None = None) -> None:
        parts: list[tuple[int, int, str]] = []
        for entry in root.entries if isinstance(root, Mapping) else ():
            parts.append((entry.key_span.line, entry.key_span.column, entry.key))
            named = entry.key in ("policies", "profiles", "resources", "environments")
            for inner in entry.value.entries if named and isinstance(entry.value, Mapping) else ():
                name = f"{entry.key}.{inner.key}"
                parts.append((inner.key_span.line, inner.key_span.column, name))
        parts.sort()
        self._starts = [(line, column) for line, column, _ in parts]
        self._names = [name for _, _, name in parts]

    def of(self, span: Span) -> str:
        """Return the name of the part in which *span* begins; nothing before the first."""
        at = bisect_right(self._starts, (span.line, span.column))
        return self._names[at - 1] if at else ""


@dataclass(slots=True)
class RuleReader:
    """Reads the rules of one file, collecting findings."""

    layers: Layers = field(default_factory=Layers)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def rules(self, entries: Iterable[Entry]) -> tuple[RuleBlock, ...]:
        """Return the rules among *entries*, less those that could not be read."""
        found = [self.rule(entry) for entry in entries if entry.key in KINDS]
        return tuple([rule for rule in found if rule is not None])

    def rule(self, entry: Entry) -> RuleBlock | None:
        """Return the rule that *entry* writes."""
        kind = KINDS[entry.key]
        body = spelt_out(entry.value, kind.name)
        if not isinstance(body, Mapping):
            return self._not_a_block(entry, body)
        own, common = body, body
        if not _COMMON.isdisjoint(body.index):
            own = Mapping(
                tuple([inner for inner in body.entries if inner.key not in _COMMON]), body.at
            )
            common = Mapping(
                tuple([_with_percent(inner) for inner in body.entries if inner.key in _COMMON]),
                body.at,
            )
        model = kind.rule_model()
        # What is required may stand in another policy, but for what is within a block.
        checked = self._checked(own, model, kind, depth=2)
        shared = self._common(common, kind) if common is not body else ({}, {})
        if checked.broken or shared is None:
            return None
        settings, switches = shared
        settings = {**settings, **self.tree(checked.node, model)}
        return RuleBlock(kind.name, entry.key_span, settings, **switches)

    def _common(self, node: Mapping, kind: Kind) -> tuple[Tree, dict[str, Any]] | None:
        """Return the settings that every rule has, and the switches; None where one is wrong."""
        checked = self._checked(node, RuleCommon, kind, depth=1)
        if checked.value is None:
            return None
        kept = without_nulls(checked.node.entries)
        written = tuple(inner for inner in kept if inner.key not in _SWITCHES)
        switches = {name: getattr(checked.value, name) for name in _SWITCHES}
        return self.tree(Mapping(written, node.at), RuleCommon), switches

    def _checked(self, node: Mapping, model: type[BaseModel], kind: Kind, *, depth: int) -> Checked:
        """Check *node*; required keys are asked for from *depth* on."""
        checked = check(node, model, _words(kind))
        self.diagnostics += checked.diagnostics
        for loc in checked.missing:
            if len(loc) >= depth:
                path = path_of(node, loc[:-1], (kind.name,))
                span = locate(node, loc[:-1])[0].span
                self.diagnostics.append(Diagnostic("MP011", f"{path} needs `{loc[-1]}`", span))
        return checked

    def _not_a_block(self, entry: Entry, node: Node) -> RuleBlock | None:
        """Return the gap that an environment leaves with `null`; all else is a mistake."""
        name = entry.key
        if is_null(node) and self.layers.of(node.span).startswith("environments."):
            _, _, environment = self.layers.of(entry.key_span).partition("environments.")
            return RuleBlock(name, entry.key_span, removed=True, only_below=environment)
        if isinstance(node, Scalar) and node.value is None:
            if is_empty(node):
                return None  # the reader reported that
            help = f"write `{name}: false` to switch it off"
            text = f"`{name}` has no value"
            self.diagnostics.append(Diagnostic("MP009", text, node.span, help=help))
        else:
            found = f"`{node.text}`" if isinstance(node, Scalar) else "a list"
            text = f"expected a mapping of settings for `{name}`, found {found}"
            self.diagnostics.append(Diagnostic("MP010", text, node.span))
        return None

    # --- trees ------------------------------------------------------------------------

    def tree(self, node: Mapping, model: type[BaseModel]) -> Tree:
        """Return the settings of *node*: a tree where *model* has a block of its own, else values."""
        return {
            entry.key: self._branch(entry, _block_of(model, entry.key)) for entry in node.entries
        }

    def _branch(self, entry: Entry, block: tuple[type[BaseModel], bool] | None) -> Setting | Block:
        value = entry.value
        if block is None or not isinstance(value, Mapping):
            return self._setting(entry)
        model, is_author = block
        if not is_author:
            return Block(self.tree(value, model), entry.key_span)
        inner: Tree = {one.key: self._branch(one, (model, False)) for one in value.entries}
        return Block(inner, entry.key_span)

    def _setting(self, entry: Entry) -> Setting:
        node = entry.value
        layer = self.layers.of(node.span)
        if type(node) is Scalar:
            return Setting(node.value, node.span, entry.key_span, layer)
        written = node.written if isinstance(node, Interpolated) else ""
        places = dict(_places(node))
        secret = holds_secret(node)
        return Setting(node.plain(), node.span, entry.key_span, layer, written, secret, places)


def _places(node: Node, above: str = "") -> Iterator[tuple[str, Span]]:
    """Yield where each value inside of *node* stands, by its path."""
    inside: Iterable[tuple[int | str, Node]] = ()
    if isinstance(node, Sequence):
        inside = enumerate(node.items)
    elif isinstance(node, Mapping):
        inside = ((entry.key, entry.value) for entry in node.entries)
    for name, value in inside:
        yield f"{above}{name}", value.span
        yield from _places(value, f"{above}{name}.")


def without_nulls(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the *entries* that say something: null is as good as not written."""
    for entry in entries:
        if not (isinstance(entry.value, Scalar) and entry.value.value is None):
            yield entry


def _with_percent(entry: Entry) -> Entry:
    """Return a rollout of one number as the mapping that it stands for."""
    value = entry.value
    if entry.key != "rollout" or not isinstance(value, Scalar) or value.value is None:
        return entry
    percent = Entry("percent", value.at, value)
    return Entry(entry.key, entry.at, Mapping((percent,), value.at))


def _words(kind: Kind) -> Words:
    return Words(
        f"rule `{kind.name}`",
        {**OF_RULES, **kind.synonyms},
        also=tuple(RuleCommon.model_fields),
        path=(kind.name,),
    )


@cache
def _block_of(model: type[BaseModel], key: str) -> tuple[type[BaseModel], bool] | None:
    """Return the model of the block at *key*, and whether its keys are the author's own."""
    known = model.model_fields.get(key)
    inner = next(iter(models_in(known.annotation)), None) if known else None
    return (inner, is_table(known.annotation)) if known and inner else None
