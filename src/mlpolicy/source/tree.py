"""The source of the modules that policies name, read and never run."""

from __future__ import annotations

import ast
import gc
import os
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from mlpolicy.core.allowed import Origin, parts
from mlpolicy.core.diagnostic import closest
from mlpolicy.core.target import LOCALS, Glob, Target
from mlpolicy.source.locate import Locator, NoModule, Opaque, SourceFile, Space, is_installed, roots
from mlpolicy.source.module import Imported, Module, read
from mlpolicy.source.resolve import Defined, Dynamic, Missing, Resolver, Thing

_DEEPEST, _OFFERED = 24, 5
_MUCH = 1 << 18
"""Bytes of source; what is made of one takes up to a hundred."""
Answer = Defined | Missing | NoModule | Dynamic


class SourceTree:
    """What the source says of modules and functions; each file and folder is read once."""

    def __init__(self, within: Sequence[Path] | None = None) -> None:
        """Look for modules in the folders *within*, in that order; without them, in `roots()`."""
        self._locator = Locator(roots() if within is None else within)
        self._modules: dict[str, Module | Space | Opaque | NoModule] = {}
        self._resolver = Resolver(self.module)
        self._answers: dict[Target, Answer] = {}

    def module(self, name: str) -> Module | Space | Opaque | NoModule:
        """Return the module *name*, or what stands in the way of reading it."""
        if name not in self._modules:
            place = self._locator.find(name)
            self._modules[name] = read(name, place) if isinstance(place, SourceFile) else place
        return self._modules[name]

    def spare(self) -> None:
        """Let go of all that was read where it is much: it is read again when it is asked for."""
        held = (one.source for one in self._modules.values() if isinstance(one, Module))
        if sum(map(len, held)) > _MUCH:
            self._modules.clear()
            self._answers.clear()
            self._resolver.known.clear()  # (what was given out has the resolver)
            gc.collect()  # (modules and what they bind refer to each other)

    def functions(self, module: str) -> tuple[str, ...]:
        """Return the public functions that *module* defines, methods of its classes too."""
        source = self.module(module)
        try:
            names = source.functions if isinstance(source, Module) else ()
        except RecursionError:
            self._modules[module] = Opaque("is nested too deeply")
            return ()
        return tuple(name for name in names if "._" not in f".{name}")

    def modules_below(self, package: str) -> list[str]:
        """Return the names of all modules in *package* and in the packages below it, sorted."""
        place = self._locator.find(package)
        folders = () if isinstance(place, NoModule) else place.folders
        return sorted(self._below(package, folders, frozenset()))

    def _below(self, package: str, folders: Sequence[Path], above: frozenset[str]) -> Iterator[str]:
        real = {os.path.realpath(folder) for folder in folders}
        if real & above or package.count(".") > _DEEPEST:
            return  # (links may go in a circle)
        for name in self._locator.names(folders):
            place = self._locator.find(f"{package}.{name}")
            if not isinstance(place, NoModule):
                yield f"{package}.{name}"
                yield from self._below(f"{package}.{name}", place.folders, above | real)

    # --- patterns -------------------------------------------------------------------------

    def covered(self, glob: Glob, *, packages: Collection[str] | None = None) -> Iterator[str]:
        """Yield the names of the modules of which *glob* may take functions.

        Never those of the standard library; of installed packages only those in *packages*,
        or all if that is None.
        """
        start = glob.module
        if "*" in start:
            start = start.partition("*")[0].rpartition(".")[0]
        place = self._locator.find(start) if start else NoModule("")
        if isinstance(place, NoModule) or glob.top in sys.stdlib_module_names:
            return
        file = place.file if isinstance(place, SourceFile) else Path(*place.folders[:1])
        if packages is not None and is_installed(file):
            listed = (name.partition(".")[0] for name in packages)
            if not any(fnmatchcase(glob.top, name) for name in listed):
                return
        below = self.modules_below(start) if "*" in glob.module else ()
        yield from filter(glob.covers_module, (start, *below))

    def matching(self, glob: Glob, *, packages: Collection[str] | None = None) -> Iterator[Target]:
        """Yield the functions that *glob* takes, in the modules that it covers."""
        for module in self.covered(glob, packages=packages):
            for qualname in self.functions(module):
                if glob.takes(qualname):
                    yield Target(module, qualname)

    def knows(self, glob: Glob) -> bool:
        """Whether the source tells of everything that *glob* may take."""
        return all(_tells_all(self.module(name), glob) for name in self.covered(glob))

    def may_define_class(self, package: str, name: str) -> bool:
        """Whether a module below *package* may define the class *name*; none is parsed for it."""
        wanted = re.compile(rf"\bclass\s+{name}\b".encode())
        places = map(self._locator.find, self.modules_below(package))
        return any(
            isinstance(place, Opaque)
            or (isinstance(place, SourceFile) and wanted.search(place.file.read_bytes()))
            for place in places
        )

    # --- one target -----------------------------------------------------------------------

    def look_up(self, target: Target) -> Answer:
        """Return what the source says of *target*."""
        if target not in self._answers:
            try:
                self._answers[target] = self._look_up(self.module(target.module), target)
            except RecursionError:
                self._answers[target] = Dynamic()  # it is defined through too many steps
        return self._answers[target]

    def origin(self, path: str) -> Origin | None:
        """Return the module that defines what *path* names, and its name there, if that is known."""
        answer = self.look_up(Target(*parts(path)))
        if isinstance(answer, Defined) and answer.defined_as is not None:
            return answer.defined_as.module, answer.defined_as.qualname
        origin = answer.origin if isinstance(answer, Dynamic) else ""
        return (origin, parts(path)[1].rpartition(".")[2]) if origin else None

    def _look_up(self, module: Module | Space | Opaque | NoModule, target: Target) -> Answer:
        match module:
            case NoModule():
                return module
            case Opaque():
                return Dynamic()
            case Space():
                return Missing(f"`{target.module}` is a folder without `__init__.py`")
        holder: Thing = module
        thing: Thing = module
        find, name = self._resolver.attribute, ""
        for name in target.qualname.split("."):
            if name == LOCALS:
                find = self._resolver.local
            else:
                holder, thing, find = thing, find(thing, name), self._resolver.attribute
        match thing:
            case Module():
                return Missing(f"`{thing.name}` is a module: name a function of it")
            case Missing():
                return self._with_close(module, target.qualname, thing)
            case Dynamic():
                return thing
        home = thing.home
        if isinstance(holder, Defined) and holder.kind == "class" and thing.scope != holder.inside:
            # A method that a class inherits is that of the class itself.
            home = Target(holder.scope.module.name, holder.inside.path(name))
        return replace(thing, defined_as=home if home != target else None)

    def _with_close(self, module: Module, qualname: str, missing: Missing) -> Missing:
        named = {name: bound[-1].what for name, bound in module.scope.bindings.items()}
        functions = [name for name, what in named.items() if isinstance(what, Imported)]
        classes = [
            name for name, what in named.items() if isinstance(what, Imported | ast.ClassDef)
        ]
        functions += module.functions
        last = qualname.rpartition(".")[2]
        near = closest(qualname, functions)
        near = near or next((name for name in functions if name.endswith(f".{last}")), "")
        has = () if near else self.functions(module.name)[:_OFFERED]
        meant = closest(qualname, classes) or ""
        return replace(missing, close=near, has=has, close_class=meant)


def _tells_all(module: Module | Space | Opaque | NoModule, glob: Glob) -> bool:
    if not isinstance(module, Module):
        return not isinstance(module, Opaque)
    values = [
        binding.what
        for name, bindings in module.scope.bindings.items()
        if glob.matches(Target(module.name, name)) and not name.startswith("_")
        for binding in bindings
        if isinstance(binding.what, ast.expr)
    ]
    return not module.writes and all(isinstance(value, ast.Constant) for value in values)
