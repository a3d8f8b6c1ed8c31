"""The source of the modules that policies name, read and never run."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from mlpolicy.core.target import LOCALS, Glob, Target
from mlpolicy.core.words import closest
from mlpolicy.source.answer import Answer, Defined, Dynamic, Missing, NoModule, Opaque, Space
from mlpolicy.source.body import Body, kind_of, parameters_of
from mlpolicy.source.locate import Finder, SourceFile, is_installed, roots
from mlpolicy.source.module import Module, Scope, dotted, read
from mlpolicy.source.names import Binding, FunctionNode, Imported
from mlpolicy.source.resolve import Named, Resolver, Thing, in_force

_DEEPEST = 24
_TAG = ("mlpolicy.tag", "mlpolicy.core.tags.tag")
_ABSTRACT = ("abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod")
_PROTOCOLS = ("typing.Protocol", "typing_extensions.Protocol")
_DESCRIPTORS = ("property", "abstractproperty", "cached_property", "singledispatchmethod")
_DISPLAYS = (
    ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.Compare,
)  # fmt: skip


class SourceTree:
    """What the source says of modules and functions; each file and folder is read once."""

    def __init__(self, within: Sequence[Path] | None = None) -> None:
        """Look for modules in the folders *within*, in that order; without them, in `roots()`."""
        self._finder = Finder(roots() if within is None else within)
        self._modules: dict[str, Module | Space | Opaque | NoModule] = {}
        self._resolver = Resolver(self.module)
        self._answers: dict[Target, Answer] = {}
        self._functions: dict[str, tuple[str, ...]] = {}

    def module(self, name: str) -> Module | Space | Opaque | NoModule:
        """Return the module *name*, or what stands in the way of reading it."""
        if name not in self._modules:
            place = self._finder.find(name)
            self._modules[name] = read(name, place) if isinstance(place, SourceFile) else place
        return self._modules[name]

    def look_up(self, target: Target) -> Answer:
        """Return what the source says of *target*."""
        if target not in self._answers:
            self._answers[target] = self._look_up(target)
        return self._answers[target]

    def functions(self, module: str) -> tuple[str, ...]:
        """Return the public functions that *module* defines, methods of its classes too."""
        if module not in self._functions:
            source = self.module(module)
            names = _functions(source.scope) if isinstance(source, Module) else ()
            self._functions[module] = tuple(names)
        return self._functions[module]

    def modules_below(self, package: str) -> list[str]:
        """Return the names of all modules in *package* and in the packages below it, sorted."""
        place = self._finder.find(package)
        folders = () if isinstance(place, NoModule) else place.folders
        return sorted(self._below(package, folders, frozenset()))

    def covered(self, glob: Glob, *, packages: Collection[str] | None = None) -> Iterator[str]:
        """Yield the names of the modules of which *glob* may take functions.

        Never those of the standard library; of installed packages only those in *packages*,
        or all if that is None.
        """
        start = glob.module.partition("*")[0].rpartition(".")[0]
        start = start if "*" in glob.module else glob.module
        place = self._finder.find(start) if start else NoModule("")
        if isinstance(place, NoModule) or glob.top in sys.stdlib_module_names:
            return
        file = place.file if isinstance(place, SourceFile) else Path(*place.folders[:1])
        listed = (name.partition(".")[0] for name in packages or ())
        allowed = packages is None or any(fnmatchcase(glob.top, name) for name in listed)
        if is_installed(file) and not allowed:
            return
        below = self.modules_below(start) if "*" in glob.module else ()
        yield from (name for name in (start, *below) if glob.covers_module(name))

    def matching(self, glob: Glob, *, packages: Collection[str] | None = None) -> Iterator[Target]:
        """Yield the functions that *glob* takes, in the modules that it covers."""
        for module in self.covered(glob, packages=packages):
            for qualname in self.functions(module):
                if glob.takes(qualname):
                    yield Target(module, qualname)

    def knows(self, glob: Glob) -> bool:
        """Whether the source tells of everything that *glob* may take."""
        return all(self._tells_all(self.module(name), glob) for name in self.covered(glob))

    def may_define_class(self, package: str, name: str) -> bool:
        """Whether a module below *package* may define the class *name*; none is parsed for it."""
        wanted = re.compile(rf"\bclass\s+{name}\b".encode())
        places = map(self._finder.find, self.modules_below(package))
        return any(
            isinstance(place, Opaque)
            or (isinstance(place, SourceFile) and wanted.search(place.file.read_bytes()))
            for place in places
        )

    def _tells_all(self, module: Module | Space | Opaque | NoModule, glob: Glob) -> bool:
        if not isinstance(module, Module):
            return not isinstance(module, Opaque)
        bindings = [
            binding
            for name, each in module.scope.bindings.items()
            if glob.matches(Target(module.name, name)) and not name.startswith("_")
            for binding in each
        ]
        values = [one.what for one in bindings if isinstance(one.what, ast.expr)]
        return not module.writes and all(isinstance(value, ast.Constant) for value in values)

    def _below(self, package: str, folders: Sequence[Path], above: frozenset[str]) -> Iterator[str]:
        real = {os.path.realpath(folder) for folder in folders}
        if real & above or package.count(".") > _DEEPEST:
            return  # (links may go in a circle)
        for name in self._finder.names(folders):
            place = self._finder.find(f"{package}.{name}")
            if not isinstance(place, NoModule):
                yield f"{package}.{name}"
                yield from self._below(f"{package}.{name}", place.folders, above | real)

    # --- one target -----------------------------------------------------------------------

    def _look_up(self, target: Target) -> Answer:
        module = self.module(target.module)
        match module:
            case NoModule():
                return module
            case Opaque():
                return Dynamic(f"`{target.module}` {module.why}")
            case Space():
                return Missing(f"`{target.module}` is a folder without `__init__.py`")
        try:
            return self._answer(module, target)
        except RecursionError:
            return Dynamic(f"`{target}` is defined through too many steps")

    def _answer(self, module: Module, target: Target) -> Answer:
        holder: Thing = module
        thing: Thing = module
        parts = target.qualname.split(".")
        for at, part in enumerate(parts):
            if part != LOCALS:
                holder = thing
                inside = at and parts[at - 1] == LOCALS
                find = self._resolver.local if inside else self._resolver.attribute
                thing = find(thing, part)
        if isinstance(thing, Module):
            return Missing(f"`{thing.name}` is a module: name a function of it")
        if isinstance(thing, Missing):
            return self._with_close(module, target.qualname, thing)
        if isinstance(thing, Dynamic):
            return thing
        home = thing.home
        in_class = isinstance(holder, Named) and isinstance(holder.node, ast.ClassDef)
        if in_class and isinstance(holder, Named) and thing.scope.node is not holder.node:
            # A method that a class inherits is that of the class itself.
            own = holder.inside
            home = Target(own.module.name, own.path(parts[-1]))
        return self._defined(thing, home if home != target else None)

    def _with_close(self, module: Module, qualname: str, missing: Missing) -> Missing:
        functions, classes = dict[str, int](), list[str]()
        for name, bindings in module.scope.bindings.items():
            if isinstance(bindings[-1].what, Imported):
                functions[name] = 0
            if isinstance(bindings[-1].what, Imported | ast.ClassDef):
                classes.append(name)
        functions |= {name: binding.line for name, binding in _defined_in(module.scope)}
        last = qualname.rpartition(".")[2]
        near = closest(qualname, functions)
        near = near or next((name for name in functions if name.endswith(f".{last}")), "")
        return replace(
            missing,
            close=near,
            file=module.shown,
            line=functions.get(near, 0),
            has=() if near else self.functions(module.name),
            close_class=closest(qualname, classes) or "",
        )

    def _defined(self, thing: Named, defined_as: Target | None) -> Defined:
        scope, binding, node = thing.scope, thing.binding, thing.node
        column = scope.module.column(binding)
        answer = Defined(
            scope.module.shown,
            binding.line,
            column,
            column + len(binding.name),
            "class" if isinstance(node, ast.ClassDef) else "value",
            decorators=scope.decorators(node),
            defined_as=defined_as,
            bases=self._builtin_bases(thing),
            constant=node is None and thing.sure and _is_constant(binding.what),
        )
        if not isinstance(node, FunctionNode):
            return answer
        body = Body(thing, node, self._resolver)
        parameters = tuple(parameters_of(node))
        return replace(
            answer,
            kind=kind_of(node),
            parameters=parameters if thing.sure else None,
            decorators=tuple(name for name, _ in body.decorators),
            is_method=scope.is_class,
            abstract=_is_abstract(body),
            overload=thing.overload,
            tags=_tags(body),
            body=body,
        )

    def _builtin_bases(self, thing: Named) -> tuple[str, ...] | None:
        lineage = self._resolver.lineage(thing) if isinstance(thing.node, ast.ClassDef) else [None]
        known = tuple(base.__name__ for base in lineage if isinstance(base, type))
        return None if None in lineage else known


def _is_constant(what: object) -> bool:
    """Whether *what* is an expression whose value nobody can call; None may give way to more."""
    if isinstance(what, ast.UnaryOp):
        what = what.operand
    return isinstance(what, _DISPLAYS) and getattr(what, "value", ...) is not None


def _is_abstract(body: Body) -> bool:
    """Whether nothing is meant to call it: an abstract method or a protocol's, which does nothing."""
    node, cls = body.node, body.scope.node
    statements = [] if isinstance(node, ast.Lambda) else node.body
    bases = cls.bases if isinstance(cls, ast.ClassDef) else []
    plain = (base.value if isinstance(base, ast.Subscript) else base for base in bases)
    is_protocol = any(body.scope.full_name(base) in _PROTOCOLS for base in plain)
    is_abstract = any(name.rpartition(".")[2] in _ABSTRACT for name, _ in body.decorators)
    return (is_protocol or is_abstract) and all(
        isinstance(statement, ast.Pass | ast.Raise)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in statements
    )


def _tags(body: Body) -> tuple[str, ...]:
    """Return the words that `@mlpolicy.tag("word")` puts on a function, the innermost first."""
    return tuple(
        word.value
        for name, call in reversed(body.decorators)
        if name in _TAG and isinstance(call, ast.Call)
        for word in call.args
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    )


# --- the functions of a module ----------------------------------------------------------


def _defined_in(scope: Scope) -> Iterator[tuple[str, Binding]]:
    """Yield the qualified names of the functions in *scope* and in classes in it."""
    for name, bindings in scope.bindings.items():
        kept, _, overload = in_force(bindings, scope)
        real = [binding for binding in kept if not binding.idle and "." not in name]
        cls = next((one.what for one in real if isinstance(one.what, ast.ClassDef)), None)
        if cls is not None:
            yield from _defined_in(scope.within(cls, name))
        elif not overload and not isinstance(kept[-1].what, ast.Delete | ast.Constant):
            functions = [binding for binding in real if _is_function(binding, scope)]
            yield from ((scope.path(name), binding) for binding in functions[:1])


def _functions(scope: Scope) -> Iterator[str]:
    for name, _ in _defined_in(scope):
        if not any(part.startswith("_") for part in name.split(".")):
            yield name


def _is_function(binding: Binding, scope: Scope) -> bool:
    what = binding.what
    if isinstance(what, ast.Call) and len(what.args) == 1:
        keeping = dotted(what.func) in ("staticmethod", "classmethod")
        return keeping and isinstance(what.args[0], ast.Lambda)
    if not isinstance(what, FunctionNode):
        return False
    names = (name.rpartition(".")[2] for name in scope.decorators(what))
    return not any(name in _DESCRIPTORS for name in names)
