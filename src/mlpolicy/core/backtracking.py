r"""How long a search can take, told from its pattern before any text is there.

The engine of `re` tries the ways to read a text one after the other. `^\w+\s` reads one in one
way, `\w+$` in as many as there are characters to begin at, `(\w+\s?)*$` in twice as many with each
character more. So a pattern is made into a graph, with a position for each character that it reads,
and the paths through it that read the same text are counted: so many at most, for any text.
Where the text decides (`$`, `\b`, what a group held), it decides for the worst.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache, reduce
from itertools import product
from math import inf, log2
from re import _compiler, _parser  # type: ignore[attr-defined]  # (they have no public names)
from re import _constants as parts  # type: ignore[attr-defined]  # (they have no public names)
from typing import Any, NamedTuple

_ENOUGH, _USUAL, _BOUNDLESS = 4096, 1024, 64
"""The longest text, in characters, where time grows faster than it; what takes too long in texts of
so many needs a `max_len`; in texts of so few, no `max_len` helps."""
_LONG, _WIDE, _DEEP = 4096, 2**20, 150
"""Characters of a pattern, those in its ranges, and levels: more may take seconds to compile."""
_TIME, _FREE = 30_000_000, 2**16
"""Nanoseconds for a search, fewer than is said; where a text so long takes no more, any may come."""
_COPIES, _ROOM, _FULL, _EDGES, _STEPS, _CHARACTERS = 64, 256, 3000, 50_000, 300_000, 1_000_000
"""Turns of a repeat that are told apart, positions for that and at all, edges, pairs of edges, and
characters that are asked for in all classes."""
_LITERAL, _CLASS, _ANY_CASE, _TURN, _END = 2, 7, 18, 20, 3
"""Nanoseconds for a try: of a character, a class, one of any case, a turn of a group, the end."""
_SAMPLE = frozenset((*range(128), 0xB2, 0xE9, 0x130, 0x416, 0x663, 0x2003, 0x4E2D, 0x1F600))
"""ASCII, and one of each other sort of character."""
_BEGIN, _SEARCH = 1, 0
"""The mark before a text, among the bits of a set, and the position of what has not begun yet."""
_SIMPLE = (parts.LITERAL, parts.NOT_LITERAL, parts.IN, parts.ANY)
_REPEATS = (parts.MAX_REPEAT, parts.MIN_REPEAT, parts.POSSESSIVE_REPEAT)


class TooLarge(Exception):
    """A pattern that cannot be looked at in good time."""


class _Piece(NamedTuple):
    """The positions that a part of a pattern begins and ends with, and how often it reads nothing."""

    first: Counter[int]
    last: Counter[int]
    empty: int


_NOTHING = _Piece(Counter(), Counter(), 1)


def unusable(pattern: str) -> str:
    """Return why *pattern* cannot be compiled, or why that alone would take long; else nothing."""
    if len(pattern) > _LONG:
        return f"a pattern of {len(pattern)} characters is too long: {_LONG} is the most"
    try:
        ranges = _ranges(_parser.parse(pattern))
        if sum(min(high - low, 2**16) for low, high in ranges) > _WIDE:
            return f"`{pattern}` has too many wide ranges of characters: use a class, or `[^…]`"
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError, TooLarge, Warning) as error:
        return f"`{pattern}` is no regular expression: {error}"
    return ""


def too_slow(pattern: str, most: int | None) -> str:
    """Return why a search for *pattern* in texts of at most *most* characters may take too long."""
    found = longest(pattern)
    if found >= max(_BOUNDLESS, _USUAL if most is None else most):
        return ""
    if not found:
        return f"`{pattern}` is too large to tell how long a search takes: use a simpler one"
    if found < _BOUNDLESS:
        text = f"`{pattern}` repeats what repeats by itself: a text that does not match can take"
        return f"{text} time without bound; put something between the turns, or use `(?>…)` or `++`"
    text = f"a search for `{pattern}` may take more than 50 ms in a text of more than {found:g}"
    other = "begin it with `^`, or put between its repeats what none of them takes"
    return f"{text} characters: set `max_len: {found:g}` or less, {other}"


@lru_cache(1024)
def longest(pattern: str) -> float:
    """Return up to which length any text is searched in 50 ms; infinite if time grows with it.

    It is zero where that cannot be told.
    """
    try:
        graph = _Graph(_parser.parse(pattern))
        found = graph.longest([])
        # After a match nothing is tried again but what may make it longer.
        return graph.longest(graph.ends) if graph.is_sure and found > _BOUNDLESS else found
    except (TooLarge, RecursionError, OverflowError):
        return 0


class _Graph:
    """The positions of a pattern, which may follow which, and how many paths read the same text."""

    def __init__(self, tree: Any) -> None:
        ranges, known = [*_ranges(tree)], set(_SAMPLE)
        for low, high in ranges:
            known.update(range(low, high, 1 + (high - low) // (1 + 1024 // len(ranges))))
            known.update((max(low - 1, 0), high, min(high + 1, sys.maxunicode)))
        self._alphabet, self._read = "".join(map(chr, known)), dict[Any, int]()
        self._groups: dict[int, tuple[Any, int]] = {}
        self._taken = Counter[int]()  # what a possessive repeat leaves for nothing after it
        self._edges, self.is_sure = 0, True
        """Whether a match holds as soon as its last position is read."""
        self._sets, self._cost, self._price = [-1], [0], [_CLASS]
        """What each position reads, what a try of it costs, and one of all that may follow it."""
        self._follow, self._before = [{_SEARCH}], [Counter([_SEARCH])]
        whole = self._sequence(tree, tree.state.flags)
        self.ends = [*whole.last]
        self._link(Counter([_SEARCH]), self._tried(whole))
        self._together = self._meet()
        self._all = self._apart(range(len(self._sets)))
        self._arrive = [
            [[(one, ways[one]) for one in group] for group in self._apart(ways)]
            for ways in self._before
        ]

    def _sequence(self, items: Any, flags: int) -> _Piece:
        each = (self._part(operator, about, flags) for operator, about in items)
        return reduce(self._joined, each, _NOTHING)

    def _part(self, operator: Any, about: Any, flags: int) -> _Piece:
        if operator in _SIMPLE:
            return self._simple(operator, about, flags)
        if operator in _REPEATS:
            return self._repeat(operator, *about, flags=flags)
        if operator is parts.SUBPATTERN:
            number, added, removed, items = about
            self._groups[number] = items, (flags | added) & ~removed
            return self._sequence(*self._groups[number])
        if operator is parts.BRANCH:
            each = [self._sequence(one, flags) for one in about[1]]
            first = sum((one.first for one in each), Counter[int]())
            last = sum((one.last for one in each), Counter[int]())
            return _Piece(first, last, sum(one.empty for one in each))
        if operator is parts.ATOMIC_GROUP:
            if len(about) == 1 and about[0][0] is parts.MAX_REPEAT:
                about = [(parts.POSSESSIVE_REPEAT, about[0][1])]
            return self._sequence(about, flags)
        return self._place(operator, about, flags)

    def _place(self, operator: Any, about: Any, flags: int) -> _Piece:
        """Return what reads nothing; an assertion is a path that leads no further."""
        begin = None if flags & re.M else parts.AT_BEGINNING
        if operator is parts.AT and about in (parts.AT_BEGINNING_STRING, begin):
            return self._position(_BEGIN, _LITERAL)
        self.is_sure = False
        if operator is parts.GROUPREF:
            items, own = self._groups[about]
            return self._sequence(items, own | flags & re.I)
        if operator is parts.GROUPREF_EXISTS:
            return self._part(parts.BRANCH, (None, [one or () for one in about[1:]]), flags)
        if operator in (parts.ASSERT, parts.ASSERT_NOT):
            return _Piece(self._tried(self._sequence(about[1], flags)), Counter(), 1)
        return _NOTHING

    def _tried(self, piece: _Piece) -> Counter[int]:
        """Return where *piece* begins; what comes after it, which may fail, reads nothing."""
        return self._joined(piece, self._position(0, _END)).first

    def _simple(self, operator: Any, about: Any, flags: int) -> _Piece:
        """Return a position for one character; what it reads is asked of `re` itself."""
        cost = _LITERAL if operator is parts.LITERAL else _CLASS
        cost += len(about) // 4 if operator is parts.IN else 0
        key = operator, repr(about), flags
        if key not in self._read:
            if len(self._read) * len(self._alphabet) > _CHARACTERS:
                raise TooLarge
            state = _parser.State()
            state.flags = flags
            single = _compiler.compile(_parser.SubPattern(state, [(operator, about)]), flags)
            found = frozenset(single.findall(self._alphabet))
            self._read[key] = int("".join("01"[one in found] for one in self._alphabet), 2) * 2
        return self._position(self._read[key], cost + (_ANY_CASE if flags & re.I else 0))

    def _position(self, reads: int, cost: int) -> _Piece:
        if len(self._sets) >= _FULL:
            raise TooLarge
        only = Counter([len(self._sets)])
        self._sets.append(reads)
        self._cost.append(cost)
        self._price.append(0)
        self._follow.append(set())
        self._before.append(Counter())
        return _Piece(only, only, 0)

    def _repeat(self, operator: Any, least: int, most: int, items: Any, *, flags: int) -> _Piece:
        """Return the turns one after the other; where they are too many, the last is a loop."""
        start = len(self._sets)
        made = self._sequence(items, flags)
        size = len(self._sets) - start
        if not size or not most:
            return _NOTHING._replace(empty=made.empty ** min(max(least, 1), _COPIES))
        apart = max(1, min(_COPIES, (_ROOM - start) // size))
        if made.empty and least > apart:  # (which of the turns read nothing is a choice)
            raise TooLarge
        before, optional = max(min(least, apart) - 1, 0), int(not least)
        if most > apart:
            self._loop(made, items, takes=operator is parts.POSSESSIVE_REPEAT)
        elif most > least:
            before, optional = least, most - least
        for number in range(before + max(optional, 1)):
            made = made if not number else self._joined(self._sequence(items, flags), made)
            made = made._replace(empty=made.empty + (number < optional))
        return made

    def _loop(self, turn: _Piece, items: Any, *, takes: bool) -> None:
        if len(items) != 1 or items[0][0] not in _SIMPLE:
            self._link(turn.last, turn.first, _TURN)
            return
        [only] = turn.first
        self._follow[only].add(only)
        self._before[only][only] = 1
        self._price[only] += self._cost[only] // 3  # (a tight loop in C)
        self._taken[only] = self._sets[only] if takes else 0

    def _joined(self, one: _Piece, other: _Piece) -> _Piece:
        self._link(one.last, other.first)
        first = one.first + _times(other.first, one.empty)
        last = other.last + _times(one.last, other.empty)
        return _Piece(first, last, one.empty * other.empty)

    def _link(self, last: Counter[int], first: Counter[int], extra: int = 0) -> None:
        self._edges += len(last) * (1 + len(first))
        if self._edges > _EDGES:
            raise TooLarge
        for (one, ways), (other, more) in product(last.items(), first.items()):
            self._price[one] += ways * more * (self._cost[other] + extra)
            if self._sets[other] & ~self._taken[one]:
                self._follow[one].add(other)
                self._before[other][one] += ways * more

    # --- paths ---

    def _meet(self) -> list[int]:
        """Return, as bits, with which positions each may be reached by the same text."""
        together, pending, steps = [1, *[0] * len(self._sets)], [(_SEARCH, _SEARCH)], 0
        while pending:
            one, other = pending.pop()
            steps += len(self._follow[one]) * len(self._follow[other])
            if steps > _STEPS:
                raise TooLarge
            for left, right in product(self._follow[one], self._follow[other]):
                if together[left] >> right & 1:
                    continue
                taken = self._taken[one] * (left != one) | self._taken[other] * (right != other)
                if self._sets[left] & self._sets[right] & ~taken:
                    together[left] |= 1 << right
                    together[right] |= 1 << left
                    pending.append((left, right))
        return together

    def _apart(self, these: Iterable[int]) -> list[list[int]]:
        """Return *these* in groups, of each of which a text reaches at most one."""
        groups: list[tuple[list[int], int]] = []
        for one in these:
            free = (at for at, (_, met) in enumerate(groups) if not met >> one & 1)
            at = next(free, len(groups))
            group, met = groups[at] if at < len(groups) else ([], 0)
            groups[at : at + 1] = [([*group, one], met | self._together[one])]
        return [group for group, _ in groups]

    def longest(self, ends: list[int]) -> float:
        """Return up to which length, a power of two, a search that is over at *ends* is in time."""
        once = self._spent([_SEARCH], ends, keep=True)
        again = self._spent(ends, ends, keep=False)
        for length in (_FREE, *(_ENOUGH >> number for number in range(10))):
            if _total(*once, length) + length * _total(*again, length) <= _TIME:
                return inf if length == _FREE else length
        return 1

    def _spent(self, start: list[int], ends: list[int], *, keep: bool) -> tuple[list[float], float]:
        """Return the time up to each step, and that of each further step, if it stays the same.

        *keep* takes for each position the most paths of any text up to that length.
        """
        price, totals = self._price, [0.0]
        paths = [float(one in start) for one in range(len(price))]
        tried = max(256, min(_ENOUGH // 4, _EDGES // sum(map(len, self._follow))))
        while any(paths):
            spent = sum([max([paths[one] * price[one] for one in group]) for group in self._all])
            totals.append(totals[-1] + spent)
            if totals[-1] > _TIME or len(totals) > tried:
                return totals, inf
            found = [
                sum([max([paths[one] * ways for one, ways in group]) for group in groups])
                for groups in self._arrive
            ]
            for one in ends:
                found[one] = 0.0
            found = list(map(max, found, paths)) if keep else found
            if found == paths:
                return totals, spent
            paths = found
        return totals, 0.0


def _total(totals: list[float], each: float, length: int) -> float:
    """Return the time for a text of that *length*; beyond what was tried it grows as it did."""
    steps, tried = length + 2, len(totals) - 1
    if steps <= tried:
        return totals[steps]
    if each < inf or totals[-1] > _TIME:
        return totals[-1] + (steps - tried) * each
    growth: float = (totals[-1] / totals[tried // 2]) ** log2(steps / tried)
    return totals[-1] * growth


def _times(these: Counter[int], ways: int) -> Counter[int]:
    return Counter({one: count * ways for one, count in these.items()})


def _ranges(tree: Any, deep: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of the characters that a parse tree names."""
    if deep > _DEEP:
        raise TooLarge("it has too many groups in one another")
    for item in tree:
        match item:
            case (parts.RANGE, (low, high)):
                yield low, high
            case (parts.LITERAL | parts.NOT_LITERAL, int(one)):
                yield one, one
            case list() | tuple() | _parser.SubPattern():
                yield from _ranges(item, deep + 1)
