"""Functions that look at their caller: a driver is one frame more, and they would see it."""

from __future__ import annotations

from types import CodeType

_LOOKS = frozenset({"_getframe", "currentframe", "f_back", "_getframemodulename", "findCaller"})
_WALKS = frozenset({"stack", "extract_stack", "walk_stack", "getouterframes"})
_WALKERS = frozenset({"inspect", "traceback"})
_WARNS = frozenset({"warn", "warn_explicit", "_warn"})


def looks_at_caller(code: CodeType) -> bool:
    """Return whether *code* asks for frames above its own, itself or in a function within."""
    names = frozenset(code.co_names)
    if names & _LOOKS or (names & _WALKS and names & _WALKERS):
        return True
    if names & _WARNS and _mentions(code.co_consts, "stacklevel"):
        return True
    return any(looks_at_caller(inner) for inner in code.co_consts if isinstance(inner, CodeType))


def _mentions(constants: tuple[object, ...], word: str) -> bool:
    """Whether *word* is among the names of keyword arguments, which are tuples of constants."""
    return any(isinstance(one, tuple) and word in one for one in constants) or word in constants
