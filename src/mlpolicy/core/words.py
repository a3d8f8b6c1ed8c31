"""What was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SHORTEST = 3
"""Letters from which on the beginning of a word stands for it."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return which of *known* the word *word* was probably meant to be."""
    lowered = {name.lower(): name for name in known}
    begun = [name for low, name in lowered.items() if low.startswith(word.lower())]
    if len(begun) == 1 and len(word) >= _SHORTEST:
        return begun[0]
    near = difflib.get_close_matches(word.lower().replace("-", "_"), lowered, n=1, cutoff=0.7)
    return lowered[near[0]] if near else None
