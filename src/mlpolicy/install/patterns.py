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
from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import registry
from mlpolicy.install.lookup import Found, function_behind, is_of, own_name, peel

_DEPTH = 6
_INSTALLED = frozenset({"site-packages", "dist-packages"})


Member = tuple[str, FunctionType, Any]
"""The qualified name of a function, the function, and what stands under the name."""


def public_functions(
    module: ModuleType, failed: Callable[[str, Exception], None]
) -> Iterator[Member]:
    """Yield what *module* defines, methods of its classes too.

    What cannot be looked at goes to *failed*, by its name, and hides nothing else.
    """
    seen: set[int] = set()
    names = members(module)
    for member in _walk(str(names["__name__"]), "", names, failed):
        if id(member[1]) not in seen:
            seen.add(id(member[1]))
            yield member


def may_take(module: ModuleType, packages: tuple[str, ...]) -> str:
    """Return why a glob may not take functions of *module*; nothing where it may.

    The standard library is never taken, and an installed package only by name.
    """
    top = str(members(module)["__name__"]).partition(".")[0]
    if top in sys.stdlib_module_names and top != "__main__":
        return "globs never take functions of the standard library"
    file = members(module).get("__file__")
    installed = not _INSTALLED.isdisjoint(str(file).replace("\\", "/").split("/"))
    if installed and not any(fnmatchcase(top, one.partition(".")[0]) for one in packages):
        return f"`{top}` is an installed package: list it under `settings.packages`"
    return ""


def named_in_code(code: CodeType) -> Iterator[str]:
    """Yield the qualified names of the public functions in a module's *code*."""
    for one in code.co_consts:
        if not isinstance(one, CodeType) or one.co_name.startswith(("_", "<")):
            continue
        if one.co_flags & _FUNCTION:
            yield one.co_qualname
        else:
            yield from named_in_code(one)


_FUNCTION = 0x02


def _walk(
    module: str, prefix: str, held: Mapping[str, Any], failed: Callable[[str, Exception], None]
) -> Iterator[Member]:
    for name, raw in list(held.items()):
        if type(name) is not str or name.startswith("_"):
            continue
        try:
            found = _meant(module, prefix + name, raw)
        except Exception as error:
            if interrupts(error):
                raise
            failed(prefix + name, error)
            continue
        if type(found) is FunctionType:
            yield prefix + name, found, raw
        elif found is not None:
            yield from _walk(module, f"{prefix}{name}.", members(found), failed)


def _meant(module: str, qualname: str, raw: Any) -> FunctionType | type | None:
    """Return the function, or the class to look into, that has that name in its module."""
    if is_a(raw, type):
        own = name_of(raw) == qualname and _is_class_of(raw, module)
        return raw if own and qualname.count(".") < _DEPTH else None
    if is_a(raw, *_FUNCTIONS) or (_gives(raw) and module_of(type(raw)) not in _FORMS):
        function = function_behind(raw, module, qualname)
        if function is not None and _is_own(function, module, qualname):
            return None if _is_alias(function, raw, Target(module, qualname)) else function
    return None


def _gives(raw: Any) -> bool:
    """Whether *raw* can be called, or gives what can be, as the conditional methods of sklearn."""
    if callable(raw) or is_a(raw, *_VALUES):
        return callable(raw)
    return any("__get__" in members(one) for one in mro_of(type(raw)))


def _is_alias(function: FunctionType, raw: Any, target: Target) -> bool:
    """Whether *raw*, of which *function* is a wrapper, has a `def` of another name."""
    if function.__code__.co_qualname == target.qualname:
        return False
    return own_name(target, Found(None, "", raw, (function,))).qualname != target.qualname


def _is_class_of(cls: type, module: str) -> bool:
    """Whether *cls* says that it is of *module*, or a method of it was written there."""
    methods = (one for one in members(cls).values() if type(one) is FunctionType)
    return module_of(cls) == module or any(is_of(one, module) for one in methods)


def _is_own(function: FunctionType, module: str, qualname: str) -> bool:
    own = function.__code__.co_qualname  # (of a driver too)
    if own == qualname and function.__globals__.get("__name__") in sys.modules:
        return is_of(function, module)
    named = own == qualname or LOCALS in own or own.endswith("<lambda>")
    return named and type(function.__module__) is str and function.__module__ == module


_FUNCTIONS = (FunctionType, staticmethod, classmethod)
_VALUES = (property, functools.cached_property)
_FORMS = ("typing", "typing_extensions")
"""What stands in annotations can be called, and most modules have many of it."""


# --- functions that look at their caller ---

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
        self._top = _top(members(module).get("__name__"))
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
        names = members(self._module)
        cls: Any = names.get(owner)
        methods = members(cls) if is_a(cls, type) else {}
        for name in code.co_names:
            held = methods[name] if name in methods else names.get(name)
            one = peel(held) if is_a(held, *_HOLD_FUNCTIONS) else None
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
