r"""Patterns whose search can take time without bound, told from their parse tree.

A repeat within a repeat is harmless where each turn of the outer one must pass something that
the inner one cannot match (`(\w+\.)+`); without such a separator there are many ways to read
the same text, and a text that fails makes the search try them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants as parts  # type: ignore[attr-defined]  # (the parser has no public name)
from re import _parser  # type: ignore[attr-defined]  # (the parser has no public name)
from typing import Any, NamedTuple

MANY = 16
"""A repeat that may turn so often counts as one without an end."""
_ALPHABET = frozenset((*range(128), 0xE9, 0x416, 0x663, 0x2003, 0x4E2D))
"""ASCII, and one of each other sort of character: letters, a digit, a space."""
_CATEGORIES = {
    getattr(parts, f"CATEGORY_{'NOT_' * letter.isupper()}{name}"): re.compile(rf"\{letter}").match
    for name, letters in (("DIGIT", "dD"), ("SPACE", "sS"), ("WORD", "wW"))
    for letter in letters
}
_REPEATS = (parts.MAX_REPEAT, parts.MIN_REPEAT)
_COMMITTED = (parts.ATOMIC_GROUP, parts.POSSESSIVE_REPEAT, parts.ASSERT, parts.ASSERT_NOT)
"""They never give back what they took, or take nothing."""
_ONE = (parts.LITERAL, parts.NOT_LITERAL, parts.IN, parts.ANY)


class Fragment(NamedTuple):
    """What a part of a pattern may match."""

    characters: frozenset[int]
    """Those of the sample alphabet that it may match."""
    passes: bool
    """Whether it passes exactly one character, or at least one of a single set."""
    varies: bool
    """Whether it may match texts of which one begins another."""
    backtracks: bool
    """Whether a search for it, or for what is in it, may take time without bound."""


def backtracks(pattern: str) -> bool:
    """Whether a search for *pattern* may take time that grows without bound.

    Raises:
        re.error: It is no pattern.
    """
    return any(part.backtracks for part in _sequence(_parser.parse(pattern)))


def _sequence(items: Iterable[tuple[Any, Any]]) -> list[Fragment]:
    """Return the parts that follow each other; what a group holds takes the place of the group."""
    found: list[Fragment] = []
    for operator, about in items:
        if operator is parts.SUBPATTERN:
            found += _sequence(about[-1])
        else:
            found.append(_part(operator, about))
    return found


def _part(operator: Any, about: Any) -> Fragment:
    branches = [_sequence(branch) for branch in _within(operator, about)]
    inner = [part for branch in branches for part in branch]
    is_endless = operator in _REPEATS and about[1] >= MANY
    repeats = operator in _REPEATS or operator is parts.POSSESSIVE_REPEAT
    return Fragment(
        _characters(operator, about).union(*(part.characters for part in inner)),
        operator in _ONE or bool(repeats and about[0]),
        _varies(operator, about, branches),
        any(part.backtracks for part in inner) or (is_endless and _ambiguous(inner)),
    )


def _varies(operator: Any, about: Any, branches: list[list[Fragment]]) -> bool:
    if operator in _COMMITTED:
        return False
    if operator in _REPEATS and about[0] != about[1]:
        return True
    if operator is parts.BRANCH and _overlapping(branches):
        return True
    return any(part.varies for branch in branches for part in branch)


def _within(operator: Any, about: Any) -> list[Iterable[tuple[Any, Any]]]:
    """Return the sequences that an operator of the parse tree holds."""
    if operator is parts.BRANCH:
        return list(about[1])
    if operator is parts.GROUPREF_EXISTS:
        return [one for one in about[1:] if one is not None]
    if operator is parts.ATOMIC_GROUP:
        return [about]
    return [about[-1]] if operator in _REPEATS or operator in _COMMITTED else []


def _ambiguous(turn: list[Fragment]) -> bool:
    """Whether a part of variable length meets no separator on the way back to itself."""
    fixed = [part.characters for part in turn if part.passes]
    return any(
        part.varies and not any(part.characters.isdisjoint(one) for one in fixed) for part in turn
    )


def _overlapping(branches: list[list[Fragment]]) -> bool:
    """Whether a text may go down two of *branches*."""
    seen: set[int] = set()
    for branch in branches:
        first = branch[0].characters if branch else _ALPHABET
        if not seen.isdisjoint(first):
            return True
        seen |= first
    return False


def _characters(operator: Any, about: Any) -> frozenset[int]:
    """Return the characters that an operator matches by itself."""
    if operator is parts.LITERAL:
        return frozenset((about,))
    if operator is parts.NOT_LITERAL:
        return _ALPHABET - {about}
    if operator is parts.IN:
        return _class(about)
    return _ALPHABET if operator in (parts.ANY, parts.GROUPREF) else frozenset()


def _class(members: list[tuple[Any, Any]]) -> frozenset[int]:
    """Return the characters of a set in brackets."""
    found: set[int] = set()
    for operator, about in members:
        if operator is parts.LITERAL:
            found.add(about)
        elif operator is parts.RANGE:
            found.update(about, (one for one in _ALPHABET if about[0] <= one <= about[1]))
        elif operator is parts.CATEGORY:
            found.update(one for one in _ALPHABET if _CATEGORIES[about](chr(one)))
    return _ALPHABET - found if members[0][0] is parts.NEGATE else frozenset(found)
