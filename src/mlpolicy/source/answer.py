"""What the source says of a name: where it is defined and what it is, or why nothing is known."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.core.function import FunctionNode
from mlpolicy.core.site import FunctionKind, Parameter, ParameterKind
from mlpolicy.core.target import Target
from mlpolicy.source.module import Binding, Imported, Module, Scope, dotted

if TYPE_CHECKING:
    from mlpolicy.source.resolve import Resolver

_TAG = ("mlpolicy.tag", "mlpolicy.core.tags.tag")
_ABSTRACT = ("abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod")
_PROTOCOLS = ("typing.Protocol", "typing_extensions.Protocol")
_DISPLAYS = (
    ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.Compare,
)  # fmt: skip


@frozen()
class Missing:
    """The module exists and has nothing of that name."""

    reason: str
    close: str = ""
    """The most similar name of a function in the module."""
    file: str = ""
    line: int = 0
    """Where that function is defined; 0 if it is in another module."""
    has: tuple[str, ...] = ()
    """Without a similar one: the public functions of the module."""
    close_class: str = ""
    """The most similar name of a class in the module."""


@frozen()
class Dynamic:
    """Only running the code can tell."""


@dataclass(eq=False)
class Defined:
    """A function, a class or a value, where the source gives it its name."""

    scope: Scope = field(repr=False)
    """Where its name, its decorators and its annotations are read."""
    binding: Binding = field(repr=False)
    node: ast.ClassDef | FunctionNode | None = field(repr=False)
    """None for a value, which no `def`, `lambda` or `class` made."""
    resolver: Resolver = field(repr=False)
    wrappers: tuple[ast.Call, ...] = field(default=(), repr=False)
    """Assignments such as `f = cache(f)`, the last first."""
    sure: bool = True
    """Whether no branch binds the name to something else."""
    overload: bool = False
    """Whether there are only overloads and no implementation."""
    defined_as: Target | None = None
    """Its own path, if it was asked for by another name of it."""

    @property
    def inside(self) -> Scope:
        """The scope of a class or function."""
        assert self.node is not None
        return self.scope.within(self.node, self.binding.name)

    @property
    def home(self) -> Target:
        """The path under which it is defined."""
        return Target(self.scope.module.name, self.scope.path(self.binding.name))

    @property
    def file(self) -> str:
        """The file as a report shows it."""
        return self.scope.module.shown

    @property
    def line(self) -> int:
        """The line of its name."""
        return self.binding.line

    @cached_property
    def kind(self) -> FunctionKind | Literal["class", "value"]:
        """What a call of it gives; `value` is what no `def` or `lambda` made."""
        if not isinstance(self.node, FunctionNode):
            return "value" if self.node is None else "class"
        yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in self.own)
        if isinstance(self.node, ast.AsyncFunctionDef):
            return "async_generator" if yields else "coroutine"
        return "generator" if yields else "function"

    @property
    def is_function(self) -> bool:
        """Whether it is a function, as far as the source tells."""
        return isinstance(self.node, FunctionNode)

    @property
    def parameters(self) -> tuple[Parameter, ...] | None:
        """`self` too; annotations are their source text; None where they are not known for sure."""
        if not self.sure or not isinstance(self.node, FunctionNode):
            return None
        return tuple(_parameters(self.node.args))

    @property
    def decorated(self) -> tuple[tuple[str, ast.expr], ...]:
        """The full names of what decorates it, with the expressions, outermost first."""
        return self.scope.decorators(self.node, *self.wrappers)

    @property
    def decorators(self) -> tuple[str, ...]:
        """The full names of what decorates it, outermost first."""
        return tuple(name for name, _ in self.decorated)

    @property
    def tags(self) -> tuple[str, ...]:
        """The words that `@mlpolicy.tag("word")` puts on it, the innermost first."""
        return tuple(
            word.value
            for name, call in reversed(self.decorated)
            if name in _TAG and isinstance(call, ast.Call)
            for word in call.args
            if isinstance(word, ast.Constant) and isinstance(word.value, str)
        )

    @property
    def abstract(self) -> bool:
        """Whether nothing is meant to call it: an abstract method or a protocol's, doing nothing."""
        node, cls = self.node, self.scope.node
        statements = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
        bases = cls.bases if isinstance(cls, ast.ClassDef) else []
        plain = (base.value if isinstance(base, ast.Subscript) else base for base in bases)
        is_protocol = any(self.scope.full_name(base) in _PROTOCOLS for base in plain)
        is_abstract = any(name.rpartition(".")[2] in _ABSTRACT for name in self.decorators)
        return (is_protocol or is_abstract) and all(
            isinstance(statement, ast.Pass | ast.Raise)
            or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
            for statement in statements
        )

    @property
    def constant(self) -> bool:
        """Whether it is a value that nobody can call: a number, a text; None may give way to more."""
        what = self.binding.what
        what = what.operand if isinstance(what, ast.UnaryOp) else what
        plain = isinstance(what, _DISPLAYS) and getattr(what, "value", ...) is not None
        return self.node is None and self.sure and plain

    @property
    def bases(self) -> tuple[str, ...] | None:
        """Of a class, the builtin classes that it inherits from; None where that is not sure."""
        lineage = self.resolver.lineage(self) if self.kind == "class" else [None]
        known = tuple(base.__name__ for base in lineage if isinstance(base, type))
        return None if None in lineage else known

    # --- the code of a function -----------------------------------------------------------

    @cached_property
    def own(self) -> tuple[ast.AST, ...]:
        """The nodes that a call of it runs, not those in functions that it makes."""
        body = getattr(self.node, "body", ())
        nodes: list[ast.AST] = [body] if isinstance(body, ast.AST) else [*body]
        for node in nodes:  # which grows
            if isinstance(node, FunctionNode):
                nodes += [*getattr(node, "decorator_list", ()), node.args]
            else:
                nodes += ast.iter_child_nodes(node)
        return tuple(nodes)

    @property
    def returned(self) -> tuple[ast.expr, ...]:
        """The expressions that it returns."""
        if isinstance(self.node, ast.Lambda):
            return (self.node.body,)
        returns = (node.value for node in self.own if isinstance(node, ast.Return))
        return tuple(value for value in returns if value is not None)

    @property
    def calls(self) -> Iterator[tuple[Defined, ast.Call]]:
        """The functions that it calls by name, if their source is known; methods of `self` too."""
        for call in (node for node in self.own if isinstance(node, ast.Call)):
            first, _, name = (dotted(call.func) or "").partition(".")
            cls, bound = self.scope.node, self.inside.bindings.get(first, [])
            thing: Thing | None = None
            if first in ("self", "cls") and bound and isinstance(cls, ast.ClassDef):
                owner = self.resolver.meaning(self.scope.parent or self.scope, ast.Name(cls.name))
                thing = self.resolver.attribute(owner, name)
            # What it binds itself may be anything, but for what it imports.
            elif all(isinstance(binding.what, Imported) for binding in bound):
                thing = self.resolver.meaning(self.inside, call.func)
            if isinstance(thing, Defined) and thing.is_function and thing.sure:
                yield thing, call

    def lineage(self, annotation: ast.expr) -> tuple[ast.ClassDef | None, ...]:
        """Return the class that an annotation names, then its bases; None for one without source."""
        thing = self.resolver.meaning(self.scope, annotation)
        if not isinstance(thing, Defined) or thing.kind != "class":
            return ()
        nodes = [getattr(base, "node", None) for base in self.resolver.lineage(thing)]
        return tuple(node if isinstance(node, ast.ClassDef) else None for node in nodes)


Thing = Defined | Module | Missing | Dynamic
Ancestor = Defined | type | None
"""A class and each of its bases: one with source, one of Python itself, one that is not known."""


def _parameters(args: ast.arguments) -> Iterator[Parameter]:
    """Yield the parameters in the order of the code object."""
    positional = [*args.posonlyargs, *args.args]
    required = len(positional) - len(args.defaults)
    every: list[tuple[ast.arg | None, ParameterKind, bool]] = [
        (arg, "positional_only" if at < len(args.posonlyargs) else "positional", at >= required)
        for at, arg in enumerate(positional)
    ]
    every.append((args.vararg, "var_positional", False))
    keywords = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    every += [(arg, "keyword", default is not None) for arg, default in keywords]
    every.append((args.kwarg, "var_keyword", False))
    for arg, kind, has_default in every:
        if arg is not None:
            annotation = None if arg.annotation is None else ast.unparse(arg.annotation)
            yield Parameter(arg.arg, kind, has_default, annotation)
