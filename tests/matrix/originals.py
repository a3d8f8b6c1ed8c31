"""The functions that a check puts under policy, and the code that they must have again."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import types
from collections.abc import Iterator


class Originals:
    """Every function behind some targets, with the code that it has now."""

    def __init__(self, targets: tuple[str, ...], held: object) -> None:
        """Look behind *targets*, and behind the functions *held* that no path leads to."""
        things = [named(target) for target in targets]
        things += held if isinstance(held, tuple) else [held]
        self._named = dict(zip(targets, things, strict=False))
        self._codes = [(one, one.__code__) for thing in things for one in functions_in(thing)]

    def assert_back(self) -> None:
        """Every function has its code back, and every name leads to the same object."""
        for function, code in self._codes:
            assert function.__code__ is code, f"{function} did not get its code back"
        for target, thing in self._named.items():
            assert named(target) is thing, f"{target} leads to another object"

    def assert_as_compiled(self) -> None:
        """Every function has the code that its module compiles to."""
        for function, code in self._codes:
            for compiled in _compiled(function.__module__):
                if (compiled.co_qualname, compiled.co_firstlineno) == _place(code):
                    assert code == compiled, f"{function} did not get its code back"


def named(target: str) -> object:
    """Return what stands at the path *target*, unbound; None where no path leads."""
    module, _, qualname = target.partition(":")
    thing: object = sys.modules.get(module)
    for part in qualname.split("."):
        owner = thing
        thing = inspect.getattr_static(owner, part, None)
        if thing is None and part.startswith("__"):
            thing = inspect.getattr_static(owner, f"_{qualname.split('.')[-2]}{part}", None)
    return thing


def functions_in(thing: object, seen: frozenset[int] = frozenset()) -> Iterator[types.FunctionType]:
    """Yield every Python function that *thing* is made of."""
    if id(thing) in seen:
        return
    if isinstance(thing, types.FunctionType):
        yield thing
    for part in _parts(thing):
        yield from functions_in(part, seen | {id(thing)})


def _parts(thing: object) -> Iterator[object]:
    if isinstance(thing, property):
        yield from (thing.fget, thing.fset)
    if isinstance(thing, functools.partial | functools.cached_property):
        yield thing.func
    for name in ("__func__", "__wrapped__", "function"):
        yield getattr(thing, name, None)
    if isinstance(thing, types.FunctionType):
        yield from (_content(cell) for cell in thing.__closure__ or ())


def _content(cell: types.CellType) -> object:
    try:
        content: object = cell.cell_contents
    except ValueError:  # an empty cell
        return None
    return content if callable(content) and not isinstance(content, type) else None


def _compiled(module: str) -> Iterator[types.CodeType]:
    loader = importlib.import_module(module).__spec__.loader
    whole = loader.get_code(module) if hasattr(loader, "get_code") else None
    yield from _inner(whole) if whole is not None else ()


def _inner(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _inner(constant)


def _place(code: types.CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno
