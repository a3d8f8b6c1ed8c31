"""From a name to what it stands for: through imports, aliases, branches and bases."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mlpolicy.core.frozen import frozen
from mlpolicy.core.target import Target
from mlpolicy.source.answer import Dynamic, Missing, NoModule, Opaque, Space
from mlpolicy.source.module import Module, Scope, dotted, shortened
from mlpolicy.source.names import Binding, FunctionNode, Imported

_OVERLOAD = {"typing.overload", "typing_extensions.overload"}
_TRANSPARENT = ("staticmethod", "classmethod", "property")
_PLAIN_BASES = ("Generic", "Protocol", "ABC", "object")
_PLAIN_METACLASSES = ("ABCMeta", "EnumMeta", "EnumType", "type")
_PLAIN_DECORATORS = frozenset(
    "dataclass s attrs define frozen mutable final runtime_checkable total_ordering unique verify"
    " deprecated".split()
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
    rivals: tuple[Thing, ...] = ()
    """What other branches bind the name to."""
    overload: bool = False

    @property
    def inside(self) -> Scope:
        """The scope of a class or function."""
        assert self.node is not None
        return self.scope.within(self.node, self.binding.name)

    @property
    def home(self) -> Target:
        """The path under which it is defined."""
        return Target(self.scope.module.name, self.scope.path(self.binding.name))


@frozen()
class Foreign:
    """A base class whose attributes are not known from source."""

    name: str

    @property
    def builtin(self) -> type | None:
        """The class of Python itself that it is."""
        cls = getattr(builtins, self.name, None)
        return cls if isinstance(cls, type) else None


Thing = Named | Module | Missing | Dynamic


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
        later = owner.scope.names.attributes.get((owner.binding.name, name))
        if later is not None:
            return self._thing(owner.scope, later)
        if owner.node is not None and name in owner.inside.bindings:
            return Missing(f"`{name}` is defined inside of the function `{owner.home.qualname}`")
        if owner.node is None and isinstance(owner.binding.what, ast.Call):
            made = self.meaning(owner.scope, owner.binding.what.func)
            if isinstance(made, Named) and isinstance(made.node, ast.ClassDef):
                thing = self._of_class(made, name)
                if isinstance(thing, Named):
                    return thing
        return Dynamic(f"the attributes of `{owner.binding.name}` are not in the source")

    def local(self, owner: Thing, name: str) -> Thing:
        """Return what the function *owner* calls *name* inside."""
        if isinstance(owner, Named) and isinstance(owner.node, FunctionNode):
            thing = self._bound(owner.inside, name)
            return thing or Missing(f"`{owner.home.qualname}` defines no `{name}`")
        if isinstance(owner, Missing | Dynamic):
            return owner
        return Missing(f"`{name}` cannot be inside of something that is not a function")

    def meaning(self, scope: Scope, expression: ast.AST | None) -> Thing:
        """Return what a dotted name in *scope* stands for."""
        written = dotted(expression)
        if written is None:
            return Dynamic("it is made by an expression")
        first, *rest = written.split(".")
        thing = self._seen_from(scope, first)
        for part in rest:
            thing = self.attribute(thing, part)
        return thing

    def lineage(self, cls: Named) -> tuple[Named | Foreign, ...]:
        """Return *cls* and its bases, in the order in which attributes are looked up."""
        listed = list(self._ancestors(cls, ()))
        # A base that is reached twice comes after all that inherit from it.
        last = {id(getattr(base, "node", base)): at for at, base in enumerate(listed)}
        return tuple(base for at, base in enumerate(listed) if at in last.values())

    # --- modules --------------------------------------------------------------------------

    def _of_module(self, module: Module, name: str) -> Thing:
        bound = self._bound(module.scope, name)
        after = bound.binding.line if isinstance(bound, Named) else 0
        if bound is not None and (not after or not module.scope.names.stars):
            return bound
        starred, unread = self._starred(module, name, after)
        if isinstance(bound, Named):
            rivals = [rival for rival in (starred, unread) if rival is not None]
            return replace(bound, rivals=(*bound.rivals, *rivals))
        if starred is not None:
            return starred
        below = self._submodule(module.name, name) if module.folders else None
        why = f"`{module.name}` {module.dynamic}" if module.dynamic else ""
        if module.binds_later(name):
            why = f"functions of `{module.name}` bind `{name}`"
        return below or unread or (Dynamic(why) if why else _nothing(module, name))

    def _starred(
        self, module: Module, name: str, after: int
    ) -> tuple[Thing | None, Dynamic | None]:
        """Return what a star import below line *after* calls *name*, or why that is not known."""
        unread = None
        for star in reversed(module.scope.names.stars):
            if star.lineno <= after:
                break
            origin = module.absolute(star) or "."
            source = self._load(origin)
            if not isinstance(source, Module):
                unread = Dynamic(f"`{module.name}` imports all of `{origin}`, which is not known")
            elif source.gives(name):
                thing = self.attribute(source, name)
                if isinstance(thing, Dynamic):
                    unread = Dynamic(f"`{module.name}` imports all of `{origin}`: {thing.why}")
                elif not isinstance(thing, Missing):
                    return thing, None
        return None, unread

    def _submodule(self, package: str, name: str) -> Thing | None:
        """Return the module *name* in *package*, which is an attribute once it is imported."""
        module = self._load(f"{package}.{name}")
        return None if isinstance(module, NoModule) else _whole(f"{package}.{name}", module)

    def _imported(self, scope: Scope, what: Imported) -> Thing:
        name = scope.module.absolute(what)
        if name is None:
            return Dynamic("it is imported from above the top-level package")
        module = self._load(name)
        if what.name is None or not isinstance(module, Module | Space):
            return _whole(name, module)
        thing = self.attribute(_whole(name, module), what.name)
        if isinstance(thing, Missing | Dynamic):
            return self._submodule(name, what.name) or thing
        return thing

    # --- names of one scope ---------------------------------------------------------------

    def _bound(self, scope: Scope, name: str) -> Thing | None:
        bindings = scope.bindings.get(name)
        return self._once(scope, name, lambda: self._chosen(scope, bindings)) if bindings else None

    def _chosen(self, scope: Scope, bindings: Sequence[Binding]) -> Thing:
        alive, wrappers, overload = in_force(bindings, scope)
        kept = [one for one in alive if not isinstance(one.what, ast.Delete)]
        if not kept:
            return Missing(f"`{alive[-1].name}` is deleted in line {alive[-1].line}")
        things = [self._thing(scope, binding) for binding in kept]
        chosen = max(reversed(things), key=lambda thing: _likelihood(thing, scope))
        if not isinstance(chosen, Named):
            return chosen
        rivals = (thing for thing in things if thing is not chosen and not _is_constant(thing))
        rivals = (*chosen.rivals, *rivals)
        if chosen.scope is scope:
            return replace(chosen, rivals=rivals, wrappers=wrappers, overload=overload)
        return replace(chosen, rivals=rivals)

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
        key = f"{binding.line}:{binding.name}"
        thing = self._once(scope, key, lambda: self.meaning(scope, what))
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
                private = f"_{cls.binding.name.lstrip('_')}"
                known_as = name.removeprefix(private) if name.startswith(f"{private}__") else name
                later = cls.scope.names.attributes.get((cls.binding.name, name))
                if later is not None:
                    return self._thing(cls.scope, later)
                thing = self._bound(cls.inside, known_as)
                if thing is not None:
                    return thing
        label = owner.home.qualname
        why = next((why for cls in lineage if (why := _why_dynamic(cls, name))), "")
        if not why and hasattr(object, name):
            why = f"has `{name}` from `object`"
        return Dynamic(f"`{label}` {why}") if why else Missing(
            f"class `{label}` has no method `{name}`"
        )

    def _ancestors(self, cls: Named, above: tuple[object, ...]) -> Iterator[Named | Foreign]:
        yield cls
        if cls.node in above or not isinstance(cls.node, ast.ClassDef):
            return
        for base in cls.node.bases:
            expression = base.value if isinstance(base, ast.Subscript) else base
            if (dotted(expression) or "").rpartition(".")[2] in _PLAIN_BASES:
                continue
            thing = self.meaning(cls.scope, expression)
            if isinstance(thing, Named) and isinstance(thing.node, ast.ClassDef):
                yield from self._ancestors(thing, (*above, cls.node))
            else:
                yield Foreign(shortened(expression))


def in_force(
    bindings: Sequence[Binding], scope: Scope
) -> tuple[list[Binding], tuple[ast.Call, ...], bool]:
    """Return which of *bindings*, all of one name, may hold when *scope* has been run.

    With them come the calls that wrap what the name was bound to before, the last first, and
    whether there are only overloads.
    """
    awake = [one for one in bindings if not one.idle] or bindings
    awake = [one for one in awake if not _is_accessor(one)] or awake
    real = [one for one in awake if _OVERLOAD.isdisjoint(scope.decorators(_node(one)))]
    rest = real or awake
    wrapping = [one for one in rest[1:] if one.wraps]
    kept = [one for one in rest if one not in wrapping]
    alive = [
        one for at, one in enumerate(kept) if not any(map(one.is_replaced_by, kept[at + 1 :]))
    ]
    calls = tuple(one.what for one in reversed(wrapping) if isinstance(one.what, ast.Call))
    return alive, calls, not real


def _node(binding: Binding) -> ast.AST | None:
    return binding.what if isinstance(binding.what, ast.AST) else None


def _is_accessor(binding: Binding) -> bool:
    """Whether *binding* adds a setter or deleter to the property of its name."""
    accessors = (f"{binding.name}.setter", f"{binding.name}.deleter")
    return any(dotted(one) in accessors for one in getattr(binding.what, "decorator_list", ()))


def _nothing(module: Module, name: str) -> Missing:
    return Missing(f"`{module.name}` has no function `{name}`")


def _whole(name: str, module: Module | Space | Opaque | NoModule) -> Thing:
    match module:
        case Module():
            return module
        case Opaque():
            return Dynamic(f"`{name}` {module.why}")
        case Space():
            return Dynamic(f"`{name}` is a folder without `__init__.py`")
        case NoModule():
            return Dynamic(f"it comes from `{name}`, which cannot be found here")


def _likelihood(thing: Thing, scope: Scope) -> int:
    """Return how much *thing* says: a function of the module itself most, a failed import least."""
    match thing:
        case Named(node=None):
            return 0 if _is_constant(thing) else 1
        case Named():
            return 4 if thing.scope is scope else 3
        case Missing():
            return 0
    return 2


def _is_constant(thing: Thing) -> bool:
    """Whether it only says that something is not there, as `f = None` does."""
    return isinstance(thing, Named) and isinstance(thing.binding.what, ast.Constant)


def _why_dynamic(cls: Named | Foreign, name: str) -> str:
    """Return why a class may have a method *name* that no line defines; mostly nothing."""
    if isinstance(cls, Foreign):
        if cls.builtin is None:
            return f"inherits from `{cls.name}`, which cannot be read here"
        return f"has `{name}` from `{cls.name}`" if hasattr(cls.builtin, name) else ""
    assert isinstance(cls.node, ast.ClassDef)
    if cls.rivals:
        return "has another meaning in a branch"
    for keyword in cls.node.keywords:
        made_by = shortened(keyword.value)
        if keyword.arg == "metaclass" and made_by.rpartition(".")[2] not in _PLAIN_METACLASSES:
            return f"is made by the metaclass `{made_by}`"
    for decorator in cls.scope.decorators(cls.node):
        if decorator.rpartition(".")[2] not in _PLAIN_DECORATORS:
            return f"is decorated with `{decorator}`, which may add methods"
    if "__init_subclass__" in cls.inside.bindings:
        return f"inherits from `{cls.home.qualname}`, which may add to its subclasses"
    return cls.scope.module.writes
