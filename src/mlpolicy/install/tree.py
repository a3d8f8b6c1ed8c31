"""Drivers placed in code before it runs: for what is called while its module is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType

from mlpolicy.core.frozen import frozen
from mlpolicy.install import registry


@frozen()
class Tree:
    """Puts drivers into the code of modules and of functions that make functions."""

    make: Callable[[str, CodeType], CodeType | None]
    """Gives the code of a driver or a stub for the function of that qualified name and code."""
    owner: object
    """The engine that puts them in."""

    def rewrite(self, code: CodeType) -> CodeType:
        """Return *code* with a driver in place of every function within that `make` gives one for.

        The same code comes back where nothing was replaced.
        """
        meant = _meant(code)
        constants = tuple(
            self._constant(one, meant=id(one) in meant) if isinstance(one, CodeType) else one
            for one in code.co_consts
        )
        if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
            return code
        rewritten = code.replace(co_consts=constants)
        registry.stands_for(rewritten, code, driver=False, owner=self.owner)
        return rewritten

    def _constant(self, code: CodeType, *, meant: bool) -> CodeType:
        inner = self.rewrite(code)
        placed = self.make(inner.co_qualname, inner) if meant else None
        if placed is None:
            return inner
        registry.stands_for(placed, inner, driver=True, owner=self.owner)
        return placed


def _meant(code: CodeType) -> set[int]:
    """Return which constants of *code* are functions that a name may mean, by their identity.

    Several definitions of one name each have a driver of their own, but for the stubs of
    `@overload`, which are never called, and for what stands beside the getter of a property.
    """
    functions = [
        one for one in code.co_consts if isinstance(one, CodeType) and one.co_flags & _FUNCTION
    ]
    by_name: dict[str, list[CodeType]] = {}
    for one in functions:
        by_name.setdefault(one.co_qualname, []).append(one)
    return {id(one) for alike in by_name.values() for one in _told_apart(code, alike)}


def _told_apart(code: CodeType, alike: list[CodeType]) -> list[CodeType]:
    if len(alike) > 1 and _ACCESSORS & {*code.co_names}:
        return alike[:1]
    return [one for one in alike if one.co_code not in _STUBS] or alike


_ACCESSORS = frozenset({"setter", "deleter", "getter"})


def _bodies() -> Iterator[bytes]:
    """Yield the instructions of functions that do nothing, as stubs are written."""
    written = "def f(): ...", "def f(): 'a docstring'", "async def f(): ..."
    for text in (*written, "async def f(): 'a docstring'"):
        module = compile(text, "<stub>", "exec", dont_inherit=True)
        yield from (one.co_code for one in module.co_consts if isinstance(one, CodeType))


_STUBS = frozenset(_bodies())
_FUNCTION = 0x02
"""Set in the code of functions, not in that of classes and modules (`CO_NEWLOCALS`)."""
