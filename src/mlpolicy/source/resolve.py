"""From a name to what it stands for: through imports, aliases, branches and bases."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from dataclasses import replace

from mlpolicy.core.function import FunctionNode
from mlpolicy.source.answer import Ancestor, Defined, Dynamic, Missing, Thing
from mlpolicy.source.locate import NoModule, Opaque, Space
from mlpolicy.source.module import Binding, Imported, Module, Scope, dotted

_TRANSPARENT = ("staticmethod", "classmethod", "property")
_PLAIN_BASES = ("Generic", "Protocol", "ABC", "object")
_PLAIN_METACLASSES = ("ABCMeta", "EnumMeta", "EnumType", "type")
_PLAIN_DECORATORS = (
    "dataclass", "s", "attrs", "define", "frozen", "mutable", "final", "runtime_checkable",
    "total_ordering", "unique", "verify", "deprecated",
)  # fmt: skip
"""Of classes: what adds no method that a policy would name."""


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
        if isinstance(made, Defined) and isinstance(made.node, ast.ClassDef):
            method = self._of_class(made, name)
            if isinstance(method, Defined):
                return method
        return Dynamic()

    def local(self, owner: Thing, name: str) -> Thing:
        """Return what the function *owner* calls *name* inside."""
        if isinstance(owner, Missing | Dynamic):
            return owner
        inside = isinstance(owner, Defined) and owner.is_function
        thing = self._bound(owner.inside, name) if inside and isinstance(owner, Defined) else None
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
            last = max((star.lineno for star in stars), default=0)
            return replace(bound, sure=bound.sure and bound.line > last)
        if bound is not None:
            return bound
        absent: Thing = Missing(f"`{module.name}` has no function `{name}`")
        unread = module.may_bind(name)
        for star in reversed(stars):
            source = self._whole(module.absolute(star) or ".")
            if isinstance(source, Module):
                source = self.attribute(source, name) if source.gives(name) else absent
            if not isinstance(source, Missing | Dynamic):
                return source
            unread = unread or isinstance(source, Dynamic)
        below = self._load(f"{module.name}.{name}") if module.folders else NoModule(name)
        if not isinstance(below, NoModule):  # a module is an attribute once it is imported
            return below if isinstance(below, Module) else Dynamic()
        return Dynamic() if unread else absent

    def _whole(self, name: str) -> Thing:
        module = self._load(name)
        return module if isinstance(module, Module) else Dynamic()

    def _imported(self, scope: Scope, what: Imported) -> Thing:
        name = scope.module.absolute(what)
        thing = self._whole(name) if name is not None else Dynamic()
        if what.name is None:
            return thing
        thing = self.attribute(thing, what.name)
        if isinstance(thing, Missing | Dynamic):
            # A package that is still being imported gives the modules below it all the same.
            below = self._whole(f"{name}.{what.name}")
            return below if isinstance(below, Module) else thing
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
            ast.dump(each.what.args) if isinstance(each.what, FunctionNode) else each.what
            for each in kept
            if not isinstance(each.what, ast.Constant)
        }
        sure = chosen.sure and len(shapes) < 2
        if not own:
            return replace(chosen, sure=sure)
        calls = tuple(each.what for each in reversed(wrapping) if isinstance(each.what, ast.Call))
        return replace(chosen, sure=sure, wrappers=calls, overload=overload)

    def _thing(self, scope: Scope, binding: Binding) -> Thing:
        what = binding.what
        if isinstance(what, Imported):
            return self._imported(scope, what)
        if isinstance(what, ast.Call) and what.args and dotted(what.func) in _TRANSPARENT:
            what = what.args[0]
        if isinstance(what, FunctionNode | ast.ClassDef):
            return Defined(scope, binding, what, self)
        thing = self.meaning(scope, what)
        unknown = isinstance(thing, Missing | Dynamic)
        return Defined(scope, binding, None, self) if unknown else thing

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
    meta = [dotted(key.value) or "" for key in cls.node.keywords if key.arg == "metaclass"]
    around = [decorator for decorator, _ in cls.scope.decorators(cls.node)]
    return (
        not cls.sure
        or "__init_subclass__" in cls.inside.bindings
        or cls.scope.module.writes
        or any(made.rpartition(".")[2] not in _PLAIN_METACLASSES for made in meta)
        or any(made.rpartition(".")[2] not in _PLAIN_DECORATORS for made in around)
    )
