"""Functions that look at their caller: a driver is one frame more, and they would see it."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mlpolicy.install import bare, registry
from mlpolicy.install.seek import peel

_LOOKS = frozenset({"_getframe", "_getframemodulename"})
_CLIMBS = frozenset({"f_back", "findCaller", "currentframe"})
_WALKS = frozenset({"stack", "extract_stack", "walk_stack", "getouterframes"})
_WALKERS = frozenset({"inspect", "traceback"})
_WARNS = frozenset({"warn", "warn_explicit", "_warn"})
_TELLING = _LOOKS | _CLIMBS | _WALKS | _WARNS
_HOLD_FUNCTIONS = (FunctionType, staticmethod, classmethod, property)
_MOST = 20
"""A larger number is none of frames."""
_CHAIN = 4
"""How many functions may stand between one that looks and one that it sees."""


def looks_at_caller(code: CodeType) -> bool:
    """Return whether *code* asks for frames above its own, itself or in a function within."""
    return _frames_up(code) > 0


class Frames:
    """Tells of functions of one module whether a driver would be seen, by them or what they call."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._top = _top(bare.names(module).get("__name__"))
        self._known: dict[FunctionType, int] = {}

    def show(self, function: FunctionType, qualname: str) -> bool:
        """Return whether what *function* does depends on the frame above its own."""
        return self._up(function, qualname.rpartition(".")[0], _CHAIN) > 0

    def _up(self, function: FunctionType, owner: str, depth: int) -> int:
        """Return how many frames above its own *function* asks for, by what it calls too."""
        known = self._known.get(function)
        if known is not None:
            return known
        code = registry.own_of(function)
        self._known[function] = own = _frames_up(code)  # (so that a circle ends)
        if depth and not own:
            for one in self._called(code, owner):
                own = max(own, self._up(one, owner, depth - 1) - 1)
            self._known[function] = own
        return own

    def _called(self, code: CodeType, owner: str) -> Iterator[FunctionType]:
        """Yield the functions of the same package that *code* may call: by name, or as methods."""
        names = bare.names(self._module)
        cls: Any = names.get(owner)
        members = bare.names(cls) if bare.is_a(cls, type) else {}
        for name in code.co_names:
            held = members[name] if name in members else names.get(name)
            one = peel(held) if bare.is_a(held, *_HOLD_FUNCTIONS) else None
            if type(one) is FunctionType and _top(one.__globals__.get("__name__")) == self._top:
                yield one


def _top(module: object) -> str:
    return str(module).partition(".")[0]


def _frames_up(code: CodeType) -> int:
    """Return how many frames above its own *code* asks for: one, where it climbs by itself."""
    inner = 0
    for one in code.co_consts:
        if type(one) is CodeType:
            inner = max(inner, _frames_up(one))
    named = "_getframe" in code.co_consts  # (as `getattr(sys, "_getframe")` has it)
    if not named and _TELLING.isdisjoint(code.co_names):
        return inner
    names = frozenset(code.co_names)
    if names & _CLIMBS or (names & _WALKS and names & _WALKERS):
        return max(inner, 1)
    if named or names & _LOOKS:
        numbers = (one for one in code.co_consts if type(one) is int and 0 < one <= _MOST)
        return max(inner, *numbers, 1)
    return max(inner, *(level - 1 for level in _levels(code))) if names & _WARNS else inner


def _levels(code: CodeType) -> list[int]:
    """Return the stack levels of the warnings that *code* gives."""
    levels: list[int] = []
    before: object = None
    numbered = int in map(type, code.co_consts)
    for operation, argument in _instructions(code) if numbered else ():
        if operation in _CONSTANTS:
            value = code.co_consts[argument]
            given = isinstance(value, tuple) and value[-1:] == ("stacklevel",)
        else:
            value, given = None, operation in _CALLS and argument == 3
        if given and type(before) is int:
            levels.append(before)
        before = value
    if not levels and _mentions(code.co_consts, "stacklevel"):
        return [2]
    return levels or [1]


def _instructions(code: CodeType) -> Iterator[tuple[int, int]]:
    """Yield operations with their arguments; `dis` takes twenty times as long."""
    extended = 0
    for operation, argument in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        if operation == _EXTENDED:
            extended = (extended | argument) << 8
        elif operation:  # (0 is room for what the interpreter learns)
            yield operation, extended | argument
            extended = 0


def _numbers(*names: str) -> frozenset[int]:
    return frozenset(dis.opmap[name] for name in names if name in dis.opmap)


_CONSTANTS = _numbers("LOAD_CONST", "KW_NAMES")
_CALLS = _numbers("PRECALL", "CALL")
_EXTENDED = dis.opmap["EXTENDED_ARG"]


def _mentions(constants: tuple[object, ...], word: str) -> bool:
    """Whether *word* is among the names of keyword arguments, which are tuples of constants."""
    return any(isinstance(one, tuple) and word in one for one in constants) or word in constants
