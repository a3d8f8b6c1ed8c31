"""What was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile


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
    lowered, low = _lowered(known), word.lower()
    begun = [name for one, name in lowered.items() if one.startswith(low)]
    if len(begun) == 1 and len(word) >= _SHORTEST:
        return begun[0]
    near = alike(low.replace("-", "_"), lowered, cutoff=_near(word))
    return lowered[near] if near else None


@lru_cache(64)
def _lowered(known: tuple[str, ...]) -> dict[str, str]:
    return {name.lower(): name for name in known}


def alike(word: str, known: Iterable[str], *, cutoff: float) -> str | None:
    """Return which of *known* is most like *word*; None where none is as much as *cutoff*.

    Those that lack too many of its letters are not compared: a file may hold thousands of words.
    """
    letters, size = _letters(word), len(word)
    near: list[str] = []
    for one in known:
        theirs, length = _letters(one), len(one)
        least = cutoff * (size + length) / 2  # so many letters they have in common
        lacking, more = (letters & ~theirs).bit_count(), (theirs & ~letters).bit_count()
        if size - lacking >= least <= length - more:
            near.append(one)
    found = difflib.get_close_matches(word, near, n=1, cutoff=cutoff)
    return found[0] if found else None


@lru_cache(8192)
def _letters(word: str) -> int:
    """Return a bit for each letter of *word*; some letters share theirs."""
    bits = 0
    for letter in word:
        bits |= 1 << ord(letter) % 64
    return bits


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
