r"""Patterns whose search can take time without bound, told from their parse tree.

A repeat within a repeat is harmless where each turn of the outer one must pass something that
the inner one cannot match (`(\w+\.)+`); without such a separator there are many ways to read
the same text, and a text that fails makes the search try them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import _constants as parts  # type: ignore[attr-defined]  # (the parser has no public name)
from re import _parser  # type: ignore[attr-defined]  # (the parser has no public name)
from typing import Any

Item = tuple[Any, Any]
"""An operator of the parse tree, and what it is applied to."""

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
_HOLDERS = (*_REPEATS, parts.POSSESSIVE_REPEAT, parts.SUBPATTERN, parts.ASSERT, parts.ASSERT_NOT)
_COMMITTED = (parts.ATOMIC_GROUP, parts.POSSESSIVE_REPEAT, parts.ASSERT, parts.ASSERT_NOT)
"""They never give back what they took, or take nothing."""


def backtracks(pattern: str) -> bool:
    """Whether a search for *pattern* may take time that grows without bound.

    Raises:
        re.error: It is no pattern.
    """
    return any(
        operator in _REPEATS
        and about[1] >= MANY
        and _ambiguous([inner for item in about[2] for inner in _opened(item)])
        for operator, about in _all(_parser.parse(pattern))
    )


def _all(items: Iterable[Item]) -> Iterator[Item]:
    """Yield every item of the tree."""
    for item in items:
        yield item
        for inside in _within(item):
            yield from _all(inside)


def _within(item: Item) -> list[Iterable[Item]]:
    """Return the sequences that an item holds."""
    operator, about = item
    if operator is parts.BRANCH:
        return list(about[1])
    if operator is parts.GROUPREF_EXISTS:
        return [one for one in about[1:] if one is not None]
    if operator is parts.ATOMIC_GROUP:
        return [about]
    return [about[-1]] if operator in _HOLDERS else []


def _opened(item: Item) -> list[Item]:
    """Return what a group holds in place of the group."""
    if item[0] is not parts.SUBPATTERN:
        return [item]
    return [inner for one in item[1][-1] for inner in _opened(one)]


def _ambiguous(turn: list[Item]) -> bool:
    """Whether an item of variable length meets no separator on the way back to itself.

    A separator is what passes exactly one character, or at least one of a single set.
    """
    fixed = []
    for operator, about in turn:
        repeats = operator in _REPEATS or operator is parts.POSSESSIVE_REPEAT
        one = operator in (parts.LITERAL, parts.NOT_LITERAL, parts.IN, parts.ANY)
        if (repeats and about[0]) or one:
            fixed.append(_characters([(operator, about)]))
    for item in turn:
        own = _characters([item])
        if _varies(item) and not any(own.isdisjoint(one) for one in fixed):
            return True
    return False


def _varies(item: Item) -> bool:
    """Whether *item* may match texts of which one begins another."""
    operator, about = item
    if operator in _REPEATS:
        return bool(about[0] != about[1]) or any(_varies(one) for one in about[2])
    if operator is parts.BRANCH:
        return _overlapping(about[1])
    if operator in _COMMITTED:
        return False
    return any(_varies(one) for inside in _within(item) for one in inside)


def _overlapping(branches: Iterable[Iterable[Item]]) -> bool:
    """Whether a text may go down two of *branches*, or one of them varies."""
    seen: set[int] = set()
    for branch in branches:
        items = list(branch)
        first = _characters(items[:1]) if items else _ALPHABET
        if not seen.isdisjoint(first) or any(_varies(one) for one in items):
            return True
        seen |= first
    return False


def _characters(items: Iterable[Item]) -> frozenset[int]:
    """Return the characters that *items* may match, as far as the sample alphabet tells."""
    found: set[int] = set()
    for operator, about in items:
        if operator is parts.LITERAL:
            found.add(about)
        elif operator is parts.NOT_LITERAL:
            found |= _ALPHABET - {about}
        elif operator is parts.IN:
            found |= _class(about)
        elif operator is parts.ANY or operator is parts.GROUPREF:
            found |= _ALPHABET
        for inside in _within((operator, about)):
            found |= _characters(inside)
    return frozenset(found)


def _class(members: list[Item]) -> set[int]:
    """Return the characters of a set in brackets."""
    found: set[int] = set()
    inverted = members[0][0] is parts.NEGATE
    for operator, about in members:
        if operator is parts.LITERAL:
            found.add(about)
        elif operator is parts.RANGE:
            found.update(one for one in _ALPHABET if about[0] <= one <= about[1])
            found.update(about)
        elif operator is parts.CATEGORY:
            found.update(one for one in _ALPHABET if _CATEGORIES[about](chr(one)))
    return set(_ALPHABET - found) if inverted else found
