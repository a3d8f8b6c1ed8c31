"""What was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache


def _near(word: str) -> float:
    """Return how alike words must be: one letter of three is a third of them."""
    return 0.6 if len(word) < 5 else 0.7


_SHORTEST = 3
"""Letters from which on the beginning of a word stands for it."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return which of *known* the word *word* was probably meant to be."""
    return _closest(word, tuple(known))


@lru_cache(4096)
def _closest(word: str, known: tuple[str, ...]) -> str | None:
    lowered = {name.lower(): name for name in known}
    begun = [name for low, name in lowered.items() if low.startswith(word.lower())]
    if len(begun) == 1 and len(word) >= _SHORTEST:
        return begun[0]
    near = difflib.get_close_matches(
        word.lower().replace("-", "_"), lowered, n=1, cutoff=_near(word)
    )
    return lowered[near[0]] if near else None


def many(count: int, one: str, more: str = "") -> str:
    """Return *count* with its noun."""
    return f"{count} {one if count == 1 else more or one + 's'}"
