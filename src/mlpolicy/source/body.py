"""The code of a function, for questions that only some rules ask."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from mlpolicy.core.site import FunctionKind, Parameter, ParameterKind
from mlpolicy.core.target import Target
from mlpolicy.source.module import Module, Scope, dotted
from mlpolicy.source.names import FunctionNode, Imported
from mlpolicy.source.resolve import Named, Resolver, Thing


class Body:
    """What a `def` or a `lambda` is made of."""

    def __init__(self, named: Named, node: FunctionNode, resolver: Resolver) -> None:
        """Read *node*, which *named* is the name of."""
        self.node = node
        self.module: Module = named.scope.module
        self.scope: Scope = named.scope
        """Where its name, its decorators and its annotations are read."""
        self.home = named.home
        self._named = named
        self._resolver = resolver

    @cached_property
    def own(self) -> tuple[ast.AST, ...]:
        """The nodes that a call of it runs, not those in functions that it makes."""
        return tuple(own_nodes(self.node))

    @property
    def decorators(self) -> tuple[tuple[str, ast.expr], ...]:
        """The full names of what decorates it, with the expressions, outermost first."""
        written = (*self._named.wrappers, *getattr(self.node, "decorator_list", ()))
        return tuple((self.scope.full_name(_decorator(item)), item) for item in written)

    @property
    def returned(self) -> tuple[ast.expr, ...]:
        """The expressions that it returns."""
        if isinstance(self.node, ast.Lambda):
            return (self.node.body,)
        returns = (node.value for node in self.own if isinstance(node, ast.Return))
        return tuple(value for value in returns if value is not None)

    @property
    def calls(self) -> Iterator[tuple[Target, FunctionKind, ast.Call]]:
        """The functions that it calls by name, if their source is known; methods of `self` too."""
        for call in (node for node in self.own if isinstance(node, ast.Call)):
            thing = self._called(call)
            if isinstance(thing, Named) and isinstance(thing.node, FunctionNode) and thing.sure:
                yield thing.home, kind_of(thing.node), call

    def _called(self, call: ast.Call) -> Thing | None:
        first, _, name = (dotted(call.func) or "").partition(".")
        cls, inside = self.scope.node, self._named.inside
        own = [parameter.name for parameter in parameters_of(self.node)]
        if first in ("self", "cls") and first in own and isinstance(cls, ast.ClassDef):
            owner = self._resolver.meaning(self.scope.parent or self.scope, ast.Name(cls.name))
            return self._resolver.attribute(owner, name)
        # What the function binds itself may be anything, but for what it imports.
        if all(isinstance(one.what, Imported) for one in inside.bindings.get(first, ())):
            return self._resolver.meaning(inside, call.func)
        return None

    def name_of(self, node: ast.expr) -> str:
        """Return the full name of what an expression in it names."""
        return self._named.inside.full_name(node)

    def lineage(self, node: ast.expr) -> tuple[ast.ClassDef | None, ...]:
        """Return the class that an annotation names, then its bases; None for one without source."""
        thing = self._resolver.meaning(self.scope, node)
        is_class = isinstance(thing, Named) and isinstance(thing.node, ast.ClassDef)
        bases = self._resolver.lineage(thing) if is_class and isinstance(thing, Named) else ()
        nodes = (base.node if isinstance(base, Named) else None for base in bases)
        return tuple(cls if isinstance(cls, ast.ClassDef) else None for cls in nodes)


def own_nodes(node: FunctionNode) -> list[ast.AST]:
    """Return the nodes that a call of *node* itself runs, not those in functions that it makes."""
    nodes: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
    for inner in nodes:  # which grows
        if isinstance(inner, FunctionNode):
            nodes += [*getattr(inner, "decorator_list", ()), inner.args]
        else:
            nodes += ast.iter_child_nodes(inner)
    return nodes


def kind_of(node: FunctionNode) -> FunctionKind:
    """Return what a call of the function gives."""
    yields = any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in own_nodes(node))
    if isinstance(node, ast.AsyncFunctionDef):
        return "async_generator" if yields else "coroutine"
    return "generator" if yields else "function"


def parameters_of(node: FunctionNode) -> Iterator[Parameter]:
    """Yield the parameters as the function has them, `self` too."""
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    required = len(positional) - len(args.defaults)
    for at, arg in enumerate(positional):
        kind: ParameterKind = "positional_only" if at < len(args.posonlyargs) else "positional"
        yield Parameter(arg.arg, kind, at >= required, _annotation(arg))
    if args.vararg is not None:
        yield Parameter(args.vararg.arg, "var_positional", annotation=_annotation(args.vararg))
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield Parameter(arg.arg, "keyword", default is not None, _annotation(arg))
    if args.kwarg is not None:
        yield Parameter(args.kwarg.arg, "var_keyword", annotation=_annotation(args.kwarg))


def _annotation(arg: ast.arg) -> str | None:
    return None if arg.annotation is None else ast.unparse(arg.annotation)


def _decorator(node: ast.expr) -> ast.expr:
    """Return what is called to decorate, of `@name`, `@name(...)` and `f = name(...)(f)`."""
    while isinstance(node, ast.Call):
        node = node.func
    return node
