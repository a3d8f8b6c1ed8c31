"""What a name in the source turns out to stand for."""

from __future__ import annotations

import ast

from mlpolicy.core.frozen import frozen
from mlpolicy.plan.survey.answer import Dynamic, Missing
from mlpolicy.plan.survey.bindings import Binding, FunctionNode
from mlpolicy.plan.survey.module import Module, Scope


@frozen()
class History:
    """What else was read about a name besides the binding that holds."""

    wrapped_by: tuple[ast.expr, ...] = ()
    """Calls such as `f = cache(f)`, the last first."""
    replaced: Binding | None = None
    """An earlier `def` that the binding puts out of use."""
    rivals: tuple[Thing, ...] = ()
    """What other branches bind the name to."""
    overload: bool = False


@frozen()
class Function:
    """A `def`, or a `lambda` with a name."""

    scope: Scope
    """Where its name stands."""
    binding: Binding
    node: FunctionNode
    history: History = History()

    @property
    def body(self) -> Scope:
        """The names of its inside."""
        return self.scope.within(self.node, self.binding.name)


@frozen()
class Class:
    """A class."""

    scope: Scope
    binding: Binding
    node: ast.ClassDef
    history: History = History()

    @property
    def body(self) -> Scope:
        """The names of the class."""
        return self.scope.within(self.node, self.binding.name)


@frozen()
class Value:
    """A name for something that no `def`, `lambda` or `class` made."""

    scope: Scope
    binding: Binding
    history: History = History()


@frozen()
class Generated:
    """The `__init__` that a decorator or a base writes for a class."""

    owner: Class
    name: str
    decorator: str


@frozen()
class Whole:
    """A module."""

    module: Module


@frozen()
class Gap:
    """Nothing that can be read."""

    answer: Missing | Dynamic


Bound = Function | Class | Value
Thing = Bound | Generated | Whole | Gap
