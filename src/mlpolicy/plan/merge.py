"""Rule blocks become one rule: merged by rank, field by field, each value with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.site import Mode
from mlpolicy.core.span import Span
from mlpolicy.model.policy import RuleBlock, Setting, blocks, leaves
from mlpolicy.plan.plan import Value

Rank = tuple[bool, int, bool, int, int]
"""Final, priority, exactness, literal components, literal characters; higher wins."""

BOTTOM: Rank = (False, -101, False, 0, 0)
"""Below every policy: the defaults of the file."""

DEFAULTS = "defaults"


@dataclass(frozen=True, slots=True)
class Layer:
    """One block that takes part, with its rank and the policy that wrote it."""

    rank: Rank
    policy: str
    block: RuleBlock
    mode: Mode | None


@dataclass(slots=True)
class Merged:
    """One rule, merged: its settings by path, and where each comes from."""

    kind: str
    values: dict[tuple[str, ...], Value] = field(default_factory=dict)
    keys: dict[tuple[str, ...], Span] = field(default_factory=dict)
    """Where the keys of blocks stand."""
    mode: Mode | None = None
    source: Span = Span("")
    policy: str = ""
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return the settings as the model of the kind takes them."""
        made: dict[str, Any] = {}
        for path, value in self.values.items():
            here = made
            for part in path[:-1]:
                here = here.setdefault(part, {})
            here[path[-1]] = value.value
        return made

    def span_of(self, path: tuple[str, ...]) -> Span:
        """Return where the setting at *path*, or the nearest above it, was written."""
        for end in range(len(path), 0, -1):
            for known, value in self.values.items():
                if known[:end] == path[:end] and value.source is not None:
                    return value.source
        return self.source


def merge(kind: str, layers: Sequence[Layer]) -> Merged:
    """Return the rule that *layers* write together; the highest rank wins each field."""
    ordered = sorted(layers, key=lambda layer: (layer.rank, layer.block.span))
    merged = Merged(kind)
    conflicts = _conflicts(kind, ordered)
    for layer in _inherited(ordered):
        _lay(merged, layer)
    merged.diagnostics.extend(conflicts)
    return merged


def _inherited(ordered: Sequence[Layer]) -> Sequence[Layer]:
    """Return the layers from the highest that says `inherit: false`; defaults stay below."""
    afresh = [at for at, layer in enumerate(ordered) if not layer.block.inherit]
    if not afresh:
        return ordered
    below = [layer for layer in ordered[: afresh[-1]] if layer.policy == DEFAULTS]
    return [*below, *ordered[afresh[-1] :]]


def _lay(merged: Merged, layer: Layer) -> None:
    for path, setting in leaves(layer.block.settings):
        _make_room(merged.values, path)
        merged.values[path] = Value(setting.value, setting.span, layer.policy, setting.key)
    for path, block in blocks(layer.block.settings):
        merged.keys[path] = block.key
        if not block.settings:  # written empty: `log: {}`
            merged.values.setdefault(path, Value({}, layer.block.span, layer.policy, block.key))
    if layer.mode is not None:
        merged.mode = layer.mode
    if layer.policy != DEFAULTS:
        merged.source, merged.policy = layer.block.span, layer.policy


def _make_room(values: dict[tuple[str, ...], Value], path: tuple[str, ...]) -> None:
    """Drop what a value at *path* replaces: a block above it written as a scalar, or one below."""
    for known in list(values):
        short = min(len(known), len(path))
        if known != path and known[:short] == path[:short]:
            del values[known]


def _conflicts(kind: str, ordered: Sequence[Layer]) -> list[Diagnostic]:
    """Return a finding for each field that layers of equal rank set to different values."""
    found: list[Diagnostic] = []
    set_by: dict[tuple[str, ...], tuple[Layer, Setting]] = {}
    for layer in ordered:
        for path, setting in leaves(layer.block.settings):
            earlier = set_by.get(path)
            if earlier and earlier[0].rank == layer.rank and earlier[1].value != setting.value:
                found.append(_conflict(kind, path, earlier[1], setting))
            set_by[path] = (layer, setting)
    return found


def _conflict(kind: str, path: tuple[str, ...], one: Setting, other: Setting) -> Diagnostic:
    name = ".".join((kind, *path))
    return Diagnostic(
        "MP401",
        f"two policies of equal rank set `{name}` differently",
        other.key,
        related=(Related(f"`{name}` is set here too", one.key),),
        help="give one of them a `priority`, or a more exact `match`",
    )
