"""The functions of a module that a pattern takes: defined there, public, with Python code.

Those that look at their caller are left alone: a driver is one frame more, and they would see it.
"""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from types import CodeType, FunctionType, ModuleType
from typing import Any

from mlpolicy.core.classes import is_a, members, module_of, mro_of, name_of
from mlpolicy.core.report import interrupts
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import registry
from mlpolicy.install.lookup import Found, function_behind, is_of, own_name, peel

Failed = Callable[[str, Exception], None]
_DEPTH = 6
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_FUNCTION = 0x02
_FUNCTIONS = (FunctionType, staticmethod, classmethod)
_VALUES = (property, functools.cached_property)
_FORMS = ("typing", "typing_extensions")
"""What stands in annotations can be called, and most modules have many of it."""


def may_take(module: ModuleType, packages: tuple[str, ...]) -> str:
    """Return why a pattern may not take functions of *module*; nothing where it may.

    The standard library is never taken, and an installed package only by name.
    """
    names = members(module)
    top = _top(names["__name__"])
    if top in sys.stdlib_module_names and top != "__main__":
        return "globs never take functions of the standard library"
    folders = str(names.get("__file__")).replace("\\", "/").split("/")
    listed = any(fnmatchcase(top, package.partition(".")[0]) for package in packages)
    if listed or _INSTALLED.isdisjoint(folders):
        return ""
    return f"`{top}` is an installed package: list it under `settings.packages`"


def public_functions(module: ModuleType, failed: Failed) -> Iterator[tuple[str, FunctionType, Any]]:
    """Yield what *module* defines, methods of its classes too: its path, itself, what stands there.

    What cannot be looked at goes to *failed*, by its name, and hides nothing else.
    """
    names = members(module)
    found: dict[FunctionType, tuple[str, FunctionType, Any]] = {}
    for each in _walk(str(names["__name__"]), "", names, failed):
        found.setdefault(each[1], each)
    yield from found.values()


def named_in_code(code: CodeType) -> Iterator[str]:
    """Yield the qualified names of the public functions in a module's *code*."""
    for inner in code.co_consts:
        if not isinstance(inner, CodeType) or inner.co_name.startswith(("_", "<")):
            continue
        if inner.co_flags & _FUNCTION:
            yield inner.co_qualname
        else:
            yield from named_in_code(inner)


def _walk(
    module: str, prefix: str, names: Mapping[str, Any], failed: Failed
) -> Iterator[tuple[str, FunctionType, Any]]:
    for name, raw in list(names.items()):
        if type(name) is not str or name.startswith("_"):
            continue
        try:
            found = _function_or_class(module, prefix + name, raw)
        except Exception as error:
            if interrupts(error):
                raise
            failed(prefix + name, error)
            continue
        if type(found) is FunctionType:
            yield prefix + name, found, raw
        elif found is not None:
            yield from _walk(module, f"{prefix}{name}.", members(found), failed)


def _function_or_class(module: str, qualname: str, raw: Any) -> FunctionType | type | None:
    """Return the function, or the class to look into, that has that name in its module."""
    if is_a(raw, type):
        if name_of(raw) != qualname or qualname.count(".") >= _DEPTH:
            return None
        return raw if _is_class_of(raw, module) else None
    if not is_a(raw, *_FUNCTIONS) and (not _gives(raw) or module_of(type(raw)) in _FORMS):
        return None
    function = function_behind(raw, module, qualname)
    if function is None or not _is_own(function, module, qualname):
        return None
    if function.__code__.co_qualname != qualname:
        # A wrapper whose function has a `def` of another name is an alias.
        own_path = own_name(Target(module, qualname), Found(None, "", raw, (function,)))
        return function if own_path.qualname == qualname else None
    return function


def _is_class_of(cls: type, module: str) -> bool:
    """Whether *cls* says that it is of *module*, or a method of it was written there."""
    methods = (value for value in members(cls).values() if type(value) is FunctionType)
    return module_of(cls) == module or any(is_of(method, module) for method in methods)


def _gives(raw: Any) -> bool:
    """Whether *raw* can be called, or gives what can be, as the conditional methods of sklearn."""
    if callable(raw) or is_a(raw, *_VALUES):
        return callable(raw)
    return any("__get__" in members(cls) for cls in mro_of(type(raw)))


def _is_own(function: FunctionType, module: str, qualname: str) -> bool:
    own = function.__code__.co_qualname  # (of a driver too)
    if own == qualname and function.__globals__.get("__name__") in sys.modules:
        return is_of(function, module)
    named = own == qualname or LOCALS in own or own.endswith("<lambda>")
    return named and type(function.__module__) is str and function.__module__ == module


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


class Frames:
    """Tells of functions of one module whether a driver would be seen, by them or what they call."""

    def __init__(self, module: ModuleType) -> None:
        self._names = members(module)
        self._top = _top(self._names.get("__name__"))
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
        self._known[function] = own = frames_up(code)  # (so that a circle ends)
        if depth and not own:
            for called in self._called(code, owner):
                own = max(own, self._up(called, owner, depth - 1) - 1)
            self._known[function] = own
        return own

    def _called(self, code: CodeType, owner: str) -> Iterator[FunctionType]:
        """Yield the functions of the same package that *code* may call: by name, or as methods."""
        cls: Any = self._names.get(owner)
        methods = members(cls) if is_a(cls, type) else {}
        for name in code.co_names:
            held = methods[name] if name in methods else self._names.get(name)
            function = peel(held) if is_a(held, *_HOLD_FUNCTIONS) else None
            if type(function) is FunctionType and (
                _top(function.__globals__.get("__name__")) == self._top
            ):
                yield function


def _top(module: object) -> str:
    return str(module).partition(".")[0]


def frames_up(code: CodeType) -> int:
    """Return how many frames above its own *code* asks for, itself or in a function within."""
    within = (frames_up(inner) for inner in code.co_consts if type(inner) is CodeType)
    return max(_own_frames_up(code), *within, 0)


def _own_frames_up(code: CodeType) -> int:
    """Return how many frames *code* itself asks for: one, where it climbs by itself."""
    named = "_getframe" in code.co_consts  # (as `getattr(sys, "_getframe")` has it)
    if not named and _TELLING.isdisjoint(code.co_names):
        return 0
    names = frozenset(code.co_names)
    if names & _CLIMBS or (names & _WALKS and names & _WALKERS):
        return 1
    if named or names & _LOOKS:
        numbers = [one for one in code.co_consts if type(one) is int and 0 < one <= _MOST]
        return max(1, *numbers, 0)
    return max(level - 1 for level in _levels(code)) if names & _WARNS else 0


def _numbers(*names: str) -> frozenset[int]:
    return frozenset(dis.opmap[name] for name in names if name in dis.opmap)


_CONSTANTS = _numbers("LOAD_CONST", "KW_NAMES")
_CALLS = _numbers("PRECALL", "CALL")
_EXTENDED = dis.opmap["EXTENDED_ARG"]


def _levels(code: CodeType) -> list[int]:
    """Return the stack levels of the warnings that *code* gives."""
    levels: list[int] = []
    before: object = None
    for operation, number in _operations(code.co_code):
        value, given = None, operation in _CALLS and number == 3
        if operation in _CONSTANTS:
            value = code.co_consts[number]
            given = isinstance(value, tuple) and value[-1:] == ("stacklevel",)
        if given and type(before) is int:
            levels.append(before)
        before = value
    # (the names of keyword arguments are tuples of constants)
    words = [constant for constant in code.co_consts if isinstance(constant, tuple)]
    if not levels and any("stacklevel" in names for names in (code.co_consts, *words)):
        return [2]
    return levels or [1]


def _operations(code: bytes) -> Iterator[tuple[int, int]]:
    """Yield operations with their arguments; `dis` takes twenty times as long."""
    extended = 0
    for operation, argument in zip(code[::2], code[1::2], strict=True):
        if operation == _EXTENDED:
            extended = (extended | argument) << 8
        elif operation:  # (0 is room for what the interpreter learns)
            yield operation, extended | argument
            extended = 0
