"""An environment laid over its file: a JSON merge patch (RFC 7396) on located nodes."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from mlpolicy.core.diagnostic import Diagnostic, closest, did_you_mean, repair
from mlpolicy.core.model import is_table, models_in
from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, entries_of, is_empty, is_null
from mlpolicy.document.node import Sequence as SequenceNode
from mlpolicy.model.grammar import PolicyBlock, ProfileBlock, RuleCommon, SettingsBlock
from mlpolicy.model.policy import is_name
from mlpolicy.rules import KINDS

_BLOCKS: dict[str, type[BaseModel]] = {"policies": PolicyBlock, "profiles": ProfileBlock}
_WHAT = {"policies": "policy", "profiles": "profile"}
_NAMED = ("policies", "profiles", "resources", "vars")
"""Sections whose keys are names of the author's."""


_LAST = chr(sys.maxunicode)
"""Greater than the name of any part."""


class Layers:
    """Knows which part of one file a place lies in: `defaults`, `policies.NAME`, `environments.prod`."""

    def __init__(self, root: Node | None = None) -> None:
        parts: list[tuple[int, int, str]] = []
        for entry in entries_of(root):
            parts.append((entry.key_span.line, entry.key_span.column, entry.key))
            if entry.key in ("policies", "profiles", "resources", "environments"):
                for inner in entries_of(entry.value):
                    place = inner.key_span
                    parts.append((place.line, place.column, f"{entry.key}.{inner.key}"))
        self._parts = sorted(parts)

    def of(self, span: Span) -> str:
        """Return the name of the part in which *span* begins; nothing before the first."""
        at = bisect_right(self._parts, (span.line, span.column, _LAST))
        return self._parts[at - 1][2] if at else ""


def spelt_out(node: Node, kind: str) -> Node:
    """Return a rule as the block that it stands for: `3`, `30s`, `true` or `false`."""
    if not isinstance(node, Scalar) or node.value is None:
        return node
    if isinstance(node.value, bool):
        off = Scalar("disabled", node.at, "disabled", quoted=True)
        return Mapping(() if node.value else (Entry("mode", node.at, off),), node.at)
    name = KINDS[kind].shorthand
    return node if name is None else Mapping((Entry(name, node.at, node),), node.at)


def places_in(node: Node, above: str = "") -> Iterator[tuple[str, Span]]:
    """Yield where each value inside of *node* stands, by its path."""
    inside: Iterable[tuple[int | str, Node]] = ()
    if isinstance(node, SequenceNode):
        inside = enumerate(node.items)
    elif isinstance(node, Mapping):
        inside = ((entry.key, entry.value) for entry in node.entries)
    for name, value in inside:
        yield f"{above}{name}", value.span
        yield from places_in(value, f"{above}{name}.")


def parts_of(node: Mapping, keys: Collection[str]) -> Mapping:
    """Return what *node* says under *keys*: null is as good as not written."""
    kept: list[Entry] = []
    for entry in node.entries:
        is_nothing = isinstance(entry.value, Scalar) and entry.value.value is None
        if entry.key in keys and not is_nothing:
            kept.append(entry)
    return Mapping(tuple(kept), node.at)


def with_percent(entry: Entry) -> Entry:
    """Return a rollout of one number as the mapping that it stands for."""
    value = entry.value
    if entry.key != "rollout" or not isinstance(value, Scalar) or value.value is None:
        return entry
    return Entry(entry.key, entry.at, Mapping((Entry("percent", value.at, value),), value.at))


@dataclass(slots=True)
class EnvironmentOverlay:
    """Lays one environment over a file, collecting findings."""

    environment: str
    diagnostics: list[Diagnostic] = field(default_factory=list)
    strays: set[Span] = field(default_factory=set)
    """Where it names policies and profiles to change that are not there."""
    removed: dict[tuple[str, str], Span] = field(default_factory=dict)
    """Where it takes a key out of a policy, by the name of that and the key."""

    def over(self, base: Mapping, patch: Mapping, path: tuple[str, ...] = ()) -> Mapping:
        """Return *base* with *patch* over it; both stand at *path* of the file."""
        entries = dict(base.index)
        for entry in sorted(patch.entries, key=lambda one: is_null(one.value)):
            # (what is taken out may be what is put in beside it)
            self._lay(entries, entry, (*path, entry.key))
        return Mapping(tuple(entries.values()), base.at)

    def _lay(self, entries: dict[str, Entry], entry: Entry, here: tuple[str, ...]) -> None:
        below = entries.get(entry.key)
        if is_null(entry.value):
            self._remove(entries, entry, here)
        elif below is None:
            self._add(entries, entry, here)
        elif len(here) == 2 and is_empty(below.value):
            return  # it was reported; what stands beside it may belong under it
        else:
            old, new = below.value, entry.value
            if entry.key in KINDS and here[0] != "vars":
                old, new = spelt_out(old, entry.key), spelt_out(new, entry.key)
            if not isinstance(new, Mapping):
                entries[entry.key] = entry
            elif isinstance(old, Mapping):
                at = self._lacking(new, here) or below.at
                entries[entry.key] = Entry(entry.key, at, self.over(old, new, here))
            else:  # over what is no block there is nothing to remove
                made = self.over(Mapping((), new.at), new, here)
                entries[entry.key] = Entry(entry.key, entry.at, made)

    def _remove(self, entries: dict[str, Entry], entry: Entry, here: tuple[str, ...]) -> None:
        below = entries.pop(entry.key, None)
        if _is_rule(here) and (below is not None or "use" in entries):
            # A gap, which a profile must not fill; it stands where the policy has the rule.
            entries[entry.key] = Entry(entry.key, (below or entry).at, entry.value)
        elif below is not None:
            if len(here) == 3 and here[0] == "policies":
                self.removed[here[1], entry.key] = entry.key_span
        elif (known := _known(here[:-1])) is not None and entry.key not in known:
            entries[entry.key] = entry  # no such key: that is said where all others are
        else:
            self._report(here, entry, f"removes `{'.'.join(here)}`", entries)

    def _lacking(self, patch: Mapping, here: tuple[str, ...]) -> Span | None:
        """Return where *patch* takes out of a rule what it needs: there it is missing."""
        for entry in patch.entries if _is_rule(here) else ():
            needed = KINDS[here[-1]].rule_model().model_fields.get(entry.key)
            if needed is not None and needed.is_required() and is_null(entry.value):
                return entry.key_span
        return None

    def _add(self, entries: dict[str, Entry], entry: Entry, here: tuple[str, ...]) -> None:
        value, before = entry.value, len(self.diagnostics)
        if isinstance(value, Mapping):  # what it removes cannot be there
            value = self.over(Mapping((), value.at), value, here)
        if _is_stray(here, entry, entries):
            del self.diagnostics[before:]  # (one mistake is one finding)
            self._report(here, entry, f"changes {_WHAT[here[0]]} `{entry.key}`", entries)
            self.strays.add(entry.key_span)
        entries[entry.key] = Entry(entry.key, entry.at, value)

    def _report(
        self, here: tuple[str, ...], entry: Entry, what: str, known: Collection[str]
    ) -> None:
        near = closest(entry.key, known)
        if near is not None and not is_name(near) and here[0] == "profiles":
            return  # that was said, where it is defined
        is_target = here[0] == "policies" and ":" in entry.key
        if here[0] in _NAMED and len(here) == 2 and not is_name(entry.key) and not is_target:
            help = did_you_mean(near, "a letter, then letters, digits, `-` and `_`")
            text = f"`{entry.key}` is not a name"
            self.diagnostics.append(Diagnostic("MP010", text, entry.key_span, help=help))
            return
        text = f"environment `{self.environment}` {what}, which does not exist"
        help, edits = did_you_mean(near), repair(entry.key_span, near)
        self.diagnostics.append(
            Diagnostic("MP407", text, entry.key_span, "warning", help=help, suggestions=edits)
        )


def _is_rule(here: tuple[str, ...]) -> bool:
    return len(here) == 3 and here[0] == "policies" and here[-1] in KINDS


def _is_stray(here: tuple[str, ...], entry: Entry, known: Collection[str]) -> bool:
    """Whether *entry* was to change what is there, and names nothing that is.

    A policy can stand alone where its key is a target, or where it has a selector.
    """
    if len(here) != 2 or here[0] not in _WHAT:
        return False
    if here[0] == "profiles":
        return closest(entry.key, known) is not None
    is_block = isinstance(entry.value, Mapping)
    return is_block and ":" not in entry.key and entry.value.get("match") is None


def _known(path: Sequence[str]) -> Collection[str] | None:
    """Return the keys of the language in the block at *path*; None where they are the author's."""
    section, *rest = path or ("",)
    if section in ("policies", "profiles", "resources"):
        if not rest:
            return None
        del rest[0]
    if section == "resources":
        return ()
    if section == "settings":
        return _keys_in(SettingsBlock, rest)
    if section not in ("defaults", *_BLOCKS):
        return None
    model = _BLOCKS.get(section)
    if not rest:
        return (*(model.model_fields if model else ["mode"]), *KINDS)
    if rest[0] in KINDS:
        own = KINDS[rest[0]].rule_model()
        if len(rest) == 1:
            return (*own.model_fields, *RuleCommon.model_fields)
        model, rest = own if rest[1] in own.model_fields else RuleCommon, rest[1:]
    return _keys_in(model, rest) if model else None


def _keys_in(model: type[BaseModel], rest: list[str]) -> Collection[str] | None:
    """Return the keys of the block at *rest* of *model*."""
    is_author = False
    for name in rest:
        if is_author:
            is_author = False
            continue
        known = model.model_fields.get(name)
        inner = next(iter(models_in(known.annotation)), None) if known else None
        if known is None or inner is None:
            return None
        model, is_author = inner, is_table(known.annotation)
    return None if is_author else tuple(model.model_fields)
