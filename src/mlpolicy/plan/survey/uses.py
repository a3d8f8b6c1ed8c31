"""Where a module calls its own functions, and which of its names it binds anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlpolicy.core.frozen import frozen
from mlpolicy.plan.survey.bindings import Names
from mlpolicy.plan.survey.reading import names_of

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Loop = ast.For | ast.AsyncFor | ast.While


@frozen()
class Use:
    """A call, by name, of a function of the module."""

    line: int
    caller: str
    """The name of the function that calls it; nothing for the module itself."""


@dataclass(slots=True)
class Uses:
    """The first call of each function, by qualified name, in each of two circumstances."""

    awaiting: dict[str, Use] = field(default_factory=dict)
    """In the code of a coroutine, where whatever takes long holds up all others."""
    looping: dict[str, Use] = field(default_factory=dict)
    """In a loop."""


@frozen()
class _Place:
    """Where a node stands."""

    owner: str = ""
    """The class around it."""
    caller: str = ""
    coroutine: bool = False
    looping: bool = False
    local: frozenset[str] = frozenset()
    """What the functions around it bind themselves."""


def uses_in(tree: ast.Module) -> Uses:
    """Return where the functions of a module are called in it."""
    found = Uses()
    waiting: list[tuple[ast.AST, _Place]] = [(tree, _Place())]
    while waiting:
        node, place = waiting.pop()
        if isinstance(node, ast.Call):
            _note(found, node, place)
        waiting += reversed(list(_below(node, place)))
    return found


def _below(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Yield what is directly in *node*, each with where it stands."""
    match node:
        case ast.ClassDef():
            owner = f"{place.owner}.{node.name}" if place.owner else node.name
            inner = _Place(owner="" if place.caller else owner, local=place.local)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            coroutine = isinstance(node, ast.AsyncFunctionDef)
            local = place.local | _own_names(node)
            yield from (
                (one, _Place(place.owner, node.name, coroutine, local=local)) for one in node.body
            )
            return
        case ast.Lambda():
            inner = _Place(place.owner, place.caller, local=place.local | _own_names(node))
        case ast.For() | ast.AsyncFor() | ast.While():
            yield from _of_loop(node, place)
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            inner = _Place(
                place.owner, place.caller, place.coroutine, looping=True, local=place.local
            )
        case _:
            inner = place
    yield from ((one, inner) for one in ast.iter_child_nodes(node))


def _of_loop(node: _Loop, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    again = _Place(place.owner, place.caller, place.coroutine, looping=True, local=place.local)
    if isinstance(node, ast.While):
        yield node.test, again
    else:
        yield node.iter, place
    yield from ((one, again) for one in node.body)
    yield from ((one, place) for one in node.orelse)


def _note(found: Uses, node: ast.Call, place: _Place) -> None:
    if not place.coroutine and not place.looping:
        return
    match node.func:
        case ast.Name(id=name) if name not in place.local:
            called = name
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if place.owner:
            called = f"{place.owner}.{name}"
        case _:
            return
    use = Use(node.lineno, place.caller)
    if place.coroutine:
        found.awaiting.setdefault(called, use)
    if place.looping:
        found.looping.setdefault(called, use)


def _own_names(node: _Function | ast.Lambda) -> frozenset[str]:
    """Return what *node* binds itself, its parameters among it."""
    given = node.args
    each = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
    body = [] if isinstance(node, ast.Lambda) else node.body
    return frozenset([*(one.arg for one in each if one is not None), *names_of(body).bindings])


def changed_later(tree: ast.Module, names: Names) -> dict[str, int]:
    """Return the names of a module that its functions bind anew, and the line of one such place.

    What is bound but once, when it is first asked for, is left out.
    """
    found: dict[str, int] = {}
    for function in ast.walk(tree):
        if isinstance(function, _Function):
            declared = {
                name
                for one in ast.walk(function)
                if isinstance(one, ast.Global)
                for name in one.names
            }
            for name in declared - found.keys():
                line = _bound_anew(function, name)
                if line and not _starts_empty(names, name):
                    found[name] = line
    return found


def _bound_anew(function: _Function, name: str) -> int:
    """Return the line where *function* binds *name*, unless it asks first whether it is bound."""
    asks = any(
        isinstance(one, ast.If | ast.IfExp | ast.While)
        and any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(one.test))
        for one in ast.walk(function)
    )
    bound = names_of(function.body).bindings.get(name, ())
    return 0 if asks or not bound else bound[0].line


def _starts_empty(names: Names, name: str) -> bool:
    """Whether the module binds *name* to None, or not at all: it is filled in later, once."""
    bound = names.bindings.get(name, ())
    return not bound or any(
        isinstance(one.what, ast.Constant) and one.what.value is None for one in bound
    )
