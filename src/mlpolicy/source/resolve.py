"""From a name to what it stands for: through imports, aliases, branches and bases."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from mlpolicy.core.classes import frozen
from mlpolicy.core.site import FunctionKind, FunctionNode, Parameter, ParameterKind, text_of
from mlpolicy.core.target import Target
from mlpolicy.source.locate import NoModule, Opaque, Space
from mlpolicy.source.module import Binding, Imported, Module, Scope, dotted

_TRANSPARENT = ("staticmethod", "classmethod", "property")
_PLAIN_BASES = ("Generic", "Protocol", "ABC", "object")
_PLAIN_MAKERS = (
    "ABCMeta", "EnumMeta", "EnumType", "type", "dataclass", "s", "attrs", "define", "frozen",
    "mutable", "final", "runtime_checkable", "total_ordering", "unique", "verify", "deprecated",
)  # fmt: skip
"""Metaclasses and decorators of classes that add no method which a policy would name."""
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
    has: tuple[str, ...] = ()
    """Without a similar one: public functions of the module."""
    close_class: str = ""
    """The most similar name of a class in the module."""


@frozen()
class Dynamic:
    """Only running the code can tell."""

    origin: str = field(default="", compare=False)
    """The module that it is of, where that is known."""


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
    """Its own path, if another name was asked for."""

    @property
    def inside(self) -> Scope:
        """The scope of a class or function."""
        assert self.node is not None
        return self.scope.within(self.node, self.binding.name)

    @property
    def home(self) -> Target:
        """The path under which it is defined."""
        return self.defined_as or Target(self.scope.module.name, self.scope.path(self.binding.name))

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
        args = self.node.args
        positional = [*args.posonlyargs, *args.args]
        required = len(positional) - len(args.defaults)
        every: list[tuple[ast.arg | None, ParameterKind, bool]] = []
        for at, arg in enumerate(positional):
            named = at >= len(args.posonlyargs)
            every.append((arg, "positional" if named else "positional_only", at >= required))
        every.append((args.vararg, "var_positional", False))
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            every.append((arg, "keyword", default is not None))
        every.append((args.kwarg, "var_keyword", False))
        return tuple(
            Parameter(arg.arg, kind, has_default, arg.annotation and text_of(arg.annotation))
            for arg, kind, has_default in every
            if arg is not None
        )

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
        for call in self.own:
            if not isinstance(call, ast.Call):
                continue
            first, _, name = (dotted(call.func) or "").partition(".")
            cls, bound = self.scope.node, self.inside.bindings.get(first, [])
            thing: Thing | None = None
            if first in ("self", "cls") and bound and isinstance(cls, ast.ClassDef):
                outside = self.scope.parent or self.scope
                owner = self.resolver.meaning(outside, ast.Name(cls.name))
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


class Resolver:
    """Finds what names stand for."""

    def __init__(self, load: Callable[[str], Module | Space | Opaque | NoModule]) -> None:
        """Get modules from *load*."""
        self._load = load
        self._open: set[tuple[object, str]] = set()
        self.known: dict[tuple[object, str], Thing] = {}
        self._circles = 0

    def attribute(self, owner: Thing, name: str) -> Thing:
        """Return what *owner* calls *name*."""
        if isinstance(owner, Module):
            return self._once(owner, name, lambda: self._of_module(owner, name))
        if not isinstance(owner, Defined):
            return owner
        if isinstance(owner.node, ast.ClassDef):
            return self._of_class(owner, name)
        if (set_later := self._bound(owner.scope, f"{owner.binding.name}.{name}")) is not None:
            return set_later
        if owner.node is not None and name in owner.inside.bindings:
            return Missing(f"`{name}` is defined inside of the function `{owner.home.qualname}`")
        # An instance that the module makes has the methods of its class.
        made = self.meaning(owner.scope, getattr(owner.binding.what, "func", None))
        of_class = isinstance(made, Defined) and isinstance(made.node, ast.ClassDef)
        method = self.attribute(made, name) if of_class or isinstance(made, Dynamic) else None
        return method if isinstance(method, Defined | Dynamic) else Dynamic()

    def local(self, owner: Thing, name: str) -> Thing:
        """Return what the function *owner* calls *name* inside."""
        if isinstance(owner, Missing | Dynamic):
            return owner
        thing = None
        if isinstance(owner, Defined) and owner.is_function:
            thing = self._bound(owner.inside, name)
        return thing or Missing(f"no function defines `{name}` inside")

    def meaning(self, scope: Scope, expression: object) -> Thing:
        """Return what a dotted name in *scope* stands for."""
        first, *rest = (dotted(expression) or "").split(".")
        if not first:
            return Dynamic()
        thing, inner = None, scope
        while thing is None and inner.parent is not None:
            # While a class binds the name, it reads the one that stands around the class.
            if (inner is scope or not inner.is_class) and (inner, first) not in self._open:
                thing = self._bound(inner, first)
            inner = inner.parent
        thing = thing or self.attribute(scope.module, first)
        for part in rest:
            thing = self.attribute(thing, part)
        return thing

    def lineage(self, cls: Defined) -> list[Ancestor]:
        """Return *cls* and its bases, in the order in which attributes are looked up."""
        listed = list(self._ancestors(cls, ()))
        # A base that is reached twice comes after all that inherit from it.
        last = {id(getattr(base, "node", base)): at for at, base in enumerate(listed)}
        return [listed[at] for at in sorted(last.values())]

    # --- modules --------------------------------------------------------------------------

    def _of_module(self, module: Module, name: str) -> Thing:
        stars, bound = module.scope.stars, self._bound(module.scope, name)
        if isinstance(bound, Defined) and bound.is_function and bound.scope is module.scope:
            # A star import further down may put another function in its place.
            last = max((line for line, _ in stars), default=0)
            return replace(bound, sure=bound.sure and bound.line > last)
        if bound is not None:
            return bound
        absent: Thing = Missing(f"`{module.name}` has no function `{name}`")
        unread = module.may_bind(name)
        for _, origin in reversed(stars):
            source = self._whole(origin)
            if isinstance(source, Module):
                source = self.attribute(source, name) if source.gives(name) else absent
            if not isinstance(source, Missing | Dynamic):
                return source
            unread = unread or isinstance(source, Dynamic)
        below = self._submodule(module.name, name) if module.folders else None
        return below or (Dynamic(module.name) if unread else absent)

    def _submodule(self, package: str, name: str) -> Thing | None:
        """Return the module *name* in *package*, which is an attribute once it is imported."""
        module = self._load(f"{package}.{name}")
        return None if isinstance(module, NoModule) else self._whole(f"{package}.{name}")

    def _whole(self, name: str) -> Thing:
        module = self._load(name) if name else None
        return module if isinstance(module, Module) else Dynamic(name)

    def _imported(self, what: Imported) -> Thing:
        thing = self._whole(what.module)
        if not what.name:
            return thing
        thing = self.attribute(thing, what.name)
        if isinstance(thing, Missing | Dynamic):
            # A package that is still being imported gives the modules below it all the same.
            return self._submodule(what.module, what.name) or thing
        return thing

    # --- names of one scope ---------------------------------------------------------------

    def _bound(self, scope: Scope, name: str) -> Thing | None:
        if name not in scope.bindings:
            return None
        return self._once(scope, name, lambda: self._chosen(scope, name))

    def _chosen(self, scope: Scope, name: str) -> Thing:
        kept, wrapping, overload = scope.in_force(name)
        if isinstance(kept[-1].what, ast.Delete):
            return Missing(f"`{name}` is deleted in line {kept[-1].line}")
        own = [each for each in kept if isinstance(each.what, FunctionNode | ast.ClassDef)]
        things = [self._thing(scope, binding) for binding in reversed(own or kept)]
        chosen = max(things, key=_likelihood)
        if not isinstance(chosen, Defined):
            return chosen
        # (`f = None` only says that it is not there)
        shapes = {
            text_of(each.what.args) if isinstance(each.what, FunctionNode) else each.what
            for each in kept
            if len(kept) > 1 and not isinstance(each.what, ast.Constant)
        }
        sure = chosen.sure and len(shapes) < 2
        if not own:
            return replace(chosen, sure=sure)
        return replace(chosen, sure=sure, wrappers=tuple(wrapping), overload=overload)

    def _thing(self, scope: Scope, binding: Binding) -> Thing:
        what = binding.what
        if isinstance(what, Imported):
            return self._imported(what)
        if isinstance(what, ast.Call) and what.args and dotted(what.func) in _TRANSPARENT:
            what = what.args[0]
        if isinstance(what, FunctionNode | ast.ClassDef):
            return Defined(scope, binding, what, self)
        thing = self.meaning(scope, what)
        if not isinstance(thing, Missing | Dynamic):
            return thing
        own = Target(thing.origin, binding.name) if isinstance(thing, Dynamic) else None
        return Defined(scope, binding, None, self, defined_as=own if own and own.module else None)

    def _once(self, owner: object, name: str, find: Callable[[], Thing]) -> Thing:
        """Return what *find* does, unless that is under way already: names may go in a circle."""
        key = (owner, name)
        if key in self.known:
            return self.known[key]
        if key in self._open:
            self._circles += 1
            return Missing(f"`{name}` is defined in a circle of imports")
        circles = self._circles
        self._open.add(key)
        try:
            thing = find()
        finally:
            self._open.discard(key)
        # What was found on the way round a circle is not all that there is.
        if self._circles == circles:
            self.known[key] = thing
        return thing

    # --- classes --------------------------------------------------------------------------

    def _of_class(self, owner: Defined, name: str) -> Thing:
        lineage = self.lineage(owner)
        for cls in lineage:
            if isinstance(cls, Defined):
                own, private = cls.binding.name, f"_{cls.binding.name.lstrip('_')}__"
                mangled = f"__{name.removeprefix(private)}" if name.startswith(private) else name
                method = self._bound(cls.scope, f"{own}.{name}") or self._bound(cls.inside, mangled)
                if method is not None:
                    return method
        label = owner.home.qualname
        if hasattr(object, name) or any(_may_have(cls, name) for cls in lineage):
            return Dynamic()
        return Missing(f"class `{label}` has no method `{name}`")

    def _ancestors(self, cls: Defined, above: tuple[object, ...]) -> Iterator[Ancestor]:
        yield cls
        if cls.node in above or not isinstance(cls.node, ast.ClassDef):
            return
        for base in cls.node.bases:
            expression = base.value if isinstance(base, ast.Subscript) else base
            name = dotted(expression) or ""
            if name.rpartition(".")[2] in _PLAIN_BASES:
                continue
            thing = self.meaning(cls.scope, expression)
            if isinstance(thing, Defined) and isinstance(thing.node, ast.ClassDef):
                yield from self._ancestors(thing, (*above, cls.node))
            else:
                builtin = getattr(builtins, name, None)
                yield builtin if isinstance(builtin, type) else None


def _likelihood(thing: Thing) -> int:
    """Return how much *thing* says of a name that has several meanings."""
    if isinstance(thing, Defined):
        return 1 if thing.node is None else 3
    return 2 if isinstance(thing, Module) else 0


def _may_have(cls: Ancestor, name: str) -> bool:
    """Whether a class may have a method *name* that no line of its source defines."""
    if not isinstance(cls, Defined) or not isinstance(cls.node, ast.ClassDef):
        return cls is None or hasattr(cls, name)
    makers = [decorator for decorator, _ in cls.scope.decorators(cls.node)]
    makers += [dotted(key.value) or "" for key in cls.node.keywords if key.arg == "metaclass"]
    return (
        not cls.sure
        or "__init_subclass__" in cls.inside.bindings
        or cls.scope.module.writes
        or any(maker.rpartition(".")[2] not in _PLAIN_MAKERS for maker in makers)
    )
