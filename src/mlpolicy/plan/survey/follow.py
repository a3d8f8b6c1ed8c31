"""From a name to what it stands for: through imports, aliases, branches and bases."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlpolicy.plan.survey.answer import Dynamic, Missing, NoModule
from mlpolicy.plan.survey.bindings import Binding, Deleted, Imported
from mlpolicy.plan.survey.choice import choose, with_rivals
from mlpolicy.plan.survey.classes import Ancestor, lineage, unmangled, why_dynamic, written_for
from mlpolicy.plan.survey.functions import dotted
from mlpolicy.plan.survey.holding import Holding, holding
from mlpolicy.plan.survey.importing import circle, gives, whole
from mlpolicy.plan.survey.library import Found
from mlpolicy.plan.survey.locate import Opaque, Space
from mlpolicy.plan.survey.module import Module, Scope
from mlpolicy.plan.survey.things import Class, Function, Gap, Generated, Thing, Value, Whole

Load = Callable[[str], Found]
"""Returns the module of a dotted name."""

_TRANSPARENT = frozenset({"staticmethod", "classmethod", "property"})


class Follower:
    """Finds what names stand for; one serves one look-up."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._open: set[tuple[object, str]] = set()
        self._known: dict[tuple[str, str], Thing] = {}
        self._circles = 0

    def attribute(self, owner: Thing, name: str) -> Thing:
        """Return what *owner* calls *name*."""
        match owner:
            case Whole():
                thing = self.of_module(owner.module, name)
            case Class():
                thing = self.of_class(owner, name)
            case Value():
                thing = self._of_value(owner, name)
            case Gap():
                thing = owner
            case Function():
                thing = self._of_function(owner, name)
            case Generated():
                thing = _of_any_function(owner.name)
        return thing

    def local(self, owner: Function, name: str) -> Thing:
        """Return what the function *owner* calls *name* inside."""
        body = owner.body
        found = self._bound(body, name)
        return found or Gap(Missing(f"`{body.qualname}` defines no `{name}`"))

    def of_module(self, module: Module, name: str) -> Thing:
        """Return what *module* calls *name*."""
        key = (module.name, name)
        if key in self._known:
            return self._known[key]
        circles = self._circles
        with self._once(key) as first:
            if not first:
                return circle(name)
            found = self._of_module(module, name)
        # What was found on the way round a circle is not all that there is.
        if self._circles == circles:
            self._known[key] = found
        return found

    def of_class(self, owner: Class, name: str) -> Thing:
        """Return what *owner* calls *name*, its own or inherited."""
        ancestors = self.lineage(owner)
        for one in ancestors:
            known_as = unmangled(name, one, owner) if isinstance(one, Class) else None
            if isinstance(one, Class) and known_as:
                found = self._own(one, known_as) or written_for(one, known_as)
                if found is not None:
                    return found
        label = owner.body.qualname
        why = why_dynamic(ancestors, name)
        if why:
            return Gap(Dynamic(f"`{label}` {why}"))
        return Gap(Missing(f"class `{label}` has no method `{name}`"))

    def names(self, owner: Thing) -> Iterator[str]:
        """Yield the names that *owner* is known to have, inherited and imported ones too."""
        match owner:
            case Whole(module=module):
                yield from module.scope.bindings
                yield from self._star_names(module)
            case Class():
                for one in self.lineage(owner):
                    if isinstance(one, Class):
                        yield from one.body.bindings
            case Function():
                yield from owner.body.bindings
            case Value(binding=Binding(what=ast.Call(func=made))):
                thing = self.meaning(owner.scope, made)
                yield from self.names(thing) if isinstance(thing, Class) else ()

    def lineage(self, owner: Class) -> tuple[Ancestor, ...]:
        """Return *owner* and its bases, in the order in which attributes are looked up."""
        return lineage(owner, self.meaning)

    def meaning(self, scope: Scope, expression: ast.expr) -> Thing:
        """Return what a dotted name in *scope* stands for."""
        written = dotted(expression)
        if written is None:
            return Gap(Dynamic("it is made by an expression"))
        first, *rest = written.split(".")
        thing = self._seen_from(scope, first)
        for part in rest:
            thing = self.attribute(thing, part)
        return thing

    # --- names of one scope ---------------------------------------------------------------

    def _bound(self, scope: Scope, name: str) -> Thing | None:
        bindings = scope.bindings.get(name)
        if not bindings:
            return None
        with self._once((scope, name)) as first:
            if not first:
                return circle(name)
            return self._chosen(scope, name, holding(bindings, scope))

    def _chosen(self, scope: Scope, name: str, held: Holding) -> Thing:
        alive = [one for one in held.bindings if not isinstance(one.what, Deleted)]
        if not alive:
            line = held.bindings[-1].line
            return Gap(Missing(f"`{name}` is deleted in line {line}"))
        return choose([self._thing(scope, one) for one in alive], held, scope)

    def _thing(self, scope: Scope, binding: Binding) -> Thing:
        what = binding.what
        if isinstance(what, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return Function(scope, binding, what)
        if isinstance(what, ast.ClassDef):
            return Class(scope, binding, what)
        if isinstance(what, Imported):
            return self._imported(scope, what)
        if isinstance(what, ast.expr):
            return self._assigned(scope, binding, what)
        return Value(scope, binding)

    def _assigned(self, scope: Scope, binding: Binding, what: ast.expr) -> Thing:
        if isinstance(what, ast.Call) and what.args and dotted(what.func) in _TRANSPARENT:
            what = what.args[0]
        if isinstance(what, ast.Lambda):
            return Function(scope, binding, what)
        if dotted(what) is None:
            return Value(scope, binding)
        found = self.meaning(scope, what)
        return Value(scope, binding) if isinstance(found, Gap) else found

    def _seen_from(self, scope: Scope, name: str) -> Thing:
        """Return what *name* means in the code of *scope*: its own names, then those around it."""
        looked: Scope | None = scope
        while looked is not None and looked.parent is not None:
            # While a class binds the name, it reads the one that stands around the class.
            if (looked is scope or not looked.is_class) and (looked, name) not in self._open:
                found = self._bound(looked, name)
                if found is not None:
                    return found
            looked = looked.parent
        return self.of_module(scope.module, name)

    # --- modules --------------------------------------------------------------------------

    def _imported(self, scope: Scope, what: Imported) -> Thing:
        name = scope.module.absolute(what.module, what.level)
        if name is None:
            return Gap(Dynamic("it is imported from above the top-level package"))
        found = self._load(name)
        if what.name is None:
            return whole(name, found)
        thing = whole(name, found)
        if isinstance(found, Module):
            thing = self.of_module(found, what.name)
        if isinstance(thing, Gap) and isinstance(found, Module | Space):
            thing = self._submodule(name, what.name) or thing
        return thing

    def _of_module(self, module: Module, name: str) -> Thing:
        found = self._bound(module.scope, name)
        if found is not None:
            return self._beside_stars(module, name, found)
        starred, unread = self._starred(module, name)
        if starred is not None:
            return starred
        if name in module.written:
            return Value(module.scope, module.written[name])
        below = self._submodule(module.name, name) if module.folders else None
        why = unread or module.dynamic
        if below is None and not why:
            return Gap(Missing(f"`{module.name}` has no function `{name}`"))
        return below or Gap(Dynamic(f"`{module.name}` {why}"))

    def _submodule(self, package: str, name: str) -> Thing | None:
        """Return the module *name* in *package*, which is an attribute once it is imported."""
        dotted_name = f"{package}.{name}"
        found = self._load(dotted_name)
        if isinstance(found, NoModule) or (isinstance(found, Opaque) and found.guessed):
            return None
        return whole(dotted_name, found)

    def _beside_stars(self, module: Module, name: str, found: Thing) -> Thing:
        """Return *found* with what a star import below it may put in its place."""
        if not isinstance(found, Function) or found.scope is not module.scope:
            return found
        starred, unread = self._starred(module, name, after=found.binding.line)
        rival = starred or (Gap(Dynamic(unread)) if unread else None)
        return found if rival is None else with_rivals(found, [rival])

    def _starred(self, module: Module, name: str, after: int = 0) -> tuple[Thing | None, str]:
        """Return what a star import below line *after* calls *name*, or why that is not known."""
        unread = ""
        for star in (one for one in reversed(module.scope.names.stars) if one.line > after):
            origin = module.absolute(star.module, star.level) or star.module
            found = self._load(origin)
            if not isinstance(found, Module):
                unread = f"imports all of `{origin}`, which cannot be read here"
                continue
            if not gives(found, name):
                continue
            thing = self.of_module(found, name)
            if not isinstance(thing, Gap):
                return thing, ""
            if isinstance(thing.answer, Dynamic):
                unread = f"imports all of `{origin}`: {thing.answer.why}"
        return None, unread

    def _star_names(self, module: Module) -> Iterator[str]:
        """Yield the names that star imports give to *module*, those of its stars' stars too."""
        reached = [module]
        for one in reached:  # which grows
            for star in one.scope.names.stars:
                found = self._load(one.absolute(star.module, star.level) or star.module)
                if isinstance(found, Module) and found not in reached:
                    reached.append(found)
                    yield from (name for name in found.scope.bindings if gives(found, name))

    # --- classes, functions and values ----------------------------------------------------

    def _own(self, owner: Class, name: str) -> Thing | None:
        """Return what the class itself calls *name*, in its body or by a later assignment."""
        later = owner.scope.names.attributes.get((owner.binding.name, name))
        if later is not None:
            return self._assigned_attribute(owner.scope, later)
        return self._bound(owner.body, name)

    def _assigned_attribute(self, scope: Scope, binding: Binding) -> Thing:
        with self._once((scope, f"{binding.line}:{binding.name}")) as first:
            return self._thing(scope, binding) if first else Value(scope, binding)

    def _of_value(self, owner: Value, name: str) -> Thing:
        """Return what the object *owner* calls *name*, if it is an instance of a known class."""
        what = owner.binding.what
        if isinstance(what, ast.Call):
            made = self.meaning(owner.scope, what.func)
            if isinstance(made, Class):
                found = self.of_class(made, name)
                if not isinstance(found, Gap):
                    return found
        label = owner.binding.name
        return Gap(Dynamic(f"`{label}` is a value: its attributes are not in the source"))

    def _of_function(self, owner: Function, name: str) -> Thing:
        later = owner.scope.names.attributes.get((owner.binding.name, name))
        if later is not None:
            return self._assigned_attribute(owner.scope, later)
        inside = owner.body.bindings.get(name, ())
        if any(isinstance(one.what, ast.FunctionDef | ast.AsyncFunctionDef) for one in inside):
            return Gap(
                Missing(f"`{name}` is defined inside of the function `{owner.body.qualname}`")
            )
        return _of_any_function(owner.binding.name)

    @contextmanager
    def _once(self, key: tuple[object, str]) -> Iterator[bool]:
        """Say whether *key* is not being looked up already."""
        if key in self._open:
            self._circles += 1
            yield False
            return
        self._open.add(key)
        try:
            yield True
        finally:
            self._open.discard(key)


def _of_any_function(name: str) -> Gap:
    return Gap(Dynamic(f"`{name}` is a function: its attributes are not in the source"))
