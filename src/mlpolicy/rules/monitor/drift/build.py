"""Makes a profile of data that is read twice, batch by batch: once for the bins, once for their counts."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import add, sub
from typing import Any, Final, Literal

from mlpolicy.rules.monitor.drift.detect import BinTally
from mlpolicy.rules.monitor.drift.profile import (
    QUANTILES,
    Binner,
    DataProfile,
    ProfileError,
    Signal,
    flat,
    label_of,
)
from mlpolicy.rules.monitor.drift.signals import is_null, plain
from mlpolicy.rules.monitor.drift.statistics import compare

Batches = Callable[[], Iterator[Mapping[str, Sequence[Any]]]]
"""Gives the batches of the data from the beginning: columns by the name of their signal."""
Hashed = Literal["function", "variable", "plain"]
KEPT: Final = 100_000
"""Values from which the edges of bins are made: all, or so many drawn by chance."""
BINS: Final = 10
MOST_LABELS: Final = 50
LEAST_COUNT: Final = 20
"""Of a category with a bin of its own. Which are the most frequent is known of no others: with
those chosen by chance, the same data would have fewer of them, and more that are new."""
SIZES: Final = (100, 250, 500, 1000, 2500, 5000, 10_000, 25_000)
"""Of windows of the reference; there must be at least five of one size."""
_MOST_DISTINCT: Final = 20_000
_MOST_PARTS: Final = 4000


class _Column:
    """What the first pass learns of one signal."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kept: list[Any] = []
        self.seen = 0
        self.low, self.high = math.inf, -math.inf
        self.total = self.squares = self.shift = 0.0
        self.numbers = 0
        self.values: Counter[Any] = Counter()
        self._draw = random.Random(7)

    def take(self, values: Iterable[Any]) -> None:
        for value in values:
            if is_null(value):
                continue
            self.seen += 1
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                self._number(float(value))
            elif len(self.values) < _MOST_DISTINCT or value in self.values:
                self.values[value] += 1
            else:
                raise ProfileError(
                    f"`{self.name}` is neither numeric nor a category: {_MOST_DISTINCT:,} texts and more"
                )

    def _number(self, value: float) -> None:
        if not self.numbers:
            self.shift = value if math.isfinite(value) else 0.0
        self.numbers += 1
        if math.isfinite(value):
            self.low, self.high = min(self.low, value), max(self.high, value)
            self.total += value - self.shift
            self.squares += (value - self.shift) ** 2
        if len(self.kept) < KEPT:
            self.kept.append(value)
        elif (at := self._draw.randrange(self.numbers)) < KEPT:
            self.kept[at] = value

    def signal(self, function: str, hashed: Hashed) -> Signal:
        """Return the signal with its bins, whose counts are not there yet."""
        if not self.seen:
            raise ProfileError(f"`{self.name}` holds no value")
        if self.numbers == self.seen:
            return self._numeric()
        if self.numbers:
            raise ProfileError(f"`{self.name}` holds numbers and texts: expected one of both")
        if len(self.values) > max(0.5 * self.seen, 2 * MOST_LABELS):
            text = f"{len(self.values):,} distinct texts in {self.seen:,} values"
            raise ProfileError(f"`{self.name}` is neither numeric nor a category: {text}")
        common = self.values.most_common(MOST_LABELS)
        top = [value for value, count in common if count >= LEAST_COUNT]
        labels = tuple(label_of(value, function, hashed) for value in top)
        return Signal("category", (0,) * (len(labels) + 1), labels=labels)

    def _numeric(self) -> Signal:
        kept, n = sorted(self.kept), self.numbers

        def at(share: float) -> float:
            value: float = kept[min(int(share * len(kept)), len(kept) - 1)]
            return value

        edges = set[float]()
        for edge in {at(number / BINS) for number in range(1, BINS)}:
            above = bisect_right(kept, edge)
            edges.add(edge)
            if above < len(kept) and above - bisect_left(kept, edge) >= len(kept) / BINS:
                edges.add(kept[above])  # (a value of so many has a bin of its own)
        edges -= {-math.inf, math.inf}
        mean = self.total / n
        std = math.sqrt(max(self.squares / n - mean * mean, 0.0))
        numbers = {"min": self.low, "max": self.high, "mean": mean + self.shift, "std": std}
        shown: dict[str, Any] = {
            key: float(f"{value:.12g}") for key, value in numbers.items() if math.isfinite(value)
        }
        shown["quantiles"] = {
            str(share): float(f"{at(share):.12g}")
            for share in QUANTILES
            if math.isfinite(at(share))
        }
        return Signal(
            "number", (0,) * (len(edges) + 1), edges=tuple(sorted(edges)), statistics=shown
        )


def build(
    batches: Batches, *, function: str, made: str, hashed: Hashed = "function"
) -> DataProfile:
    """Return the profile of the data that *batches* gives."""
    columns: dict[str, _Column] = {}
    rows = 0
    for batch in batches():
        for name, values in batch.items():
            columns.setdefault(name, _Column(name)).take(flat(map(plain, values)))
        rows += len(next(iter(batch.values()), ()))
    empty = {name: column.signal(function, hashed) for name, column in columns.items()}
    profile = DataProfile(function, empty, rows, made, hashed)
    windows = {name: _Windows(signal, profile) for name, signal in empty.items()}
    for batch in batches():
        for name, values in batch.items():
            windows[name].take(flat(map(plain, values)))
    return replace(profile, signals={name: of.signal() for name, of in windows.items()})


class _Windows:
    """Counts one signal, and the windows of the data themselves."""

    def __init__(self, signal: Signal, profile: DataProfile) -> None:
        self._signal, self._binner = signal, Binner(signal, profile)
        self._all = BinTally(self._binner.size)
        self._size = SIZES[0]
        self._parts: list[list[int]] = []
        self._open = BinTally(self._binner.size)

    def take(self, values: Sequence[Any]) -> None:
        """Count *values*, in the order of the data; what is kept is bounded: windows grow."""
        bins, at = self._binner.bins(values), 0
        self._all.add(bins, of_numbers=self._binner.of_numbers)
        while at < len(bins):
            part = bins[at : at + self._size - self._open.n]
            self._open.add(part, of_numbers=self._binner.of_numbers)
            at += len(part)
            if self._open.n >= self._size:
                self._parts.append(self._open.counts)
                self._open = BinTally(self._binner.size)
        if len(self._parts) >= _MOST_PARTS:
            pairs = zip(self._parts[::2], self._parts[1::2], strict=False)
            self._parts = [[*map(add, *pair)] for pair in pairs]
            self._size *= 2

    def signal(self) -> Signal:
        """Return the signal with all that is known of it."""
        lag1 = self._all.lag1(of_numbers=self._binner.of_numbers)
        counts = tuple(self._all.counts)
        null_psi = {size: psi for size in SIZES if (psi := self._largest(size)) is not None}
        return replace(
            self._signal, counts=counts[:-1], nulls=counts[-1], lag1=lag1, null_psi=null_psi
        )

    def _largest(self, size: int) -> float | None:
        """Return the largest index between a window of *size* and the rest; None for too few."""
        step = size // self._size
        if not step:
            return None
        groups = zip(*(self._parts[at::step] for at in range(step)), strict=False)
        windows = [[*map(sum, zip(*group, strict=True))] for group in groups]
        if len(windows) < 5:
            return None
        return max(compare(one, [*map(sub, self._all.counts, one)]).psi for one in windows)
