"""What was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache

_SHORTEST = 3
"""Letters from which on the beginning of a word stands for it."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return which of *known* the word *word* was probably meant to be."""
    return _closest(word, tuple(known))


@lru_cache(4096)
def _closest(word: str, known: tuple[str, ...]) -> str | None:
    names = {name.lower(): name for name in known}
    begun = [name for name in names if name.startswith(word.lower())]
    if len(begun) == 1 and len(word) >= _SHORTEST:
        return names[begun[0]]
    # Of three letters, one is a third.
    near = alike(word.lower().replace("-", "_"), names, cutoff=0.6 if len(word) < 5 else 0.7)
    return names[near] if near else None


def alike(word: str, known: Iterable[str], *, cutoff: float) -> str | None:
    """Return which of *known* is most like *word*; None where none is as much as *cutoff*."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=cutoff)
    return near[0] if near else None


def did_you_mean(word: str | None, otherwise: str = "") -> str:
    """Return the question whether *word* was meant; *otherwise* where there is none."""
    return f"did you mean `{word}`?" if word else otherwise


def many(count: int, one: str, more: str = "") -> str:
    """Return *count* with its noun."""
    return f"{count} {one if count == 1 else more or one + 's'}"
