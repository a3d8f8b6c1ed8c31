"""Signals of recorded calls: what an event tells, in the meaning that it has where drift is watched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from mlpolicy.rules.monitor.drift.build import Batches
from mlpolicy.rules.monitor.drift.profile import ProfileError
from mlpolicy.rules.monitor.drift.signals import MOST_ELEMENTS, SUMMARIES, SignalPath
from mlpolicy.rules.monitor.drift.watches import RESULT
from mlpolicy.rules.monitor.recorded import RecordFile, Wanted
from mlpolicy.rules.monitor.summary import REDACTED

UNKNOWN: Final = ()
"""In place of a value that an event does not tell: it counts for nothing."""
ROWS: Final = 10_000
"""Events that are in memory at one time."""
_ALONE: Final = ("int", "float", "bool", "NoneType")
"""Types of values that have no elements."""
_NOT_TOLD: Final = (
    "an event has the numbers of whole arguments and of the result, with `log: {inputs: statistics}`, "
    "and no key, no element, no text and nothing of what is redacted: make the profile of --data"
)
Said = Mapping[str, Any]


def batches(record: RecordFile, wanted: Wanted, signals: Sequence[str]) -> Batches:
    """Return the columns of *signals* in the calls that are *wanted*, the oldest first."""
    paths = {name: SignalPath.parse(name) for name in signals}
    end, _ = record.after(0, replace(wanted, where=("0", ())))

    def read() -> Iterator[Mapping[str, Sequence[Any]]]:
        told, offered = set[str](), set[str]()
        for start in range(0, end, ROWS):
            stop = min(start + ROWS, end)
            _, events = record.after(start, replace(wanted, where=("id <= ?", (stop,))))
            columns = {name: [cell(one, path) for one in events] for name, path in paths.items()}
            told.update(name for name, cells in columns.items() if {*cells} - {UNKNOWN})
            offered.update(chain.from_iterable(map(_offered, events[:100])))
            yield columns
        _check(record.path, [name for name in paths if name not in told], offered)

    return read


def _check(path: str, lost: Sequence[str], offered: Iterable[str]) -> None:
    """Raise a `ProfileError` where the record tells nothing of a signal."""
    if lost and not offered:
        raise ProfileError(f"`{path}` tells nothing of calls of that function and time")
    if lost:
        names, there = (", ".join(f"`{one}`" for one in each) for each in (lost, sorted(offered)))
        raise ProfileError(f"the record tells no {names}; there are {there}: {_NOT_TOLD}")


def _offered(event: Said) -> Iterator[str]:
    """Yield the signals that *event* tells."""
    for base in (*event.get("input", ()), RESULT):
        said = _said(event, base)
        columns = [f"{base}.{name}:nulls" for name in said.get("nulls", ())]
        for name in (base, *(f"{base}:{one}" for one in SUMMARIES), *columns):
            if cell(event, SignalPath.parse(name)) not in (UNKNOWN, None):
                yield name


def _said(event: Said, base: str) -> Said:
    found = event.get("output") if base == RESULT else event.get("input", {}).get(base)
    return found if isinstance(found, dict) and "type" in found else {}


def cell(event: Said, path: SignalPath) -> Any:
    """Return the value of the signal at *path* in a call; None where it has none."""
    said = _said(event, path.base)
    if path.steps:
        nulls = said.get("nulls", {})
        known = len(path.steps) == 1 and path.summary == "nulls" and path.steps[0] in nulls
        return _share(nulls[path.steps[0]], _length(said)) if known else UNKNOWN
    if not path.summary:
        return _whole(said)
    if said.get("type") in _ALONE and "shape" not in said:
        return None
    length = _length(said)
    if path.summary == "len":
        return UNKNOWN if length is None else length
    if "nan" not in said:
        return None if length == 0 else UNKNOWN
    return _share(said["nan"], length) if path.summary == "nulls" else said.get(path.summary)


def _whole(said: Said) -> Any:
    """Return the number, the truth value or the text that was *said* to be an argument or result."""
    kind, label = said.get("type"), said.get("label")
    if kind == "NoneType":
        return None
    if "nan" in said and (kind in _ALONE or said.get("shape") == []):
        if said["nan"]:
            return None
        number = said.get("min", UNKNOWN)  # (that of an infinity is not told)
        return number == 1 if "bool" in (kind, said.get("dtype")) else number
    if kind == "bool" and label is not None:
        return label == "true"
    is_text = kind in ("str", "str_") and label is not None and REDACTED not in label
    return label if is_text else UNKNOWN


def _length(said: Said) -> int | None:
    """Return how many elements there are, of a frame how many rows."""
    shape = said.get("shape")
    if shape is None:
        return said.get("len")
    return math.prod(shape) if "dtype" in said else shape[0]


def _share(rounded: float, length: int | None) -> float | None:
    """Return a share of nulls in the sample of *length* values as it was before it was rounded."""
    sample = len(range(0, length or 0, -(-(length or 0) // MOST_ELEMENTS) or 1))
    return round(rounded * sample) / sample if sample else None
