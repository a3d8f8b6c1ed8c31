"""The names of a module that were probably meant."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator
from itertools import islice

from mlpolicy.core.target import LOCALS
from mlpolicy.plan.survey.answer import Dynamic
from mlpolicy.plan.survey.bindings import Imported
from mlpolicy.plan.survey.follow import Follower
from mlpolicy.plan.survey.module import Module, Scope
from mlpolicy.plan.survey.things import Bound, Class, Function, Gap, Thing, Value, Whole

_MOST = 3
_SHORTEST = 3


def near(
    follower: Follower, module: Module, qualname: str
) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    """Return the names in *module* that are most like *qualname*, and the lines of those it defines.

    One that it has from elsewhere has line 0. Names of classes stand apart.
    """
    parts = [one for one in qualname.split(".") if one != LOCALS]
    found = dict(islice(_mended(follower, Whole(module), parts, ""), _MOST))
    if not found:
        moved = ((name, line) for name, line in _named(module.scope) if _last(name) == parts[-1])
        found = dict(islice(moved, _MOST))
    classes = tuple(name for name, thing in found.items() if isinstance(thing, Class))
    close = tuple(
        (name, line if isinstance(line, int) else _line(line, module))
        for name, line in found.items()
        if name not in classes
    )
    return close, classes


def _mended(
    follower: Follower, owner: Thing, parts: list[str], above: str
) -> Iterator[tuple[str, Thing | int]]:
    """Yield the paths below *owner* that differ from *parts* by little, the likeliest first."""
    part, *rest = parts
    for name in _like(part, follower.names(owner)):
        if isinstance(owner, Function):
            thing, path = follower.local(owner, name), f"{above}.{LOCALS}.{name}"
        else:
            thing, path = follower.attribute(owner, name), f"{above}.{name}".lstrip(".")
        if rest:
            yield from _mended(follower, thing, rest, path)
        elif _may_be_meant(thing):
            yield path, thing


def _may_be_meant(thing: Thing) -> bool:
    match thing:
        case Value(binding=binding):
            return isinstance(binding.what, ast.Call)
        case Gap(answer=answer):
            return isinstance(answer, Dynamic)
    return not isinstance(thing, Whole)


def _like(word: str, known: Iterable[str]) -> list[str]:
    each = set(known)
    if word in each:
        return [word]
    cutoff = 0.6 if len(word) < 5 else 0.7  # one letter of three is a third of them
    lowered = sorted({name.lower() for name in each})
    alike = difflib.get_close_matches(word.lower(), lowered, _MOST, cutoff)
    # What goes on where the word ends was probably meant by it.
    begun = [one for one in lowered if one.startswith(word.lower()) and len(word) >= _SHORTEST]
    alike = list(dict.fromkeys([*begun[:_MOST], *alike]))
    # Of `model` and `Model`, the one that begins as the word does.
    ordered = sorted(each, key=lambda name: (name[0] != word[0], name))
    return [name for one in alike for name in ordered if name.lower() == one]


def _line(thing: Thing, module: Module) -> int:
    here = isinstance(thing, Bound) and thing.scope.module is module
    return thing.binding.line if here and isinstance(thing, Bound) else 0


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _named(scope: Scope, depth: int = 3) -> Iterator[tuple[str, int]]:
    """Yield the functions and classes that the source of *scope* shows, and their lines."""
    for name, bindings in scope.bindings.items():
        what, line = bindings[-1].what, bindings[-1].line
        if isinstance(what, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield scope.path(name), line
        elif isinstance(what, Imported):
            yield scope.path(name), 0
        if isinstance(what, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and depth:
            yield from _named(scope.within(what, name), depth - 1)
