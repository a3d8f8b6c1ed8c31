"""What selectors ask of a function besides its path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from fnmatch import fnmatchcase

from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import FunctionKind


def _none() -> tuple[str, ...]:
    return ()


@frozen()
class Facts:
    """A function as selectors see it."""

    kind: FunctionKind = "function"
    parameters: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    decorators: Callable[[], tuple[str, ...]] = field(default=_none)
    """Gives the dotted names of its decorators; they are looked up in its source, so not often."""


@frozen()
class Where:
    """What a `match` asks besides a target: each key must hold, by any of its words."""

    tag: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    has_param: tuple[str, ...] = ()
    decorated_by: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many things are asked."""
        return bool(self.tag) + bool(self.kind) + bool(self.has_param) + bool(self.decorated_by)

    def holds(self, facts: Facts | None) -> bool:
        """Whether a function is meant; where nothing is known of it, only if nothing is asked."""
        if facts is None:
            return not self.count
        return (
            (not self.kind or facts.kind in self.kind)
            and _any(self.tag, facts.tags)
            and _any(self.has_param, facts.parameters)
            and (not self.decorated_by or _any(self.decorated_by, facts.decorators()))
        )


def _any(wanted: tuple[str, ...], found: tuple[str, ...]) -> bool:
    return not wanted or any(fnmatchcase(one, word) for word in wanted for one in found)
