"""Numbers that the rules keep: exact under threads, cheap to advance, read when scraped.

Nothing here knows an exporter; a sink reads `Meters.collect`.
What runs at a call takes no lock: the collector of garbage or a signal may bring another call
of the same thread in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from mlpolicy.core.durations import DEFAULT_BUCKETS, Durations, Folded, Tally
from mlpolicy.core.frozen import frozen
from mlpolicy.core.live import Ticker, new_ticker
from mlpolicy.core.threads import Forked, Lock

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


@frozen()
class Family:
    """All series of one name."""

    name: str
    help: str
    kind: FamilyKind
    samples: tuple[Sample, ...]
    shared: bool = False
    """Whether it is of something that processes share: a gauge that is not added up over them."""


Series = Counter | Sum | Tally | Durations | Callable[[], float]
S = TypeVar("S", Counter, Sum, Tally, Durations)


@dataclass(slots=True)
class _Family:
    name: str
    help: str
    kind: FamilyKind
    series: dict[Labels, Series]
    shared: bool = False


class Meters:
    """All series of a process, by name and labels; asking twice gives the same one.

    Names are given as Prometheus exposes them (`mlpolicy_calls_total`).
    """

    def __init__(self) -> None:
        self._families: dict[str, _Family] = {}
        self.prepare: Callable[[], None] | None = None
        """Called before all is read: it makes series that nobody has needed yet."""
        _all.add(self)

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

    def tally(
        self, name: str, help: str, durations: Durations, *, tag: str, **labels: str
    ) -> Tally:
        """Return the counter of the records of *durations* that bear *tag*."""
        return self._series((name, help, "counter"), labels, lambda: Tally(durations, tag))

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
        moments = {
            one: one.fold()
            for _, series in families
            for one in series.values()
            if isinstance(one, Durations)
        }
        for family, series in families:
            samples = tuple(_sample(labels, one, moments) for labels, one in series.items())
            yield Family(family.name, family.help, family.kind, samples, family.shared)

    def value(self, name: str, **labels: str) -> float:
        """Return one number: a count, a gauge, or how often a histogram was recorded; 0 if none."""
        family = self._families.get(name)
        one = family.series.get(_key(labels)) if family else None
        if one is None:
            return 0.0
        return one.count() if isinstance(one, Durations) else _number(one)

    def clear(self) -> None:
        """Forget every series; for tests."""
        self._families.clear()

    def restart(self) -> None:
        """Count from zero in a forked child, or totals over processes double."""
        for family in self._families.copy().values():
            for one in family.series.copy().values():
                if isinstance(one, Counter | Sum | Durations):
                    one.restart()

    def _series(
        self, family: tuple[str, str, FamilyKind], labels: dict[str, str], make: Callable[[], S]
    ) -> S:
        series = self._family(*family).series
        return cast("S", series.get(_key(labels)) or series.setdefault(_key(labels), make()))

    def _family(self, name: str, help: str, kind: FamilyKind) -> _Family:
        return self._families.setdefault(name, _Family(name, help, kind, {}))


def _key(labels: dict[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def _number(one: Counter | Sum | Tally | Callable[[], float]) -> float:
    return one.value() if isinstance(one, Counter | Sum | Tally) else one()


def _sample(labels: Labels, one: Series, moments: Mapping[Durations, Folded]) -> Sample:
    if isinstance(one, Tally):
        return Sample(labels, one.value(moments.get(one.durations)))
    if not isinstance(one, Durations):
        return Sample(labels, _number(one))
    folded = moments[one]
    bounds = (*one.buckets, float("inf"))
    return Sample(labels, folded.total, tuple(zip(bounds, folded.counts, strict=True)))


_all = Forked(Meters.restart)
METERS = Meters()
"""The meters of this process."""
