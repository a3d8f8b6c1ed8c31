"""Drivers placed in code before it runs: for what is called while its module is imported."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType

from mlpolicy.core.frozen import frozen
from mlpolicy.install import registry


@frozen()
class Tree:
    """Puts drivers into the code of modules and of functions that make functions."""

    make: Callable[[str, CodeType], CodeType | None]
    """Gives the code of a driver or a stub for the function of that qualified name and code, or None."""
    placed: set[int]
    """The identities of the codes that were put in."""

    def rewrite(self, code: CodeType) -> CodeType:
        """Return *code* with a driver in place of every function within that `make` gives one for.

        The same code comes back where nothing was replaced.
        """
        constants = tuple(
            self._constant(one) if isinstance(one, CodeType) else one for one in code.co_consts
        )
        if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
            return code
        rewritten = code.replace(co_consts=constants)
        self._stands(rewritten, code, driver=False)
        return rewritten

    def _constant(self, code: CodeType) -> CodeType:
        inner = self.rewrite(code)
        driver = self.make(inner.co_qualname, inner) if inner.co_flags & _FUNCTION else None
        if driver is None:
            return inner
        self._stands(driver, inner, driver=True)
        return driver

    def _stands(self, code: CodeType, behind: CodeType, *, driver: bool) -> None:
        registry.stands_for(code, behind, driver=driver)
        self.placed.add(id(code))


_FUNCTION = 0x02
"""Set in the code of functions, not in that of classes and modules (`CO_NEWLOCALS`)."""
