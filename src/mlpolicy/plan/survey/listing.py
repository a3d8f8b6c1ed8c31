"""What a pattern may take: the modules below a package, and the functions in a module."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from mlpolicy.core.target import Glob, Target
from mlpolicy.plan.survey.answer import NoModule
from mlpolicy.plan.survey.bindings import Binding
from mlpolicy.plan.survey.functions import dotted, is_descriptor
from mlpolicy.plan.survey.holding import holding
from mlpolicy.plan.survey.installed import is_installed
from mlpolicy.plan.survey.library import Library
from mlpolicy.plan.survey.locate import Source
from mlpolicy.plan.survey.module import Module, Scope

_DEEPEST_CLASS = 6
_DEEPEST_PACKAGE = 24
_MOST_MODULES = 20_000
_KEEPING = ("staticmethod", "classmethod")


def functions(scope: Scope, depth: int = 0) -> Iterator[str]:
    """Yield the qualified names of the public functions in *scope* and in classes in it."""
    for name, bindings in scope.bindings.items():
        if name.startswith("_"):
            continue
        held = holding(bindings, scope)
        alive = [one for one in held.bindings if not one.idle]
        if any(_is_class(one) for one in alive):
            if depth < _DEEPEST_CLASS:
                node = next(one.what for one in alive if isinstance(one.what, ast.ClassDef))
                yield from functions(scope.within(node, name), depth + 1)
        elif not held.overload and any(_is_function(one, scope) for one in alive):
            yield scope.path(name)


def hidden(scope: Scope, depth: int = 0) -> Iterator[str]:
    """Yield the qualified names of the functions of *scope* that are private, dunders aside."""
    for name, bindings in scope.bindings.items():
        alive = [one for one in holding(bindings, scope).bindings if not one.idle]
        classes = [one.what for one in alive if isinstance(one.what, ast.ClassDef)]
        if classes and depth < _DEEPEST_CLASS:
            inner = scope.within(classes[0], name)
            yield from hidden(inner, depth + 1)
            if name.startswith("_"):
                yield from functions(inner, depth + 1)
        elif _is_private(name) and any(_is_function(one, scope) for one in alive):
            yield scope.path(name)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def modules(library: Library, package: str) -> Iterator[str]:
    """Yield the names of all modules below *package*; those of a loop of links once."""
    place = library.place(package)
    if not isinstance(place, NoModule):
        found = _below(library, package, place.folders, frozenset())
        for _, name in zip(range(_MOST_MODULES), found, strict=False):
            yield name


def covered(library: Library, glob: Glob, packages: Collection[str] | None = None) -> Iterator[str]:
    """Yield the names of the modules of which *glob* may take functions.

    Never those of the standard library; of installed packages only those in *packages*,
    or all where that is None.
    """
    parts = glob.module.split(".")
    fixed = next((at for at, part in enumerate(parts) if "*" in part), len(parts))
    start = ".".join(parts[:fixed])
    place = library.place(start) if start else None
    if place is None or isinstance(place, NoModule) or glob.top in sys.stdlib_module_names:
        return
    known = place.file if isinstance(place, Source) else Path(*place.folders[:1])
    if packages is not None and is_installed(known) and not _listed(glob.top, packages):
        return
    if glob.covers_module(start):
        yield start
    if fixed < len(parts):
        yield from (one for one in sorted(modules(library, start)) if glob.covers_module(one))


def is_plain(module: Module, glob: Glob) -> bool:
    """Whether all that *glob* may take in *module* is there in plain sight."""
    if module.compiled or module.writes:  # (no pattern takes what `__getattr__` gives)
        return False
    return not any(
        isinstance(one.what, ast.expr) and not isinstance(one.what, ast.Constant)
        for name, bindings in module.scope.bindings.items()
        if glob.matches(Target(module.name, name)) and not name.startswith("_")
        for one in bindings
    )


def _listed(top: str, packages: Collection[str]) -> bool:
    return any(fnmatchcase(top, one.partition(".")[0]) for one in packages)


def _below(
    library: Library, package: str, folders: Sequence[Path], above: frozenset[str]
) -> Iterator[str]:
    real = {os.path.realpath(one) for one in folders}
    if real & above or package.count(".") > _DEEPEST_PACKAGE:
        return
    for name in library.finder.names(folders):
        place = library.finder.below(folders, name)
        if place is not None:
            dotted_name = f"{package}.{name}"
            yield dotted_name
            yield from _below(library, dotted_name, place.folders, above | real)


def _is_class(binding: Binding) -> bool:
    return isinstance(binding.what, ast.ClassDef)


def _is_function(binding: Binding, scope: Scope) -> bool:
    what = binding.what
    if isinstance(what, ast.Call) and len(what.args) == 1 and dotted(what.func) in _KEEPING:
        what = what.args[0]
    if isinstance(what, ast.FunctionDef | ast.AsyncFunctionDef):
        return not is_descriptor(what, scope)
    return isinstance(what, ast.Lambda)
