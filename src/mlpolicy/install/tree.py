"""Drivers placed in a module's code before it runs: for what is called while it is imported."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType


def rewrite(code: CodeType, replacement: Callable[[str, CodeType], CodeType | None]) -> CodeType:
    """Return *code* with every function within replaced that *replacement* gives another for.

    *replacement* is asked with the qualified name and the code; None keeps it.
    The same code comes back where nothing was replaced.
    """
    constants = tuple(
        _constant(one, replacement) if isinstance(one, CodeType) else one for one in code.co_consts
    )
    if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
        return code
    return code.replace(co_consts=constants)


def _constant(code: CodeType, replacement: Callable[[str, CodeType], CodeType | None]) -> CodeType:
    inner = rewrite(code, replacement)
    return replacement(inner.co_qualname, inner) or inner
