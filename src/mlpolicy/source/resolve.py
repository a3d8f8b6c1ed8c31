"""From a name to what it stands for: through imports, aliases, branches and bases."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mlpolicy.core.frozen import frozen
from mlpolicy.core.target import Target
from mlpolicy.source.answer import Dynamic, Missing, NoModule, Opaque, Space
from mlpolicy.source.module import Module, Scope, dotted
from mlpolicy.source.names import Binding, FunctionNode, Imported

_TRANSPARENT = ("staticmethod", "classmethod", "property")
_PLAIN_BASES = ("Generic", "Protocol", "ABC", "object")
_PLAIN_METACLASSES = ("ABCMeta", "EnumMeta", "EnumType", "type")
_PLAIN_DECORATORS = frozenset(
    [
        "dataclass",
        "s",
        "attrs",
        "define",
        "frozen",
        "mutable",
        "final",
        "runtime_checkable",
        "total_ordering",
        "unique",
        "verify",
        "deprecated",
    ]
)


@frozen()
class Named:
    """A function, a class or a value, where the source gives it its name."""

    scope: Scope
    binding: Binding
    node: ast.ClassDef | FunctionNode | None
    """None for a value, which no `def`, `lambda` or `class` made."""
    wrappers: tuple[ast.Call, ...] = ()
    """Assignments such as `f = cache(f)`, the last first."""
    sure: bool = True
    """Whether no branch binds the name to something else."""
    overload: bool = False
    """Whether there are only overloads and no implementation."""

    @property
    def inside(self) -> Scope:
        """The scope of a class or function."""
        assert self.node is not None
        return self.scope.within(self.node, self.binding.name)

    @property
    def home(self) -> Target:
        """The path under which it is defined."""
        return Target(self.scope.module.name, self.scope.path(self.binding.name))


Thing = Named | Module | Missing | Dynamic
Ancestor = Named | type | None
"""A class and each of its bases: one with source, one of Python itself, one that is not known."""


class Resolver:
    """Finds what names stand for."""

    def __init__(self, load: Callable[[str], Module | Space | Opaque | NoModule]) -> None:
        """Get modules from *load*."""
        self._load = load
        self._open: set[tuple[object, str]] = set()
        self._known: dict[tuple[object, str], Thing] = {}
        self._circles = 0

    def attribute(self, owner: Thing, name: str) -> Thing:
        """Return what *owner* calls *name*."""
        if isinstance(owner, Module):
            return self._once(owner, name, lambda: self._of_module(owner, name))
        if not isinstance(owner, Named):
            return owner
        if isinstance(owner.node, ast.ClassDef):
            return self._of_class(owner, name)
        return self._bound(owner.scope, f"{owner.binding.name}.{name}") or self._of_object(
            owner, name
        )

    def _of_object(self, owner: Named, name: str) -> Thing:
        if owner.node is not None and name in owner.inside.bindings:
            return Missing(f"`{name}` is defined inside of the function `{owner.home.qualname}`")
        # An instance that the module makes has the methods of its class.
        made = self.meaning(owner.scope, getattr(owner.binding.what, "func", None))
        if isinstance(made, Named) and isinstance(made.node, ast.ClassDef):
            made = self._of_class(made, name)
            if isinstance(made, Named):
                return made
        return Dynamic(f"the attributes of `{owner.binding.name}` are not in the source")

    def local(self, owner: Thing, name: str) -> Thing:
        """Return what the function *owner* calls *name* inside."""
        if isinstance(owner, Missing | Dynamic):
            return owner
        inside = isinstance(owner, Named) and isinstance(owner.node, FunctionNode)
        thing = self._bound(owner.inside, name) if inside and isinstance(owner, Named) else None
        return thing or Missing(f"no function defines `{name}` inside")

    def meaning(self, scope: Scope, expression: object) -> Thing:
        """Return what a dotted name in *scope* stands for."""
        written = dotted(expression)
        if written is None:
            return Dynamic("it is made by an expression")
        first, *rest = written.split(".")
        thing = self._seen_from(scope, first)
        for part in rest:
            thing = self.attribute(thing, part)
        return thing

    def lineage(self, cls: Named) -> list[Ancestor]:
        """Return *cls* and its bases, in the order in which attributes are looked up."""
        listed = list(self._ancestors(cls, ()))
        # A base that is reached twice comes after all that inherit from it.
        last = {id(getattr(base, "node", base)): at for at, base in enumerate(listed)}
        return [listed[at] for at in sorted(last.values())]

    # --- modules --------------------------------------------------------------------------

    def _of_module(self, module: Module, name: str) -> Thing:
        bound = self._bound(module.scope, name)
        if bound is not None:
            # A star import further down may put another function in its place.
            last = max((star.lineno for star in module.scope.names.stars), default=0)
            if isinstance(bound, Named) and isinstance(bound.node, FunctionNode):
                last = last if bound.scope is module.scope else 0
                return replace(bound, sure=bound.sure and bound.binding.line > last)
            return bound
        unread = None
        for star in reversed(module.scope.names.stars):
            origin = module.absolute(star) or "."
            source = self._load(origin)
            thing: Thing = Dynamic(f"all of `{origin}` is imported, which cannot be read here")
            if isinstance(source, Module):
                given = source.gives(name)
                thing = self.attribute(source, name) if given else _absent(source, name)
            if isinstance(thing, Dynamic):
                unread = thing
            elif not isinstance(thing, Missing):
                return thing
        below = self._submodule(module.name, name) if module.folders else None
        if module.may_bind(name):
            unread = unread or Dynamic(f"`{module.name}` may bind it while it runs")
        return below or unread or _absent(module, name)

    def _submodule(self, package: str, name: str) -> Thing | None:
        """Return the module *name* in *package*, which is an attribute once it is imported."""
        module = self._load(f"{package}.{name}")
        return None if isinstance(module, NoModule) else _whole(f"{package}.{name}", module)

    def _imported(self, scope: Scope, what: Imported) -> Thing:
        name = scope.module.absolute(what)
        if name is None:
            return Dynamic("it is imported from above the top-level package")
        module = self._load(name)
        thing = _whole(name, module)
        if what.name is None or not isinstance(module, Module | Space):
            return thing
        thing = self.attribute(thing, what.name)
        if isinstance(thing, Missing | Dynamic):
            return self._submodule(name, what.name) or thing
        return thing

    # --- names of one scope ---------------------------------------------------------------

    def _bound(self, scope: Scope, name: str) -> Thing | None:
        bindings = scope.bindings.get(name, ())
        return self._once(scope, name, lambda: self._chosen(scope, bindings)) if bindings else None

    def _chosen(self, scope: Scope, bindings: Sequence[Binding]) -> Thing:
        kept, wrapping, overload = in_force(bindings, scope)
        if isinstance(kept[-1].what, ast.Delete):
            return Missing(f"`{kept[-1].name}` is deleted in line {kept[-1].line}")
        own = [one for one in kept if isinstance(one.what, FunctionNode | ast.ClassDef)]
        things = [self._thing(scope, binding) for binding in reversed(own or kept)]
        chosen = max(things, key=_likelihood)
        if not isinstance(chosen, Named):
            return chosen
        sure = chosen.sure and len({_shape(one) for one in kept if not _is_nothing(one)}) < 2
        if not own:
            return replace(chosen, sure=sure)
        calls = tuple(one.what for one in reversed(wrapping) if isinstance(one.what, ast.Call))
        return replace(chosen, sure=sure, wrappers=calls, overload=overload)

    def _thing(self, scope: Scope, binding: Binding) -> Thing:
        what = binding.what
        if isinstance(what, Imported):
            return self._imported(scope, what)
        if isinstance(what, ast.Call) and what.args and dotted(what.func) in _TRANSPARENT:
            what = what.args[0]
        if isinstance(what, FunctionNode | ast.ClassDef):
            return Named(scope, binding, what)
        value = Named(scope, binding, None)
        if dotted(what) is None:
            return value
        thing = self.meaning(scope, what)
        return value if isinstance(thing, Missing | Dynamic) else thing

    def _seen_from(self, scope: Scope, name: str) -> Thing:
        """Return what *name* means in the code of *scope*: its own names, then those around it."""
        inner: Scope | None = scope
        while inner is not None and inner.parent is not None:
            # While a class binds the name, it reads the one that stands around the class.
            if (inner is scope or not inner.is_class) and (inner, name) not in self._open:
                thing = self._bound(inner, name)
                if thing is not None:
                    return thing
            inner = inner.parent
        return self.attribute(scope.module, name)

    def _once(self, owner: object, name: str, find: Callable[[], Thing]) -> Thing:
        """Return what *find* does, unless that is under way already: names may go in a circle."""
        key = (owner, name)
        if key in self._known:
            return self._known[key]
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
            self._known[key] = thing
        return thing

    # --- classes --------------------------------------------------------------------------

    def _of_class(self, owner: Named, name: str) -> Thing:
        lineage = self.lineage(owner)
        for cls in lineage:
            if isinstance(cls, Named):
                own, private = cls.binding.name, f"_{cls.binding.name.lstrip('_')}__"
                mangled = f"__{name.removeprefix(private)}" if name.startswith(private) else name
                method = self._bound(cls.scope, f"{own}.{name}") or self._bound(cls.inside, mangled)
                if method is not None:
                    return method
        label = owner.home.qualname
        if hasattr(object, name) or any(_may_have(cls, name) for cls in lineage):
            return Dynamic(f"`{label}` may have more than its source shows")
        return Missing(f"class `{label}` has no method `{name}`")

    def _ancestors(self, cls: Named, above: tuple[object, ...]) -> Iterator[Ancestor]:
        yield cls
        if cls.node in above or not isinstance(cls.node, ast.ClassDef):
            return
        for base in cls.node.bases:
            expression = base.value if isinstance(base, ast.Subscript) else base
            name = dotted(expression) or ""
            if name.rpartition(".")[2] in _PLAIN_BASES:
                continue
            thing = self.meaning(cls.scope, expression)
            if isinstance(thing, Named) and isinstance(thing.node, ast.ClassDef):
                yield from self._ancestors(thing, (*above, cls.node))
            else:
                builtin = getattr(builtins, name, None)
                yield builtin if isinstance(builtin, type) else None


def in_force(
    bindings: Sequence[Binding], scope: Scope
) -> tuple[list[Binding], list[Binding], bool]:
    """Return which of *bindings*, all of one name, may hold when *scope* has been run.

    With them come those that wrap what the name was bound to before, and whether there are only
    overloads.
    """
    awake = [one for one in bindings if not one.idle] or list(bindings)
    real = [one for one in awake if not _gives_way(one, scope)]
    kept = [one for one in real or awake if one is (real or awake)[0] or not one.wraps]
    return kept, [one for one in real if one not in kept], not real


def _gives_way(binding: Binding, scope: Scope) -> bool:
    """Whether it is an overload, or adds a setter or deleter to the property of its name."""
    decorators = scope.decorators(binding.what)
    accessors = (f"{binding.name}.setter", f"{binding.name}.deleter")
    return any(name in accessors or name.endswith(".overload") for name in decorators)


def _absent(module: Module, name: str) -> Missing:
    return Missing(f"`{module.name}` has no function `{name}`")


def _whole(name: str, module: Module | Space | Opaque | NoModule) -> Thing:
    return module if isinstance(module, Module) else Dynamic(f"`{name}` cannot be read here")


def _likelihood(thing: Thing) -> int:
    """Return how much *thing* says of a name that has several meanings."""
    if isinstance(thing, Named):
        return 1 if thing.node is None else 3
    return 2 if isinstance(thing, Module) else 0


def _shape(binding: Binding) -> object:
    """Return what is equal where branches bind functions that are called in one way."""
    what = binding.what
    return ast.dump(what.args) if isinstance(what, FunctionNode) else what


def _is_nothing(binding: Binding) -> bool:
    """Whether it only says that something is not there, as `f = None` does."""
    return isinstance(binding.what, ast.Constant)


def _may_have(cls: Ancestor, name: str) -> bool:
    """Whether a class may have a method *name* that no line of its source defines."""
    if not isinstance(cls, Named) or not isinstance(cls.node, ast.ClassDef):
        return cls is None or hasattr(cls, name)
    metaclasses = (dotted(key.value) or "" for key in cls.node.keywords if key.arg == "metaclass")
    return (
        not cls.sure
        or "__init_subclass__" in cls.inside.bindings
        or cls.scope.module.writes
        or any(made.rpartition(".")[2] not in _PLAIN_METACLASSES for made in metaclasses)
        or any(
            made.rpartition(".")[2] not in _PLAIN_DECORATORS
            for made in cls.scope.decorators(cls.node)
        )
    )
