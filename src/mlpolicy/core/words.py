"""What was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile

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


def differing(word: str, right: str) -> tuple[str, str]:
    """Return the parts of both, from the first letter to the last one in which they differ."""
    start = _shared(word, right)
    end = _shared(word[start:][::-1], right[start:][::-1])
    return word[start : len(word) - end], right[start : len(right) - end]


def is_one_slip(left: str, meant: str) -> bool:
    """Whether parts that differ do so by one letter, missing or too many or wrong, or by two swapped."""
    return max(len(left), len(meant)) == 1 or (len(left) == 2 and left == meant[::-1])


def _shared(one: str, other: str) -> int:
    """Return with how many letters both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def many(count: int, one: str, more: str = "") -> str:
    """Return *count* with its noun."""
    return f"{count} {one if count == 1 else more or one + 's'}"
