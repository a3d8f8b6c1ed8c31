"""Counts what signals are, window by window, and judges each window that is full.

A call appends one row to a ring. Every 256 rows are counted at once; a full window is handed to the
thread of the exporter, which judges it. Workers that share a folder share their windows.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import repeat, starmap
from operator import eq, mul
from typing import TYPE_CHECKING, Any, Final

from mlpolicy.core.metrics import Meters
from mlpolicy.core.threads import Forked, Live, Lock, Ring
from mlpolicy.rules.monitor.drift.profile import Binner, DataProfile, Signal
from mlpolicy.rules.monitor.drift.signals import Row, plain, readers_of
from mlpolicy.rules.monitor.drift.statistics import chi2_quantile
from mlpolicy.rules.monitor.drift.watches import STATES
from mlpolicy.rules.monitor.lanes import EXPORTER

if TYPE_CHECKING:
    from mlpolicy.rules.monitor.drift.store import Store
    from mlpolicy.rules.monitor.rule import DriftBlock

NEIGHBOURS: Final = 64
"""Of so many calls in each 256 the neighbours are looked at."""
OWN: Final = 1.25
"""How much farther than windows of the reference itself a window must be."""
_MOST_WAITING: Final = 1000
"""Windows that wait to be judged; the oldest are left out."""


@dataclass(slots=True)
class BinTally:
    """The counts of one signal; `pairs` and `alike` tell how much neighbours have in common."""

    bins: int
    counts: list[int] = field(default_factory=list)
    pairs: int = 0
    alike: int = 0
    """Of numbers the products of the bins of neighbours, of categories how many are the same."""
    heads: int = 0
    tails: int = 0
    """The sums of the bins of the first and of the second of each pair."""

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * self.bins

    @property
    def n(self) -> int:
        """How many values there are."""
        return sum(self.counts)

    def add(self, bins: bytes, *, of_numbers: bool, neighbours: int | None = None) -> None:
        """Count values in those *bins*, one after the other; look at the first *neighbours*, or all."""
        counts = self.counts
        for at in range(self.bins):
            counts[at] += bins.count(at)
        heads, tails = bins[:neighbours][:-1], bins[:neighbours][1:]
        self.alike += sum(map(mul if of_numbers else eq, heads, tails))
        self.pairs += len(heads)
        self.heads += sum(heads)
        self.tails += sum(tails)

    def plus(self, other: BinTally) -> None:
        """Count what *other* has counted."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.pairs += other.pairs
        self.alike += other.alike
        self.heads += other.heads
        self.tails += other.tails

    def lag1(self, *, of_numbers: bool) -> float:
        """Return how much neighbours have in common: 0 by chance, 1 where they are equal."""
        n = sum(self.counts)
        if self.pairs < 2 or not n:
            return 0.0
        alike = self.alike / self.pairs
        if of_numbers:
            mean = sum(at * count for at, count in enumerate(self.counts)) / n
            most = sum(at * at * count for at, count in enumerate(self.counts)) / n - mean * mean
            chance = self.heads * self.tails / self.pairs**2
        else:  # (Cohen's kappa)
            chance = sum((count / n) ** 2 for count in self.counts)
            most = 1 - chance
        return (alike - chance) / most if most > 1e-12 else 0.0


@dataclass(slots=True)
class Standing:
    """What a window says of a signal, and how the signal stands after it."""

    state: int = 0
    """0 ok, 1 warn, 2 drift."""
    row: int = 0
    """Windows in a row that were above the threshold of drift."""
    score: float = 0.0
    threshold: float = 0.0
    """What the score must be above, for drift."""
    p: float = 1.0
    counts: list[int] = field(default_factory=list)

    def after(self, before: Standing, consecutive: int) -> Standing:
        """Return how the signal stands, from how it stood *before*: drift lasts until a window is ok."""
        row = before.row + 1 if self.state == 2 else 0
        lasts = before.state == 2 and self.state > 0
        state = 2 if row >= consecutive or lasts else min(self.state, 1)
        return replace(self, state=state, row=row)


def judge(window: BinTally, signal: Signal, rule: DriftBlock, signals: int) -> Standing:
    """Return what *window* says, one of so many *signals*."""
    lag1 = window.lag1(of_numbers=signal.type == "number")
    return judged(window.counts, lag1, signal, rule, signals)


def judged(
    counts: list[int], lag1: float, signal: Signal, rule: DriftBlock, signals: int
) -> Standing:
    """Return what a window of these *counts* says, whose neighbours are alike by so much.

    It drifts where its index is above the floor, above what chance makes, and above 1.25 times
    what windows of the reference itself come to, and a G-test agrees.
    """
    alpha, n, floor = rule.alpha / signals, sum(counts), rule.floor
    beside = signal.beside(counts, lag1)
    if n < rule.min_samples or beside.degrees < 1:
        return Standing(0, 0, beside.psi, floor.drift, 1.0, counts)
    least = max(beside.noise * chi2_quantile(alpha, beside.degrees), OWN * signal.own_psi(n))
    threshold = max(floor.drift, least)
    state = 0
    if beside.p < alpha and beside.psi > max(floor.warn, least):
        state = 2 if beside.psi > threshold else 1
    return Standing(state, 0, beside.psi, threshold, beside.p, counts)


def false_alarms(rule: DriftBlock, signals: int, windows: float) -> float:
    """Return how many false drifts so many *windows* of unchanged traffic make, at most, on average.

    Each signal is above its threshold by chance in alpha / signals of the windows; a drift needs
    `consecutive` of them in a row.
    """
    return float(windows * signals * (rule.alpha / signals) ** rule.consecutive)


@dataclass(slots=True)
class Batch:
    """Counts of rows that were taken together: a window, or a part of one."""

    tallies: dict[str, BinTally]
    rows: int = 0
    since: float = 0.0

    def plus(self, other: Batch) -> None:
        """Take in *other*, which is later."""
        self.since = self.since if self.rows else other.since
        self.rows += other.rows
        for name, tally in other.tallies.items():
            self.tallies[name].plus(tally)


Tell = Callable[[str, Standing, Standing], object]
"""Told of a signal whose state changed: how it stood, and how it stands."""


_GAUGES: Final = {
    "score": "How far the last window is from the profile.",
    "threshold": "What the score of a drift is above.",
    "state": "0 ok, 1 warn, 2 drift.",
}


class DriftWatch(Live):
    """Watches the signals of one function."""

    settings = ""
    """What it was made of."""
    users = 0
    """How many steps have it."""
    # (where the policy is not in force, an idle one takes nothing)
    ring: deque[Any] = Ring.idle()
    """A row of the values of each call that was not counted yet."""

    def __init__(
        self,
        rule: DriftBlock,
        profile: DataProfile,
        signals: Mapping[str, Signal],
        store: Callable[[Callable[[], Batch]], Store],
        *,
        tell: Tell | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.rule, self.profile = rule, profile
        self.readers = readers_of(signals)
        self.signals = {name: signals[name] for one in self.readers for name in one.names}
        self._binners = [(name, Binner(one, profile)) for name, one in self.signals.items()]
        self._tell, self._now = tell, now
        self._store = store(self.new_batch)
        self.windows: Callable[[str, str], Any] = lambda _signal, _state: None
        self._lock, self._merging = Lock(), Lock()
        self.ring = Ring()
        self._anew()
        _alive.add(self)

    def begin(self) -> None:
        """Begin anew in a forked child: what is not shared is the parent's."""
        self._store.begin()
        self._anew()

    def _anew(self) -> None:
        self.ring.clear()  # (drivers hold this very one)
        self._full: deque[Batch] = deque(maxlen=_MOST_WAITING)
        self._batch = self.new_batch()
        self._room = self.rule.window.calls

    def new_batch(self) -> Batch:
        """Return a batch of nothing."""
        return Batch({name: BinTally(binner.size) for name, binner in self._binners})

    # --- at a call --------------------------------------------------------------------

    def keep(self, row: Row) -> None:
        """Take the values of one call, which may be of any class."""
        self.ring.append(tuple(map(plain, row)))

    def fold(self) -> None:
        """Count the rows that are there; hand over the window that they fill."""
        if self._lock.held():  # by a signal handler or a finalizer in the middle of it
            return
        with self._lock:
            while self.ring:
                batch = self._batch
                batch.since = batch.since or self._now()
                wanted = min(len(self.ring), max(self._room - batch.rows, 1))
                rows = [*starmap(self.ring.popleft, repeat((), wanted))]
                for (name, binner), column in zip(
                    self._binners, zip(*rows, strict=True), strict=True
                ):
                    bins = binner.bins(column)
                    tally = batch.tallies[name]
                    tally.add(bins, of_numbers=binner.of_numbers, neighbours=NEIGHBOURS)
                batch.rows += wanted
                if batch.rows >= self._room:
                    self._hand_over()
                    self._room = self.rule.window.calls
                    EXPORTER.soon(self.merge)

    def _hand_over(self) -> None:
        self._full.append(self._batch)
        self._batch = self.new_batch()

    # --- in the background ------------------------------------------------------------

    def every_round(self) -> None:
        """Hand over what was counted so far, and judge a window that is old enough."""
        self.fold()
        if self._lock.held():
            return
        with self._lock:
            if self._batch.rows:
                self._room -= self._batch.rows
                self._hand_over()
        self.merge()

    def merge(self) -> None:
        """Add what was counted to the window, and judge it once it is full or old."""
        if self._merging.held():
            return
        with self._merging, self._store as window:
            while True:
                if self._closes(window.batch):
                    self._judge(window.batch)
                    window.batch = self.new_batch()
                if not self._full:
                    break
                window.batch.plus(self._full.popleft())
            if self._store.is_shared:
                self._room = max(self.rule.window.calls - window.batch.rows, 1)

    def _closes(self, batch: Batch) -> bool:
        window = self.rule.window
        if batch.rows >= window.calls:
            return True
        old = batch.rows > 0 and self._now() - batch.since >= window.max_age
        return old and batch.rows >= self.rule.min_samples

    def _judge(self, batch: Batch) -> None:
        window = self._store.window
        window.windows += 1
        window.rows += batch.rows
        for name, signal in self.signals.items():
            tally, before = batch.tallies[name], window.standings.get(name, Standing())
            now = judge(tally, signal, self.rule, len(self.signals))
            after = window.standings[name] = now.after(before, self.rule.consecutive)
            self.windows(name, STATES[now.state])
            if self._tell is not None and after.state != before.state:
                self._tell(name, before, after)

    # --- what is shown ----------------------------------------------------------------

    def standing(self, name: str) -> Standing:
        """Return how the signal *name* stands."""
        return self._store.window.standings.get(name) or Standing(threshold=self.rule.floor.drift)

    def shown(self) -> dict[str, dict[str, Any]]:
        """Return what a page shows of each signal."""
        found: dict[str, dict[str, Any]] = {}
        for name, signal in self.signals.items():
            now = self.standing(name)
            found[name] = {
                "state": STATES[now.state],
                "score": now.score,
                "threshold": now.threshold,
                "p": now.p,
                "type": signal.type,
                "labels": signal.names(),
                "edges": list(signal.edges),
                "window": list(now.counts),
                "reference": list(signal.bins),
            }
        return found

    def show(self, meters: Meters, target: str) -> None:
        """Show the numbers of all signals as metrics of the function *target*."""
        name, help = "mlpolicy_drift_windows_total", "Windows, by what each said of the signal."
        counters = {
            (signal, state): meters.counter(name, help, function=target, signal=signal, state=state)
            for signal in self.signals
            for state in STATES
        }
        self.windows = lambda signal, state: counters[signal, state].add()
        for name, help, read, labels in self._gauges():
            meters.gauge(name, help, read, shared=True, function=target, **labels)

    def hide(self, meters: Meters, target: str) -> None:
        """Show none of these numbers any longer."""
        for name, _, _, labels in self._gauges():
            meters.drop(name, function=target, **labels)

    def _gauges(self) -> Iterator[tuple[str, str, Callable[[], float], dict[str, str]]]:
        for what, help in _GAUGES.items():
            for signal in self.signals:
                read = partial(self._number, signal, what)
                yield f"mlpolicy_drift_{what}", help, read, {"signal": signal}
        help = "False drifts that the windows so far have made, at most, on average."
        yield "mlpolicy_drift_expected_false_alarms", help, self._expected, {}

    def _number(self, signal: str, what: str) -> float:
        return float(getattr(self.standing(signal), what))

    def _expected(self) -> float:
        return false_alarms(self.rule, len(self.signals), self._store.window.windows)


_alive = Forked(DriftWatch.begin)
