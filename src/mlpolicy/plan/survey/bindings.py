"""A name in the source, and what it is bound to."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import field

from mlpolicy.core.frozen import frozen

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Arms = tuple[tuple[int, int], ...]
"""The compound statements around a binding: the identity of each, and which arm of it."""


@frozen()
class Imported:
    """A name that an import binds: to a module, or to what a module calls `name`."""

    module: str
    level: int = 0
    name: str | None = None


@frozen()
class Deleted:
    """A name that `del` takes away."""


@frozen()
class Unknown:
    """A name bound to what cannot be read off: a loop variable, a part of a tuple."""


What = (
    ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr | Imported | Deleted | Unknown
)


@frozen()
class Binding:
    """One place that gives a name its meaning."""

    name: str
    what: What
    line: int
    offset: int
    """In bytes of UTF-8, as `ast` counts."""
    arms: Arms = ()
    idle: bool = False
    """Whether it is for a type checker or a script only: never bound by an import."""

    def follows(self, earlier: Binding) -> bool:
        """Whether it puts *earlier* out of use: it is run whenever that one was."""
        return self.arms == earlier.arms[: len(self.arms)]


@frozen()
class Star:
    """A `from module import *`."""

    module: str
    level: int
    line: int


@frozen()
class Names:
    """All names that a block binds, in the order of the source."""

    bindings: dict[str, list[Binding]]
    stars: tuple[Star, ...] = ()
    attributes: Mapping[tuple[str, str], Binding] = field(default_factory=dict)
    """What is assigned to attributes of names: `Model.predict = traced_predict`."""
