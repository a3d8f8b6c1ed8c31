"""Rule blocks become one rule: merged by rank, field by field, each value with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.model.policy import CODE, COMMON, Block, Policy, RuleBlock, Setting, blocks, leaves
from mlpolicy.plan.plan import Rank, Value

DEFAULTS = "defaults"
OVERRIDES = "--set"
OF_TWO = ("MP401", "MP402")
"""What policies of different patterns make of a function only together."""

Path = tuple[str, ...]


def bottom(depth: int) -> Rank:
    """Return the rank of the defaults of a file: below every policy, imported ones lowest."""
    return (-1, -depth, 0, False, 0, 0, 0)


TOP: Rank = (2, 0, 0, True, 0, 0, 0)
"""Above every policy: what the command line sets."""


@frozen()
class Layer:
    """One block that takes part, with its rank and the policy that wrote it."""

    rank: Rank
    policy: str
    block: RuleBlock

    @property
    def is_policy(self) -> bool:
        """Whether a policy wrote it, not the defaults or the command line."""
        return self.policy not in (DEFAULTS, OVERRIDES)


def layer_of(ranked: Rank, policy: Policy, block: RuleBlock) -> Layer:
    """Return what *policy* writes of one rule, at its rank: `final` may be of this rule alone."""
    return Layer((1, *ranked[1:]) if block.final else ranked, policy.name, block)


def code_layer(block: RuleBlock) -> Layer:
    """Return what a decorator writes: below everything else, or, where it is final, above policies."""
    return Layer(
        (1, 1, 0, True, 0, 0, 0) if block.final else (-2, 0, 0, False, 0, 0, 0), CODE, block
    )


@dataclass(slots=True)
class Merged:
    """One rule, merged: its settings by path, and where each comes from."""

    kind: str
    values: dict[Path, Value] = field(default_factory=dict)
    keys: dict[Path, Span] = field(default_factory=dict)
    """Where the keys of blocks stand."""
    lost: dict[Path, list[Value]] = field(default_factory=dict)
    """The values that others have beaten, the lowest first."""
    source: Span = Span("")
    policy: str = ""
    policies: list[str] = field(default_factory=list)
    """The policies that wrote any of it, the lowest first."""
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return the settings as the model of the kind takes them."""
        made: dict[str, Any] = {}
        for path, value in self.values.items():
            if path[0] in COMMON:
                continue
            here = made
            for part in path[:-1]:
                here = here.setdefault(part, {})
            here[path[-1]] = value.value
        return made

    def common(self, *path: str) -> Any:
        """Return what was written of a setting that every rule has, None where nothing was."""
        value = self.values.get(path)
        return value.value if value else None

    def span_of(self, path: Path) -> Span:
        """Return where the setting at *path*, or the nearest above it, was written."""
        for end in range(len(path), 0, -1):
            for known, value in self.values.items():
                if known[:end] == path[:end] and value.source is not None:
                    return value.at(".".join(path[end:])) or value.source
        return self.source


def merge(kind: str, ordered: Sequence[Layer]) -> Merged:
    """Return the rule that layers write together, the lowest first: the highest wins each field."""
    merged = Merged(kind)
    if len(ordered) == 1:  # as most are
        _lay(merged, ordered[0])
        return merged
    merged.diagnostics += _conflicts(kind, ordered)
    for layer in inherited(ordered):
        _lay(merged, layer)
    return merged


def in_order(layers: Sequence[Layer]) -> Sequence[Layer]:
    """Return *layers* from the lowest rank to the highest."""
    if len(layers) == 1:
        return layers
    return sorted(layers, key=lambda layer: (layer.rank, layer.policy, layer.block.span))


def inherited(ordered: Sequence[Layer]) -> Sequence[Layer]:
    """Return the layers that the highest with `inherit: false` leaves: the defaults, and none below."""
    afresh = [layer.rank for layer in ordered if not layer.block.inherit]
    if not afresh:
        return ordered
    return [one for one in ordered if one.policy == DEFAULTS or one.rank >= afresh[-1]]


def _lay(merged: Merged, layer: Layer) -> None:
    is_first = not merged.values
    is_flat = True
    for key, held in layer.block.settings.items():
        written: Iterable[tuple[Path, Setting]]
        if isinstance(held, Block):
            is_flat = False
            written = leaves(held.settings, (key,))
        else:
            written = (((key,), held),)
        for path, setting in written:
            if not is_first:
                _make_room(merged, path)
            merged.values[path] = _value(setting, layer)
    if not is_flat:
        _lay_blocks(merged, layer)
    if layer.is_policy:
        merged.source, merged.policy = layer.block.span, layer.policy
        merged.policies.append(layer.policy)


def _lay_blocks(merged: Merged, layer: Layer) -> None:
    for path, block in blocks(layer.block.settings):
        merged.keys[path] = block.key
        if not block.settings and not _is_set_below(merged, path):  # written empty: `log: {}`
            empty = Value({}, layer.block.span, layer.policy, block.key, rank=layer.rank)
            merged.values.setdefault(path, empty)


def _is_set_below(merged: Merged, path: Path) -> bool:
    return any(known[: len(path)] == path for known in merged.values)


def _value(setting: Setting, layer: Layer) -> Value:
    return Value(
        setting.value,
        setting.span,
        layer.policy,
        setting.key,
        setting.layer,
        setting.written,
        layer.rank,
        setting.secret,
        setting.places,
    )


def _make_room(merged: Merged, path: Path) -> None:
    """Set aside what a value at *path* beats: the one there, a block above it, or one below."""
    for known in list(merged.values):
        short = min(len(known), len(path))
        if known[:short] == path[:short]:
            merged.lost.setdefault(path, []).append(merged.values.pop(known))


# --- what contradicts -----------------------------------------------------------------


def _conflicts(kind: str, ordered: Sequence[Layer]) -> Iterator[Diagnostic]:
    """Yield a finding for each field that two layers may not both set."""
    set_by: dict[Path, list[tuple[Layer, Setting]]] = {}
    for layer in ordered:
        for path, setting in leaves(layer.block.settings):
            below = set_by.setdefault(path, [])
            if below and below[-1][0].rank == layer.rank and _differ(below[-1][1], setting):
                yield _conflict(_named(kind, path), below[-1][1], setting, policy=layer.policy)
            if layer.rank[0] == 1:
                yield from _fixed(_named(kind, path), below, setting, policy=layer.policy)
                below.clear()  # each is said once, of the lowest that is final
            below.append((layer, setting))


def _differ(one: Setting, other: Setting) -> bool:
    """Whether two places say something different; a profile that two policies use is one place."""
    return one.key != other.key and one.value != other.value


def _named(kind: str, path: Path) -> str:
    """Return how to name a setting: one that may hold for all rules together, without the rule."""
    return path[0] if path[0] in COMMON[:3] else ".".join((kind, *path))


def _conflict(name: str, one: Setting, other: Setting, *, policy: str) -> Diagnostic:
    who, remedy = "policies of equal rank", "give one of them a `priority`, or a more exact `match`"
    if policy == DEFAULTS:
        who, remedy = (
            "`defaults`",
            "keep one of them: `defaults` hold for the policies of all files",
        )
    return Diagnostic(
        "MP401",
        f"two {who} set `{name}` differently",
        other.key,
        related=(Related(f"`{name}` is set here too", one.key),),
        help=remedy,
    )


def _fixed(
    name: str, below: Iterable[tuple[Layer, Setting]], upper: Setting, *, policy: str
) -> Iterator[Diagnostic]:
    who, whose = f"policy `{policy}`", "the final policy"
    if policy == CODE:
        who, whose = "the decorator in the code", "the code"
    for layer, lower in below:
        if layer.is_policy and layer.rank[0] < 1 and lower.key != upper.key:
            yield Diagnostic(
                "MP402",
                f"`{name}` has no effect: {who} is final",
                lower.key,
                related=(Related(f"`{name}` is fixed here", upper.key),),
                help=f"leave it out, or ask the owner of {whose}",
            )
