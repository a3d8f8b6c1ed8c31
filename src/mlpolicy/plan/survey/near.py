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
    lowered, low = sorted({name.lower() for name in each}), word.lower()
    more = {name.lower() for name in each if _has_word(name, word)}
    longer = difflib.get_close_matches(low, more, _MOST, 0.3)
    alike = dict.fromkeys([*longer, *difflib.get_close_matches(low, lowered, _MOST, cutoff)])
    ranked = sorted(alike, key=lambda one: -_likeness(low, one) - (_WHOLE if one in more else 0))
    # Of `model` and `Model`, the one that begins as the word does.
    ordered = sorted(each, key=lambda name: (name[0] != word[0], name))
    return [name for one in ranked for name in ordered if name.lower() == one]


_WHOLE = 0.1
"""What begins or ends with the whole word is more alike by this than its letters are."""


def _likeness(word: str, name: str) -> float:
    return difflib.SequenceMatcher(None, name, word).ratio()


def _has_word(name: str, word: str) -> bool:
    """Whether *name* is *word* with further words before or behind it."""
    lowered, low = name.lower(), word.lower()
    if len(word) < _SHORTEST or len(name) <= len(word):
        return False
    behind = lowered.startswith(low) and not name[len(word)].islower()
    start = len(name) - len(word)
    return behind or (lowered.endswith(low) and (name[start].isupper() or name[start - 1] == "_"))


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
