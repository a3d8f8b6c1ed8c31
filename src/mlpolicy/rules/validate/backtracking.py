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
from operator import mul
from re import _compiler, _parser  # type: ignore[attr-defined]  # (they have no public names)
from re import _constants as parts  # type: ignore[attr-defined]  # (they have no public names)
from typing import Any, NamedTuple

ENOUGH = 4096
"""The longest text, in characters, for a pattern whose time grows faster than its text."""
_LONG, _WIDE = 4096, 2**20
"""Characters of a pattern, and those in its ranges: compiling more may take seconds."""
_USUAL = 1024
"""A pattern that is not searched in time in texts of so many needs a `max_len`."""
BOUNDLESS = 64
"""A pattern that is searched in time in no longer texts is refused, whatever the length is."""
_TIME = 50_000_000
"""What a search may take, in nanoseconds."""
_FREE = 2**16
"""Where so long a text is searched in time, the time grows with the text alone."""
_COPIES, _ROOM, _FULL = 64, 256, 3000
"""Turns of a repeat that are told apart, the positions for that, and positions at all."""
_STEPS, _DEEP = 300_000, 150
"""Pairs of positions that are looked at, and how deep a parse tree may be."""
_LITERAL, _CLASS, _ANY_CASE, _TURN, _END = 2, 7, 18, 20, 3
"""Nanoseconds for a try: of a character, a class, one of any case, a turn of a group, the end."""
_SAMPLE = frozenset((*range(128), 0xB2, 0xE9, 0x130, 0x416, 0x663, 0x2003, 0x4E2D, 0x1F600))
"""ASCII, and one of each other sort of character."""
_BEGIN = 1
"""The mark before a text: a bit of a set, as each character of the alphabet has one."""
_SEARCH = 0
"""The position of a search that has not begun to match."""
_SIMPLE = (parts.LITERAL, parts.NOT_LITERAL, parts.IN, parts.ANY)
_REPEATS = (parts.MAX_REPEAT, parts.MIN_REPEAT, parts.POSSESSIVE_REPEAT)


class TooLarge(Exception):
    """A pattern that cannot be looked at in good time."""


class _Piece(NamedTuple):
    """A part of a pattern: the positions that it begins and ends with, each in how many ways."""

    first: Counter[int]
    last: Counter[int]
    empty: int
    """In how many ways it reads nothing."""


_NOTHING = _Piece(Counter(), Counter(), 1)


@lru_cache(1024)
def longest(pattern: str) -> float:
    """Return up to which length every text is searched in 50 ms; infinite if time grows with it.

    It is zero where that cannot be told.

    Raises:
        re.error: It is no pattern.
    """
    try:
        graph = _Graph(_parser.parse(pattern))
        paths = _Paths(graph)
        found = paths.longest([], begins=True)
        # After a match nothing is tried again but what may make it longer.
        if graph.is_sure and found > BOUNDLESS:
            found = paths.longest([*graph.whole.last], begins=not graph.whole.empty)
    except (TooLarge, RecursionError):
        return 0
    return found


def limit(pattern: str) -> int | None:
    """Return how long a text may be where a policy sets no `max_len`; None where it may be any."""
    found = longest(pattern)
    return None if found == inf else int(found)


def unusable(pattern: str) -> str:
    """Return why *pattern* cannot be compiled, or why that alone would take long; else nothing."""
    if len(pattern) > _LONG:
        return f"a pattern of {len(pattern)} characters is too long: use {_LONG} at most"
    try:
        tree = _parser.parse(pattern)
        if sum(min(high - low, 2**16) for low, high in _ranges(tree)) > _WIDE:
            return f"`{pattern}` has too many wide ranges of characters; use `\\w` or `[^…]`"
        re.compile(pattern)
    except TooLarge:
        return f"`{pattern}` has too many groups in one another"
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return f"`{pattern}` is no regular expression: {error}"
    return ""


def too_slow(pattern: str, most: int | None) -> str:
    """Return why a search for *pattern* in texts of at most *most* characters may take too long."""
    found = longest(pattern)
    if found >= max(BOUNDLESS, _USUAL if most is None else most):
        return ""
    if not found:
        return f"`{pattern}` is too large to tell how long a search takes: use a shorter one"
    if found < BOUNDLESS:
        return (
            f"`{pattern}` repeats what repeats by itself: a text that does not match can take "
            "time without bound; put something between the turns, or use `(?>…)` or `++`"
        )
    return (
        f"a search for `{pattern}` may take more than 50 ms in a text of more than {found:g} "
        f"characters: set `max_len` to {found:g} or less, begin the pattern with `^`, or put "
        "between its repeats what none of them takes"
    )


class _Graph:
    """The positions of a pattern, and which may follow which, in how many ways."""

    def __init__(self, tree: Any) -> None:
        named = (
            one
            for low, high in _ranges(tree)
            for one in (low - 1, high, high + 1, *range(low, high, 1 + (high - low) // 128))
        )
        known = sorted(one for one in _SAMPLE.union(named) if 0 <= one <= sys.maxunicode)
        self._alphabet = "".join(map(chr, known))
        self._bit = {one: 2 << number for number, one in enumerate(known)}
        self._read: dict[Any, int] = {}
        self._groups: dict[int, tuple[Any, int]] = {}
        self.is_sure = True
        """Whether a match holds as soon as its last position is read."""
        self.sets = [-1]
        """The characters that each position reads."""
        self.cost = [0]
        self.price = [_CLASS]
        """What it costs to try all that may follow a position."""
        self.follow: list[dict[int, tuple[int, int]]] = [{_SEARCH: (1, -1)}]
        """The positions that may follow, each in how many ways, and by which characters."""
        self._taken: dict[int, int] = {}
        """What a possessive repeat takes itself, so that nothing after it reads it."""
        self.whole = self._sequence(tree, tree.state.flags)
        self._link(Counter({_SEARCH: 1}), self.whole.first)
        for one, ways in self.whole.last.items():
            self.price[one] += ways * _END

    def _position(self, characters: int, cost: int) -> _Piece:
        if len(self.sets) >= _FULL:
            raise TooLarge
        only = Counter({len(self.sets): 1})
        self.sets.append(characters)
        self.cost.append(cost)
        self.price.append(0)
        self.follow.append({})
        return _Piece(only, only, 0)

    def _link(self, last: Counter[int], first: Counter[int], extra: int = 0) -> None:
        for one, ways in last.items():
            taken, follow = self._taken.get(one, 0), self.follow[one]
            for other, more in first.items():
                self.price[one] += ways * more * (self.cost[other] + extra)
                if read := self.sets[other] & ~taken:
                    known, before = follow.get(other, (0, 0))
                    follow[other] = known + ways * more, before | read

    def _joined(self, one: _Piece, other: _Piece) -> _Piece:
        self._link(one.last, other.first)
        first = one.first + _times(other.first, one.empty)
        last = other.last + _times(one.last, other.empty)
        return _Piece(first, last, one.empty * other.empty)

    def _sequence(self, items: Any, flags: int) -> _Piece:
        return reduce(
            self._joined,
            (self._part(operator, about, flags) for operator, about in items),
            _NOTHING,
        )

    def _part(self, operator: Any, about: Any, flags: int) -> _Piece:
        if operator in _SIMPLE:
            return self._simple(operator, about, flags)
        if operator in _REPEATS or operator is parts.ATOMIC_GROUP:
            return self._repeated(operator, about, flags)
        if operator is parts.SUBPATTERN:
            number, added, removed, items = about
            self._groups[number] = items, (flags | added) & ~removed
            return self._sequence(*self._groups[number])
        if operator is parts.GROUPREF:
            items, own = self._groups[about]
            return self._sequence(items, own | flags & re.I)
        if operator in (parts.BRANCH, parts.GROUPREF_EXISTS):
            branches = about[1] if operator is parts.BRANCH else about[1:]
            each = [self._sequence(one or (), flags) for one in branches]
            return _Piece(
                sum((one.first for one in each), Counter()),
                sum((one.last for one in each), Counter()),
                sum(one.empty for one in each),
            )
        return self._place(operator, about, flags)

    def _place(self, operator: Any, about: Any, flags: int) -> _Piece:
        """Return what reads nothing; an assertion is a path that leads no further."""
        if operator is parts.AT:
            is_line = about is parts.AT_BEGINNING and flags & re.M
            if about in (parts.AT_BEGINNING, parts.AT_BEGINNING_STRING) and not is_line:
                return self._position(_BEGIN, _LITERAL)
        self.is_sure, start = False, len(self.sets)
        if operator not in (parts.ASSERT, parts.ASSERT_NOT):
            return _NOTHING
        first = self._sequence(about[1], flags).first
        if about[0] < 0:  # (it reads what stands before)
            self.sets[start:] = [~_BEGIN] * (len(self.sets) - start)
            for follow in self.follow[start:]:
                follow.update({one: (ways, ~_BEGIN) for one, (ways, _) in follow.items()})
        return _Piece(first, Counter(), 1)

    def _repeated(self, operator: Any, about: Any, flags: int) -> _Piece:
        if operator in (parts.MAX_REPEAT, parts.MIN_REPEAT):
            least, most, items = about
            return self._repeat(least, most, items, flags)
        if operator is parts.POSSESSIVE_REPEAT:
            least, most, items = about
            if not _is_simple(items):
                items = [(parts.ATOMIC_GROUP, items)]
            about = [(parts.MAX_REPEAT, (least, most, items))]
        return self._committed(about, flags)

    def _committed(self, items: Any, flags: int) -> _Piece:
        """Return what gives nothing back: it is left in one way, after what it tried by itself."""
        start = len(self.sets)
        inner = self._sequence(items, flags)
        [(operator, about), *more] = items or [(None, ())]
        takes_all = operator is parts.MAX_REPEAT and about[1] is parts.MAXREPEAT
        if not more and takes_all and _is_simple(about[2]):
            self._taken.update((one, self.sets[one]) for one in inner.last)
            return inner
        own = range(start, len(self.sets))
        read = reduce(int.__or__, self.sets[start:], 0) & ~_BEGIN
        way = self._position(read, _TURN)
        if len(own) > 1 or any(one in self.follow[one] for one in own):
            self._link(way.last, way.first)
        tried = Counter[int]() if inner.last.keys() >= set(own) else inner.first
        return _Piece(way.first + tried, way.last, min(1, inner.empty))

    def _repeat(self, least: int, most: int, items: Any, flags: int) -> _Piece:
        """Return the turns one after the other; where they are too many, the last is a loop."""
        start = len(self.sets)
        made = self._sequence(items, flags)
        size = len(self.sets) - start
        if not size or not most:
            return _NOTHING
        apart = max(1, min(_COPIES, (_ROOM - start) // size))
        before = min(least, apart) - 1
        if most > apart:
            self._loop(made, is_simple=_is_simple(items))
            made = made if least else _maybe(made)
        elif most > least:
            made, before = _maybe(made), least
            for _ in range(most - least - 1):
                made = _maybe(self._joined(self._sequence(items, flags), made))
        for _ in range(before):
            made = self._joined(self._sequence(items, flags), made)
        return made

    def _loop(self, turn: _Piece, *, is_simple: bool) -> None:
        if not is_simple:
            self._link(turn.last, turn.first, _TURN)
            return
        [only] = turn.first
        self.follow[only][only] = 1, self.sets[only]
        self.price[only] += self.cost[only] // 3  # (a tight loop in C)

    def _simple(self, operator: Any, about: Any, flags: int) -> _Piece:
        """Return a position for one character; what it reads is asked of `re` itself."""
        any_case = flags & re.I
        cost = _LITERAL if operator is parts.LITERAL else _CLASS
        cost += len(about) // 4 if operator is parts.IN else 0
        key = operator, repr(about), flags
        if operator is parts.LITERAL and not any_case:
            self._read[key] = self._bit[about]
        if key not in self._read:
            state = _parser.State()
            state.flags = flags
            tree = _parser.SubPattern(state, [(operator, about)])
            found = _compiler.compile(tree, flags).finditer(self._alphabet)
            self._read[key] = sum(self._bit[ord(one[0])] for one in found)
        return self._position(self._read[key], cost + (_ANY_CASE if any_case else 0))


class _Paths:
    """How many paths through a graph read the same text."""

    def __init__(self, graph: _Graph) -> None:
        self._price = graph.price
        self._steps = 0
        self._together = [0] * len(graph.sets)
        """With which positions each may be reached by the same text, as bits."""
        self._meet(graph.follow)
        before: list[dict[int, int]] = [{} for _ in graph.sets]
        for one, follow in enumerate(graph.follow):
            for other, (ways, _) in follow.items():
                before[other][one] = ways
        self._arrive = [
            (at, [[(one, ways[one]) for one in group] for group in self._apart(ways)])
            for at, ways in enumerate(before)
            if ways
        ]
        self._all = self._apart(range(len(graph.sets)))
        edges = sum(map(len, graph.follow))
        self._tried = max(256, min(1024, 60_000 // edges))

    def _meet(self, follow: list[dict[int, tuple[int, int]]]) -> None:
        """Find which positions one text may reach both."""
        by_set: list[dict[int, list[int]]] = [{} for _ in follow]
        for ways, sets in zip(follow, by_set, strict=True):
            for other, (_, read) in ways.items():
                sets.setdefault(read, []).append(other)
        self._together[_SEARCH] = 1
        pending = [(_SEARCH, _SEARCH)]
        while pending:
            one, other = pending.pop()
            for left, right in product(by_set[one].items(), by_set[other].items()):
                self._count(1)
                if left[0] & right[0]:
                    pending += self._met(left[1], right[1])

    def _met(self, these: list[int], those: list[int]) -> Iterator[tuple[int, int]]:
        self._count(len(these) * len(those))
        for one, other in product(these, those):
            if not self._together[one] >> other & 1:
                self._together[one] |= 1 << other
                self._together[other] |= 1 << one
                yield one, other

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _STEPS:
            raise TooLarge

    def _apart(self, these: Iterable[int]) -> list[list[int]]:
        """Return *these* in groups, of each of which a text reaches at most one."""
        groups: list[list[int]] = []
        masks: list[int] = []
        for one in these:
            self._count(len(masks))
            for at, mask in enumerate(masks):
                if not self._together[one] & mask:
                    masks[at] |= 1 << one
                    groups[at].append(one)
                    break
            else:
                masks.append(1 << one)
                groups.append([one])
        return groups

    def longest(self, ends: list[int], *, begins: bool) -> float:
        """Return up to which length, a power of two, a search takes no longer than it may.

        A search is over at *ends*; it *begins* unless nothing is a match.
        """
        once = self._spent([_SEARCH] if begins else [], ends, keep=True)
        again = self._spent(ends, ends, keep=False)
        for length in (_FREE, *(ENOUGH >> number for number in range(10))):
            if _total(*once, length) + length * _total(*again, length) <= _TIME:
                return inf if length == _FREE else length
        return 0

    def _spent(self, start: list[int], ends: list[int], *, keep: bool) -> tuple[list[float], float]:
        """Return the time up to each step, and that of each step from then on if it is known.

        *keep* takes for each position the most paths of any text up to that length.
        """
        paths, totals = [0.0] * len(self._price), [0.0]
        for one in start:
            paths[one] = 1.0
        while any(paths):
            cost = list(map(mul, paths, self._price))
            spent = sum([max([cost[one] for one in group]) for group in self._all])
            totals.append(totals[-1] + spent)
            if totals[-1] > _TIME or len(totals) > self._tried:
                return totals, inf
            found = [0.0] * len(paths)
            for at, groups in self._arrive:
                found[at] = sum(
                    [max([paths[one] * ways for one, ways in group]) for group in groups]
                )
            for one in ends:
                found[one] = 0.0
            if keep:
                found = list(map(max, found, paths))
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
    return Counter({one: count * ways for one, count in these.items()}) if ways else Counter()


def _maybe(piece: _Piece) -> _Piece:
    return piece._replace(empty=piece.empty + 1)


def _is_simple(items: Any) -> bool:
    return len(items) == 1 and items[0][0] in _SIMPLE


def _ranges(tree: Any, deep: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of the characters that a parse tree names."""
    if deep > _DEEP:
        raise TooLarge
    for item in tree:
        match item:
            case (parts.RANGE, (low, high)):
                yield low, high
            case (parts.LITERAL | parts.NOT_LITERAL, int(one)):
                yield one, one
            case list() | tuple() | _parser.SubPattern():
                yield from _ranges(item, deep + 1)
