"""A policy file as a value: what was written, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlpolicy.core.site import Mode
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob

Placement = Literal["auto", "inner", "outer"]
OnMissing = Literal["error", "warn", "ignore"]
OnEngineError = Literal["open", "closed"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that was written."""

    value: Any
    span: Span
    key: Span
    """Where its key stands."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of settings that merges key by key."""

    settings: Tree
    key: Span
    """Where its key stands."""


Tree = Mapping[str, "Setting | Block"]
"""Settings by key."""


@dataclass(frozen=True, slots=True)
class RuleBlock:
    """One rule as one policy (or the defaults) wrote it: perhaps only a part of it."""

    kind: str
    span: Span
    """Where its key stands."""
    settings: Tree = field(default_factory=dict)
    mode: Mode | None = None
    inherit: bool = True
    final: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern of a selector, and where it stands."""

    glob: Glob
    span: Span


@dataclass(frozen=True, slots=True)
class Policy:
    """One entry of a file: a selector and its rules."""

    name: str
    span: Span
    match: tuple[Pattern, ...]
    exclude: tuple[Pattern, ...] = ()
    rules: tuple[RuleBlock, ...] = ()
    mode: Mode | None = None
    priority: int = 0
    final: bool = False
    placement: Placement = "auto"
    meta: Mapping[str, Any] = field(default_factory=dict)
    """`owner`, `reason`, `ticket`, `labels`, `runbook`."""

    def rule(self, kind: str) -> RuleBlock | None:
        """Return what it says of rules of that kind."""
        return next((rule for rule in self.rules if rule.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Settings:
    """The `settings` of a file."""

    on_missing_target: OnMissing = "error"
    on_engine_error: OnEngineError = "open"
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file, read and checked by itself."""

    file: str
    name: str = ""
    settings: Settings = Settings()
    mode: Mode | None = None
    """The default mode."""
    defaults: tuple[RuleBlock, ...] = ()
    policies: tuple[Policy, ...] = ()


def leaves(tree: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Setting]]:
    """Yield the path and the setting of every value in *tree*."""
    for key, one in tree.items():
        path = (*above, key)
        if isinstance(one, Setting):
            yield path, one
        else:
            yield from leaves(one.settings, path)


def blocks(tree: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Block]]:
    """Yield the path and the block of every block in *tree*."""
    for key, one in tree.items():
        if isinstance(one, Block):
            yield (*above, key), one
            yield from blocks(one.settings, (*above, key))
