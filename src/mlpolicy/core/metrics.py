"""Numbers that the rules keep: exact under threads, cheap to advance, read when scraped.

Nothing here knows an exporter; a sink reads `Meters.collect`.
What runs at a call takes no lock: the collector of garbage or a signal may bring another call
of the same thread in between.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat, starmap
from typing import Any, Literal, TypeVar, cast

from mlpolicy.core.classes import frozen
from mlpolicy.core.threads import Forked, Lock, Ring, Ticker, new_ticker

FamilyKind = Literal["counter", "gauge", "histogram"]
Labels = tuple[tuple[str, str], ...]


class Counter:
    """A count that only rises; `add` is atomic and costs what a C call costs."""

    __slots__ = ("add", "first", "ticker")

    def __init__(self) -> None:
        self.ticker: Ticker = new_ticker()
        self.add: Callable[[], int] = self.ticker.__next__
        self.first = 0
        """What `add` returned for the first event that counts in this process."""

    def value(self) -> int:
        """Return the count."""
        return self.ticker.read() - self.first

    def number_from_one(self) -> None:
        """Let `add` return 1 for the first event: 0 stands for none."""
        if self.ticker.read() == 0:
            self.add()
            self.first = 1

    def restart(self) -> None:
        """Count from zero again, in a child process after a fork."""
        self.first = self.ticker.read()


class Sum:
    """A sum of numbers, for amounts rather than events; adding takes a lock."""

    __slots__ = ("_late", "_lock", "_total")

    def __init__(self) -> None:
        self._lock = Lock()
        self.restart()

    def add(self, amount: float) -> None:
        """Add *amount*."""
        if self._lock.held():  # by a finalizer or a signal handler, in the middle of an addition
            self._late.append(amount)
            return
        with self._lock:
            self._total += amount

    def value(self) -> float:
        """Return the sum."""
        return self._total + sum(self._late.copy())

    def restart(self) -> None:
        """Start from zero again, in a child process after a fork."""
        self._total = 0.0
        self._late: deque[float] = deque()


@frozen()
class Sample:
    """One series of a family: its labels and its number, or its histogram."""

    labels: Labels
    value: float
    buckets: tuple[tuple[float, int], ...] = ()
    """For a histogram: upper bound and count of that bucket alone; the value is the sum."""


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
            total = sum(batch)
            tags[UNTAGGED] += len(batch)
        except TypeError:  # some bear tags
            batch = _untagged(batch, tags)
            total = sum(batch)
        counts, buckets = list(self._folded.counts), self.buckets
        # Most durations of a quick function are in the first bucket: those in bulk.
        shortest = buckets[0]
        # (no part is longer than the sum: mostly that is all that is looked at)
        others = [one for one in batch if one > shortest] if total > shortest < max(batch) else []
        counts[0] += len(batch) - len(others)
        for seconds in others:
            counts[bisect_left(buckets, seconds)] += 1
        return Folded(tuple(counts), self._folded.total + total, tags)

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


Series = Counter | Sum | Tally | Durations | Callable[[], float]
S = TypeVar("S", Counter, Sum, Tally, Durations)


@dataclass(slots=True)
class Family:
    """All series of one name."""

    name: str
    help: str
    kind: FamilyKind
    samples: tuple[Sample, ...] = ()
    """Their numbers when they were collected."""
    shared: bool = False
    """Whether it is of something that processes share: a gauge that is not added up over them."""
    series: dict[Labels, Series] = field(default_factory=dict)


class Meters:
    """All series of a process, by name and labels; asking twice gives the same one.

    Names are given as Prometheus exposes them (`mlpolicy_calls_total`).
    """

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self.prepare: Callable[[], None] | None = None
        """Called before all is read: it makes series that nobody has needed yet."""
        _all.add(self)

    def counter(self, name: str, help: str, **labels: str) -> Counter:
        """Return the counter of that name and those labels."""
        return self._series(self._family(name, help, "counter"), labels, Counter)

    def total(self, name: str, help: str, **labels: str) -> Sum:
        """Return the sum of that name and those labels, exposed as a counter."""
        return self._series(self._family(name, help, "counter"), labels, Sum)

    def durations(
        self, name: str, help: str, buckets: Sequence[float] = DEFAULT_BUCKETS, **labels: str
    ) -> Durations:
        """Return the histogram of that name and those labels."""
        return self._series(
            self._family(name, help, "histogram"), labels, lambda: Durations(buckets)
        )

    def tally(
        self, name: str, help: str, durations: Durations, *, tag: str, **labels: str
    ) -> Tally:
        """Return the counter of the records of *durations* that bear *tag*."""
        return self._series(
            self._family(name, help, "counter"), labels, lambda: Tally(durations, tag)
        )

    def gauge(
        self,
        name: str,
        help: str,
        read: Callable[[], float],
        *,
        shared: bool = False,
        **labels: str,
    ) -> None:
        """Show what *read* returns at each scrape; a later call replaces it.

        It is *shared* where all processes read the same, as the limit of their memory: such gauges
        are not added up over them.
        """
        family = self._family(name, help, "gauge")
        family.shared = shared
        family.series[_key(labels)] = read

    def drop(self, name: str, **labels: str) -> None:
        """Show that series no longer, if it was shown."""
        family = self._families.get(name)
        if family is not None:
            family.series.pop(_key(labels), None)

    def counted(self, name: str, help: str, read: Callable[[], float], **labels: str) -> None:
        """Show what *read* returns as a counter: a count that is derived from others."""
        self._family(name, help, "counter").series[_key(labels)] = read

    def collect(self) -> Iterator[Family]:
        """Yield every family with the numbers of this moment."""
        if self.prepare is not None:
            self.prepare()
        # (copying a dict is one step, going through its items is not)
        families = [(one, one.series.copy()) for one in self._families.copy().values()]
        each = [one for _, series in families for one in series.values()]
        moments = {one: one.fold() for one in each if isinstance(one, Durations)}
        for family, series in families:
            samples = tuple(_sample(labels, one, moments) for labels, one in series.items())
            yield Family(family.name, family.help, family.kind, samples, family.shared)

    def value(self, name: str, **labels: str) -> float:
        """Return one number: a count, a gauge, or how often a histogram was recorded; 0 if none."""
        family = self._families.get(name)
        one = family.series.get(_key(labels)) if family else None
        if isinstance(one, Durations):
            return one.count()
        return _sample((), one, {}).value if one is not None else 0.0

    def clear(self) -> None:
        """Forget every series; for tests."""
        self._families.clear()

    def restart(self) -> None:
        """Count from zero in a forked child, or totals over processes double."""
        for family in self._families.copy().values():
            for one in family.series.copy().values():
                if isinstance(one, Counter | Sum | Durations):
                    one.restart()

    def _series(self, family: Family, labels: dict[str, str], make: Callable[[], S]) -> S:
        key, series = _key(labels), family.series
        return cast("S", series.get(key) or series.setdefault(key, make()))

    def _family(self, name: str, help: str, kind: FamilyKind) -> Family:
        return self._families.setdefault(name, Family(name, help, kind))


def _key(labels: dict[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def _sample(labels: Labels, one: Series, moments: Mapping[Durations, Folded]) -> Sample:
    match one:
        case Counter() | Sum():
            return Sample(labels, one.value())
        case Tally():
            return Sample(labels, one.value(moments.get(one.durations)))
        case Durations():
            folded = moments[one]
            bounds = (*one.buckets, float("inf"))
            return Sample(labels, folded.total, tuple(zip(bounds, folded.counts, strict=True)))
        case _:
            return Sample(labels, one())


_all = Forked(Meters.restart)
METERS = Meters()
"""The meters of this process."""
