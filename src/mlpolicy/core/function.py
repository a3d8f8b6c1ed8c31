"""A function as the checks of a rule see it, known by its source or by importing it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Literal

from mlpolicy.core.diagnostic import Related
from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import FunctionKind, Parameter
from mlpolicy.core.span import Span

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@frozen()
class Lookup:
    """What a dotted name leads to, as far as that is known for sure."""

    kind: Literal["unknown", "absent", "class", "function", "value"] = "unknown"
    closest: str = ""
    """Of one that is absent: the name in its module that is most like it."""
    builtin_bases: tuple[str, ...] | None = None
    """Of a class: the builtin classes that it inherits from; None where that is not sure."""


UNKNOWN = Lookup()


class Function:
    """One function under one rule; where nothing more is known of it, every check is silent."""

    kind: FunctionKind = "function"
    parameters: tuple[Parameter, ...] | None = None
    """None where they are not known for sure."""
    is_method = False
    node: FunctionNode | None = None
    """Its tree, where it is known for sure that a call runs it as it stands."""
    decorators: tuple[tuple[str, ast.expr], ...] = ()
    """The full names of what decorates it, with the expressions, outermost first."""
    resolve: Callable[[str], object] | None = None
    """Imports what a path names; None where nothing of the user's may be imported."""

    def __init__(self, name: str, at: Callable[..., Span], *, is_disabled: bool = False) -> None:
        """Take its path as the policy has it, and what finds where settings of the rule stand.

        *at* gives where the first of the settings that it is given stands, if it was written,
        else the rule: of a block its key, of `retry_on.1` an item of a list.
        """
        self.name = name
        self.at = at
        self.is_disabled = is_disabled

    @property
    def annotations(self) -> Mapping[str, ast.expr]:
        """The annotations of parameters that are passed one by one, and of `return`."""
        if self.node is None:
            return {}
        given = self.node.args
        each = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        found = {one.arg: one.annotation for one in each if one.annotation is not None}
        returns = getattr(self.node, "returns", None)
        return found | ({"return": returns} if returns is not None else {})

    def nodes(self) -> tuple[ast.AST, ...]:
        """Return the nodes that a call of it runs, not those in functions that it makes."""
        return ()

    def returned(self) -> tuple[ast.expr, ...]:
        """Return the expressions that it returns."""
        return ()

    def calls(self) -> tuple[tuple[str, FunctionKind, ast.Call], ...]:
        """Return the path and kind of each function that it calls by name, and whose source is known."""
        return ()

    def line(self, message: str, node: ast.expr | ast.stmt | None = None) -> tuple[Related, ...]:
        """Return the line of *node*, or of its definition, as a further place."""
        return ()

    def name_of(self, node: ast.expr) -> str:
        """Return the full name of what an expression in its body names."""
        return ""

    def annotated_name(self, node: ast.expr) -> str:
        """Return the full name of what an annotation names; nothing for a name of its own module."""
        return ""

    def lineage(self, node: ast.expr) -> tuple[ast.ClassDef | None, ...]:
        """Return the class that an annotation names, then its bases; None for one without source."""
        return ()

    def look_up(self, path: str, *, deep: bool = False) -> Lookup:
        """Return what *path* leads to; *deep*: a class may be named by a package that it lies deep in."""
        return UNKNOWN

    def rule_of(self, function: str, setting: str) -> tuple[Any, Span] | None:
        """Return the rule of the same kind on another function, and where it writes *setting*."""
        return None
