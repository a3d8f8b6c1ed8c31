"""How long calls took and how they ended: one record a call, folded into counts later."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat, starmap
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.live import Ring
from mlpolicy.core.threads import Lock

DEFAULT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""
UNTAGGED = ""
NOTHING = (None,)
"""A record that counts for nothing."""


@frozen()
class Folded:
    """What was recorded up to one moment."""

    counts: tuple[int, ...]
    """How many of each bucket; not cumulative, the last is +Inf."""
    total: float
    tags: Mapping[str, int]
    """How many bear each tag, and how many none."""


class Durations:
    """A histogram of seconds: recorded in an unbounded ring, folded into buckets later.

    `record` is the bound `append` of the ring. A record is a number, or a tuple of a number and
    tags: counts of tags come from the same fold as the histogram, so that no counter that is
    derived from both ever goes back.
    """

    __slots__ = ("_folded", "_lock", "_taken", "buckets", "record", "ring")

    def __init__(self, buckets: Sequence[float] = DEFAULT_BUCKETS) -> None:
        self.buckets = tuple(buckets)
        self.ring = Ring()
        self.record: Callable[[Any], None] = self.ring.append
        self._lock = Lock()
        self.restart()

    def fold(self) -> Folded:
        """Return what was recorded so far, emptying the ring.

        At most as many are taken as the ring held at the beginning. They stay in `_taken` until
        they are counted: the exception of a signal handler loses none.
        """
        if not self._lock.held():
            with self._lock:
                self._taken.extend(starmap(self.ring.popleft, repeat((), len(self.ring))))
                # No signal is handled between these two: there is no call in between.
                self._folded = self._counted()
                self._taken.clear()
        return self._folded

    def _counted(self) -> Folded:
        batch, tags = self._taken, dict(self._folded.tags)
        try:
            longest = max(batch, default=0.0) + 0.0
        except TypeError:  # some bear tags
            batch = _untagged(batch, tags)
            longest = max(batch, default=0.0)
        else:
            tags[UNTAGGED] += len(batch)
        counts, buckets = list(self._folded.counts), self.buckets
        # Most durations of a quick function are in the first bucket: those in bulk.
        shortest = buckets[0]
        others = [one for one in batch if one > shortest] if longest > shortest else []
        counts[0] += len(batch) - len(others)
        for seconds in others:
            counts[bisect_left(buckets, seconds)] += 1
        return Folded(tuple(counts), self._folded.total + sum(batch), tags)

    def count(self) -> int:
        """Return how many durations were recorded."""
        return sum(self.fold().counts)

    def restart(self) -> None:
        """Start from zero again, in a child process after a fork."""
        self.ring.clear()
        self._taken: list[Any] = []
        self._folded = Folded((0,) * (len(self.buckets) + 1), 0.0, {UNTAGGED: 0})


def _untagged(batch: Sequence[Any], tags: dict[str, int]) -> list[float]:
    """Return the seconds of a *batch*, its tags counted into *tags*."""
    seconds: list[float] = []
    for one in batch:
        if type(one) is not tuple:
            seconds.append(one)
            tags[UNTAGGED] += 1
        elif one[0] is not None:
            seconds.append(one[0])
            for tag in one[1:]:
                tags[tag] = tags.get(tag, 0) + 1
    return seconds


class Tally:
    """How many records of a histogram bear a tag, or none of them: a counter."""

    __slots__ = ("durations", "tag")

    def __init__(self, durations: Durations, tag: str) -> None:
        self.durations = durations
        self.tag = tag

    def value(self, moment: Folded | None = None) -> int:
        """Return the count, at *moment* or by now."""
        return (moment or self.durations.fold()).tags.get(self.tag, 0)
