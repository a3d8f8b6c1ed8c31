"""Numbers that the rules keep: exact under threads, cheap to advance, read when scraped.

Nothing here knows an exporter; a sink reads `Meters.collect`.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat, starmap
from typing import Literal, TypeVar, cast

from mlpolicy.core.frozen import frozen
from mlpolicy.core.live import Ring, Ticker, new_ticker

FamilyKind = Literal["counter", "gauge", "histogram"]
Labels = tuple[tuple[str, str], ...]
DEFAULT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""


class Counter:
    """A count that only rises; `add` is atomic and costs what a C call costs."""

    __slots__ = ("_base", "add", "ticker")

    def __init__(self) -> None:
        self.ticker: Ticker = new_ticker()
        self.add: Callable[[], int] = self.ticker.__next__
        self._base = 0

    def value(self) -> int:
        """Return the count."""
        return self.ticker.read() - self._base

    def number_from_one(self) -> None:
        """Let `add` return 1 for the first event: 0 stands for none."""
        if self.ticker.read() == 0:
            self.add()
            self._base = 1

    def restart(self) -> None:
        """Count from zero again, in a child process after a fork."""
        self._base = self.ticker.read()


class Sum:
    """A sum of numbers, for amounts rather than events; adding takes a lock."""

    __slots__ = ("_lock", "_total")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = 0.0

    def add(self, amount: float) -> None:
        """Add *amount*."""
        with self._lock:
            self._total += amount

    def value(self) -> float:
        """Return the sum."""
        return self._total

    def restart(self) -> None:
        """Start from zero again, in a child process after a fork."""
        self._lock = threading.Lock()
        self._total = 0.0


class Durations:
    """A histogram of seconds: recorded in an unbounded ring, folded into buckets later.

    `record` is the bound `append` of the ring.
    Folding pops at most as many as the ring held when it began, under the reader's lock, so
    that no record is lost or counted twice.
    """

    __slots__ = ("_counts", "_lock", "_total", "buckets", "record", "ring")

    def __init__(self, buckets: Sequence[float] = DEFAULT_BUCKETS) -> None:
        self.buckets = tuple(buckets)
        self.ring = Ring()
        self.record: Callable[[float], None] = self.ring.append
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._counts = [0] * (len(self.buckets) + 1)
        self._total = 0.0

    def fold(self) -> tuple[tuple[int, ...], float]:
        """Return the count of each bucket (not cumulative, the last is +Inf) and the sum."""
        pop, counts, buckets = self.ring.popleft, self._counts, self.buckets
        with self._lock:
            batch = list(starmap(pop, repeat((), len(self.ring))))
            # Most durations of a quick function are in the first bucket: those in bulk.
            shortest = buckets[0]
            others = []
            if batch and max(batch) > shortest:
                others = [seconds for seconds in batch if seconds > shortest]
            counts[0] += len(batch) - len(others)
            for seconds in others:
                counts[bisect_left(buckets, seconds)] += 1
            self._total += sum(batch)
            return tuple(counts), self._total

    def count(self) -> int:
        """Return how many durations were recorded."""
        return sum(self.fold()[0])

    def restart(self) -> None:
        """Start from zero again, in a child process after a fork."""
        self._lock = threading.Lock()
        self.ring.clear()
        self._clear()


@frozen()
class Sample:
    """One series of a family: its labels and its number, or its histogram."""

    labels: Labels
    value: float
    buckets: tuple[tuple[float, int], ...] = ()
    """For a histogram: upper bound and count of that bucket alone; the value is the sum."""


@frozen()
class Family:
    """All series of one name."""

    name: str
    help: str
    kind: FamilyKind
    samples: tuple[Sample, ...]


Series = Counter | Sum | Durations | Callable[[], float]
S = TypeVar("S", Counter, Sum, Durations)


@dataclass(slots=True)
class _Family:
    name: str
    help: str
    kind: FamilyKind
    series: dict[Labels, Series]


class Meters:
    """All series of a process, by name and labels; asking twice gives the same one.

    Names are given as Prometheus exposes them (`mlpolicy_calls_total`).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._families: dict[str, _Family] = {}
        self.prepare: Callable[[], None] | None = None
        """Called before all is read: it makes series that nobody has needed yet."""

    def counter(self, name: str, help: str, **labels: str) -> Counter:
        """Return the counter of that name and those labels."""
        return self._series((name, help, "counter"), labels, Counter)

    def total(self, name: str, help: str, **labels: str) -> Sum:
        """Return the sum of that name and those labels, exposed as a counter."""
        return self._series((name, help, "counter"), labels, Sum)

    def durations(
        self, name: str, help: str, buckets: Sequence[float] = DEFAULT_BUCKETS, **labels: str
    ) -> Durations:
        """Return the histogram of that name and those labels."""
        return self._series((name, help, "histogram"), labels, lambda: Durations(buckets))

    def gauge(self, name: str, help: str, read: Callable[[], float], **labels: str) -> None:
        """Show what *read* returns at each scrape; a later call replaces it."""
        with self._lock:
            self._family(name, help, "gauge").series[_key(labels)] = read

    def drop(self, name: str, **labels: str) -> None:
        """Show that series no longer, if it was shown."""
        with self._lock:
            family = self._families.get(name)
            if family is not None:
                family.series.pop(_key(labels), None)

    def counted(self, name: str, help: str, read: Callable[[], float], **labels: str) -> None:
        """Show what *read* returns as a counter: a count that is derived from others."""
        with self._lock:
            self._family(name, help, "counter").series[_key(labels)] = read

    def collect(self) -> Iterator[Family]:
        """Yield every family with the numbers of this moment."""
        if self.prepare is not None:
            self.prepare()
        with self._lock:
            families = [(f, tuple(f.series.items())) for f in self._families.values()]
        for family, series in families:
            samples = tuple(_sample(labels, one) for labels, one in series)
            yield Family(family.name, family.help, family.kind, samples)

    def value(self, name: str, **labels: str) -> float:
        """Return one number: a count, a gauge, or how often a histogram was recorded; 0 if none."""
        family = self._families.get(name)
        one = family.series.get(_key(labels)) if family else None
        if one is None:
            return 0.0
        return one.count() if isinstance(one, Durations) else _number(one)

    def clear(self) -> None:
        """Forget every series; for tests."""
        with self._lock:
            self._families.clear()

    def restart(self) -> None:
        """Count from zero in a forked child, or totals over processes double."""
        self._lock = threading.Lock()
        for family in self._families.values():
            for one in family.series.values():
                if isinstance(one, Counter | Sum | Durations):
                    one.restart()

    def _series(
        self, family: tuple[str, str, FamilyKind], labels: dict[str, str], make: Callable[[], S]
    ) -> S:
        with self._lock:
            series = self._family(*family).series
            return cast("S", series.setdefault(_key(labels), make()))

    def _family(self, name: str, help: str, kind: FamilyKind) -> _Family:
        return self._families.setdefault(name, _Family(name, help, kind, {}))


def _key(labels: dict[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def _number(one: Counter | Sum | Callable[[], float]) -> float:
    return one.value() if isinstance(one, Counter | Sum) else one()


def _sample(labels: Labels, one: Series) -> Sample:
    if not isinstance(one, Durations):
        return Sample(labels, _number(one))
    counts, total = one.fold()
    bounds = (*one.buckets, float("inf"))
    return Sample(labels, total, tuple(zip(bounds, counts, strict=True)))


METERS = Meters()
"""The meters of this process."""

os.register_at_fork(after_in_child=METERS.restart)
