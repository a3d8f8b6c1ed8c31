"""The profile of a function: what each of its signals looked like in data that is known to be good.

A JSON file, `mlpolicy.profile/1`, that people can read and review; it holds no row of the data.
"""

from __future__ import annotations

import json
import math
import os
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any, Final, Literal

from mlpolicy.rules.monitor.drift.signals import is_null
from mlpolicy.rules.monitor.drift.statistics import Comparison, compare

SCHEMA: Final = "mlpolicy.profile/1"
KEY_VARIABLE: Final = "MLPOLICY_PROFILE_KEY"
OTHER: Final = "(other)"
NULL: Final = "(null)"
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_MOST_KNOWN: Final = 10_000
"""Values whose bin is remembered."""


class ProfileError(Exception):
    """A profile is not there, or not one that can be used."""


@dataclass(frozen=True)
class Signal:
    """What one signal looked like."""

    type: Literal["number", "category"]
    counts: tuple[int, ...]
    """Of each bin; a category's last is of all values that have none of their own."""
    nulls: int = 0
    edges: tuple[float, ...] = ()
    """Between the bins of numbers: a value that is one belongs to the bin above."""
    labels: tuple[str, ...] = ()
    """Of the bins of categories: keyed hashes, or the values themselves."""
    statistics: Mapping[str, Any] = field(default_factory=dict)
    """Of numbers: min, max, mean, std and quantiles."""
    lag1: float = 0.0
    """Autocorrelation of neighbours, in the order of the data."""
    null_psi: Mapping[int, float] = field(default_factory=dict)
    """The largest index between a window of the data itself and the rest, by the size of windows."""

    @property
    def bins(self) -> tuple[int, ...]:
        """The counts, those of nulls last."""
        return (*self.counts, self.nulls)

    def names(self) -> list[str]:
        """Return what each bin is called."""
        if self.type == "category":
            return [*self.labels, OTHER, NULL]
        bounds = [-math.inf, *self.edges, math.inf]
        return [*(f"{low:.4g} to {high:.4g}" for low, high in pairwise(bounds)), NULL]

    def own_psi(self, size: int) -> float:
        """Return the index that windows of about *size* of the reference itself come to."""
        if not self.null_psi:
            return 0.0
        known = sorted(self.null_psi)
        of = known[max(bisect_right(known, size) - 1, 0)]  # (smaller ones differ more)
        return self.null_psi[of] * max(of / max(size, 1), 1.0)

    def beside(self, window: Sequence[int], lag1: float = 0.0) -> Comparison:
        """Return how far *window*, counts of the same bins, is from it."""
        return compare(window, self.bins, (max(lag1, self.lag1), self.lag1))


@dataclass(frozen=True)
class DataProfile:
    """The signals of one function."""

    function: str
    signals: Mapping[str, Signal]
    rows: int
    made: str
    hashed: Literal["function", "variable", "plain"] = "function"
    """What keys the hashes of categories: the name of the function, or a variable of the process."""

    def text(self) -> str:
        """Return it as the JSON of its file: one line for each list, the same order each time."""
        head = {"schema": SCHEMA, "function": self.function, "made": self.made, "rows": self.rows}
        head |= {"hashed": self.hashed}
        signals = _object({name: _block(one) for name, one in self.signals.items()}, "  ")
        written = {key: json.dumps(value) for key, value in head.items()} | {"signals": signals}
        return f"{_object(written, '')}\n"

    def digest(self) -> str:
        """Return what tells it from every other."""
        return blake2b(self.text().encode(), digest_size=8).hexdigest()

    def label(self, value: Any) -> str:
        """Return how the category *value* is written."""
        return label_of(value, self.function, self.hashed)


def label_of(value: Any, function: str, hashed: str) -> str:
    """Return how the category *value* is written: as it is, or a hash keyed by one of two things."""
    if hashed == "plain":
        return str(value)
    key = os.environ.get(KEY_VARIABLE, "") if hashed == "variable" else function
    if not key:
        raise ProfileError(
            f"its categories are hashed with the key in {KEY_VARIABLE}, which is not set"
        )
    keyed = blake2b(key.encode(), digest_size=32).digest()
    return blake2b(str(value).encode(errors="replace"), key=keyed, digest_size=6).hexdigest()


def _block(one: Signal) -> str:
    shown: dict[str, Any] = {"type": one.type, "count": sum(one.counts), "nulls": one.nulls}
    shown |= one.statistics
    shown |= {"edges": one.edges} if one.type == "number" else {"labels": one.labels}
    shown |= {"counts": one.counts, "lag1": round(one.lag1, 4)}
    shown["null_psi"] = {str(size): round(psi, 5) for size, psi in one.null_psi.items()}
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in shown.items()}
    return _object(texts, "    ")


def _object(texts: Mapping[str, str], indent: str) -> str:
    """Return a JSON object of these *texts* of values."""
    pairs = ((json.dumps(key, ensure_ascii=False), text) for key, text in texts.items())
    return "{\n" + ",\n".join(f"{indent}  {key}: {text}" for key, text in pairs) + f"\n{indent}}}"


def load(path: Path) -> DataProfile:
    """Return the profile at *path*, or raise a `ProfileError`."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProfileError(f"there is no profile `{path}`; `mlpolicy profile` makes one") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ProfileError(f"the profile `{path}` cannot be read: {reason}") from None
    schema = written.get("schema") if isinstance(written, dict) else None
    if schema != SCHEMA:
        found = f"`{str(schema)[:50]}`" if schema else "no profile"
        raise ProfileError(
            f"`{path}` is {found}, expected `{SCHEMA}`: make it anew with `mlpolicy profile`"
        )
    try:
        signals = {name: _signal(one) for name, one in written["signals"].items()}
        function, made = str(written["function"]), str(written["made"])
        profile = DataProfile(function, signals, int(written["rows"]), made, written["hashed"])
        profile.label("")
    except ProfileError as error:
        raise ProfileError(f"the profile `{path}` cannot be used: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{type(error).__name__}: {str(error)[:100]}"
        raise ProfileError(f"the profile `{path}` is damaged ({what}): make it anew") from None
    return profile


def _signal(written: Mapping[str, Any]) -> Signal:
    edges = tuple(map(float, written.get("edges", ())))
    labels = tuple(map(str, written.get("labels", ())))
    counts = tuple(map(int, written["counts"]))
    agree = len(counts) == len(edges) + len(labels) + 1 <= 255
    if written["type"] not in ("number", "category") or not agree:
        raise ValueError("type, counts and bins do not agree")
    if list(edges) != sorted(set(edges)) or min(counts) < 0:
        raise ValueError("its bins do not ascend, or a count is negative")
    known = {"type", "count", "nulls", "edges", "labels", "counts", "lag1", "null_psi"}
    statistics = {key: value for key, value in written.items() if key not in known}
    null_psi = {int(size): float(psi) for size, psi in written["null_psi"].items()}
    nulls, lag1 = int(written["nulls"]), float(written["lag1"])
    return Signal(written["type"], counts, nulls, edges, labels, statistics, lag1, null_psi)


def found_from(path: str, source: str) -> Path:
    """Return where *path* of a policy is: beside the policy file, else in the working directory.

    *source* is the policy's `file:line`, or its file.
    """
    file = source.rpartition(":")[0] if source.rpartition(":")[2].isdigit() else source
    beside = Path(file).parent / path
    return Path(path) if not beside.exists() and Path(path).exists() else beside


# --- bins -----------------------------------------------------------------------------


class Binner:
    """Finds the bins of values, in bulk; the last bin is of nulls."""

    def __init__(self, signal: Signal, profile: DataProfile) -> None:
        self.size = len(signal.bins)
        self.of_numbers = signal.type == "number"
        self._edges, self._null = signal.edges, self.size - 1
        self._labels = {label: at for at, label in enumerate(signal.labels)}
        self._label = profile.label
        self._known: dict[Any, int] = {}

    def bins(self, values: Sequence[Any]) -> bytes:
        """Return the bin of each of *values*; those in tuples are values too."""
        if self.of_numbers:
            try:
                total = sum(values)  # (one step, which finds what is no number, and NaN)
                if total == total:  # noqa: PLR0124 (NaN is not itself)
                    return bytes(map(bisect_right, repeat(self._edges), values))
            except (TypeError, OverflowError):
                pass
            return bytes(map(self._number, flat(values)))
        try:
            return bytes(map(self._known.__getitem__, values))
        except KeyError:
            return bytes(map(self._category, flat(values)))

    def _number(self, value: Any) -> int:
        is_number = isinstance(value, (int, float)) and not is_null(value)
        return bisect_right(self._edges, value) if is_number else self._null

    def _category(self, value: Any) -> int:
        if value not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            other = self._null - 1
            at = self._null if is_null(value) else self._labels.get(self._label(value), other)
            self._known[value] = at
        return self._known[value]


def flat(values: Iterable[Any]) -> list[Any]:
    """Return *values*, and in place of tuples what is in them."""
    each = ((value if isinstance(value, tuple) else (value,)) for value in values)
    return [value for group in each for value in group]


# --- merging --------------------------------------------------------------------------


def merged(first: DataProfile, second: DataProfile) -> DataProfile:
    """Return the profile of the data of both; numbers of the second are spread over the first's bins."""
    if (first.function, first.hashed) != (second.function, second.hashed):
        a, b = (f"{one.function} ({one.hashed})" for one in (first, second))
        raise ProfileError(
            f"profiles of one function and one way to hash can be merged; these are {a}, {b}"
        )
    signals = dict(first.signals)
    for name, theirs in second.signals.items():
        mine = signals.get(name)
        if mine is not None and mine.type != theirs.type:
            raise ProfileError(f"`{name}` is a {mine.type} in one, a {theirs.type} in the other")
        signals[name] = theirs if mine is None else _both(mine, theirs)
    made = max(first.made, second.made)
    return DataProfile(first.function, signals, first.rows + second.rows, made, first.hashed)


def on_bins_of(mine: Signal, theirs: Signal) -> tuple[Signal, tuple[int, ...]]:
    """Return *mine*, with the categories that only *theirs* has, and the counts of theirs on its bins."""
    if mine.type == "category":
        new = tuple(label for label in theirs.labels if label not in mine.labels)
        zeros = (0,) * len(new)
        wider = replace(
            mine, labels=mine.labels + new, counts=(*mine.counts[:-1], *zeros, mine.counts[-1])
        )
        given = dict(zip((*theirs.labels, OTHER), theirs.counts, strict=True))
        return wider, tuple(given.get(label, 0) for label in (*wider.labels, OTHER))
    if mine.edges == theirs.edges:
        return mine, theirs.counts
    return mine, spread(theirs, mine.edges)


def spread(one: Signal, edges: Sequence[float]) -> tuple[int, ...]:
    """Return how many values are between *edges*, those of each bin being spread evenly over it."""
    inner = one.edges or (0.0,)
    low = min(one.statistics.get("min", inner[0]), inner[0])
    high = max(one.statistics.get("max", inner[-1]), inner[-1])
    bounds = list(zip((low, *one.edges), (*one.edges, high), one.counts, strict=True))
    below = [
        round(sum(_share(edge, start, end) * count for start, end, count in bounds))
        for edge in edges
    ]
    return tuple(max(end - start, 0) for start, end in pairwise([0, *below, sum(one.counts)]))


def _share(edge: float, start: float, end: float) -> float:
    """Return which part of what lies from *start* to *end* is below *edge*."""
    return min(max((edge - start) / (end - start), 0.0), 1.0) if end > start else float(edge > end)


def _both(mine: Signal, theirs: Signal) -> Signal:
    mine, counts = on_bins_of(mine, theirs)
    beside = mine.beside((*counts, theirs.nulls))
    sizes = {*mine.null_psi, *theirs.null_psi}
    null = {
        size: max(mine.own_psi(size), theirs.own_psi(size), beside.psi) for size in sorted(sizes)
    }
    return replace(
        mine,
        counts=tuple(map(sum, zip(mine.counts, counts, strict=True))),
        nulls=mine.nulls + theirs.nulls,
        statistics=_pooled(mine, theirs),
        lag1=max(mine.lag1, theirs.lag1),
        null_psi=null,
    )


def _pooled(mine: Signal, theirs: Signal) -> dict[str, Any]:
    """Return min, max, mean and std of both; their quantiles are not known exactly, and left out."""
    a, b = mine.statistics, theirs.statistics
    if not a.get("std") or not b.get("std"):
        return dict(a or b)
    n, m = sum(mine.counts), sum(theirs.counts)
    mean = (a["mean"] * n + b["mean"] * m) / (n + m)
    parts = ((a, n), (b, m))
    variance = sum((one["std"] ** 2 + (one["mean"] - mean) ** 2) * of for one, of in parts) / (
        n + m
    )
    low, high = min(a["min"], b["min"]), max(a["max"], b["max"])
    return {"min": low, "max": high, "mean": mean, "std": math.sqrt(variance)}
