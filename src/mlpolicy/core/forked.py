"""What must be put right in a child of a fork, for as long as it lives."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class Forked(Generic[T]):
    """Objects that a child of a fork mends before anything else runs in it; held weakly."""

    def __init__(self, mend: Callable[[T], object]) -> None:
        self._known: set[ref[T]] = set()
        self._mend = mend
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.mend_all)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, one: T) -> None:
        """Have *one* mended in children, until it is gone."""
        self._known.add(ref(one, self._known.discard))

    def mend_all(self) -> None:
        """Mend what lives."""
        for reference in self._known.copy():  # (one step: collecting garbage changes it meanwhile)
            one = reference()
            if one is not None:
                self._mend(one)
