"""The code of a function, for questions that only some rules ask; nothing is read before."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import FunctionKind
from mlpolicy.core.target import Target
from mlpolicy.plan.survey.bindings import FunctionNode, Imported
from mlpolicy.plan.survey.classes import Ancestor
from mlpolicy.plan.survey.describe import home
from mlpolicy.plan.survey.follow import Follower, Load
from mlpolicy.plan.survey.functions import dotted, full_name, kind_of, own_nodes
from mlpolicy.plan.survey.module import Module, Scope
from mlpolicy.plan.survey.things import Class, Function, Thing


@frozen()
class Called:
    """A function of known source that is called by name."""

    target: Target
    kind: FunctionKind
    node: ast.Call


class Body:
    """What a `def` or a `lambda` is made of."""

    def __init__(self, thing: Function, load: Load) -> None:
        self._thing = thing
        self._load = load

    @property
    def node(self) -> FunctionNode:
        """Its tree."""
        return self._thing.node

    @property
    def module(self) -> Module:
        """The module whose source defines it."""
        return self._thing.scope.module

    @property
    def scope(self) -> Scope:
        """The scope where its name, its decorators and its annotations are read."""
        return self._thing.scope

    @cached_property
    def inside(self) -> Scope:
        """The scope of its own names."""
        return self.scope.within(self.node, self._thing.binding.name)

    @cached_property
    def home(self) -> Target:
        """The path under which it is defined."""
        return home(self._thing)

    @cached_property
    def own(self) -> tuple[ast.AST, ...]:
        """The nodes that a call of it runs, not those in functions that it makes."""
        return tuple(own_nodes(self.node))

    @property
    def statements(self) -> list[ast.stmt]:
        """What it does, without the text that documents it."""
        if isinstance(self.node, ast.Lambda):
            return [ast.Return(self.node.body)]
        first, *rest = self.node.body
        documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        return rest if documented else [first, *rest]

    @property
    def annotation(self) -> ast.expr | None:
        """What it says that it returns."""
        return None if isinstance(self.node, ast.Lambda) else self.node.returns

    @cached_property
    def parameters(self) -> dict[str, ast.arg]:
        """Its parameters that are passed one by one, by name."""
        found = self.node.args
        return {one.arg: one for one in (*found.posonlyargs, *found.args, *found.kwonlyargs)}

    @cached_property
    def decorators(self) -> tuple[tuple[str, ast.expr], ...]:
        """The full names of what decorates it, with the expressions, outermost first."""
        written = (
            *self._thing.history.wrapped_by,
            *getattr(self.node, "decorator_list", ()),
        )
        return tuple((full_name(_decorator(one), self.scope), one) for one in written)

    @cached_property
    def returned(self) -> tuple[ast.expr, ...]:
        """The expressions that it returns."""
        if isinstance(self.node, ast.Lambda):
            return (self.node.body,)
        return tuple(
            one.value for one in self.own if isinstance(one, ast.Return) and one.value is not None
        )

    @cached_property
    def calls(self) -> tuple[Called, ...]:
        """The functions that it calls by name, where their source is known; methods of `self`."""
        return tuple(self._called(one for one in self.own if isinstance(one, ast.Call)))

    def called(self, node: ast.expr) -> Called | None:
        """Return the function that *node* calls, if it does."""
        return next(self._called([node] if isinstance(node, ast.Call) else []), None)

    def name_of(self, node: ast.expr) -> str:
        """Return the full name of what an expression in it names."""
        return full_name(node, self.inside)

    def lineage_of(self, node: ast.expr) -> tuple[Ancestor, ...]:
        """Return the class that an annotation of it names, and its bases; none for no class."""
        follower = Follower(self._load)
        thing = follower.meaning(self.scope, node)
        return follower.lineage(thing) if isinstance(thing, Class) else ()

    @cached_property
    def owner(self) -> tuple[Ancestor, ...]:
        """The class of a method, and its bases."""
        holder = self.scope
        if not isinstance(holder.node, ast.ClassDef) or holder.parent is None:
            return ()
        name = holder.qualname.rpartition(".")[2]
        bound = [one for one in holder.parent.bindings.get(name, ()) if one.what is holder.node]
        found = Class(holder.parent, bound[0], holder.node) if bound else None
        return Follower(self._load).lineage(found) if found else ()

    def _called(self, nodes: Iterable[ast.Call]) -> Iterator[Called]:
        follower = Follower(self._load)
        for node in nodes:
            thing = self._meaning(follower, node.func)
            if isinstance(thing, Function) and not thing.history.rivals:
                yield Called(home(thing), kind_of(thing.node, thing.scope), node)

    def _meaning(self, follower: Follower, called: ast.expr) -> Thing | None:
        written = dotted(called)
        if written is None:
            return None
        first, _, name = written.partition(".")
        if first in ("self", "cls") and first in self.parameters:
            return self._method(follower, name)
        # What the function binds itself may be anything, but for what it imports.
        if not all(isinstance(one.what, Imported) for one in self.inside.bindings.get(first, ())):
            return None
        return follower.meaning(self.inside, called)

    def _method(self, follower: Follower, name: str) -> Thing | None:
        owner = self.owner[0] if self.owner else None
        if not isinstance(owner, Class) or not name.isidentifier():
            return None
        return follower.attribute(owner, name)


def _decorator(node: ast.expr) -> ast.expr:
    """Return what is called to decorate, of `@name`, `@name(...)` and `f = name(...)(f)`."""
    while isinstance(node, ast.Call):
        node = node.func
    return node
