"""The files in which the processes of a service keep their numbers: read at once, and folded.

A process leaves its files behind. Those of the dead are added up in one file of each sort, whose
process is called `dead`, and leave: what the sums hold never goes back, and the folder does not
grow with restarts.

A new sum comes into place in one step, and bears behind its content the names of the files that
are in it: whoever finds such names removes these first, so none counts twice, wherever a fold was
cut off. Folds and scrapes hold the same lock, on the folder itself.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import fsum, isfinite
from pathlib import Path
from typing import Any, Final

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from mlpolicy.core import clock
from mlpolicy.core.report import say_once
from mlpolicy.rules.monitor.lanes import EXPORTER

if sys.platform != "win32":
    import fcntl

EVERY: Final = 5.0
"""Seconds between two folds of one process."""
PATIENCE: Final = 3.0
"""Seconds that a scrape waits for a fold or another scrape."""
YOUNG: Final = 10.0
"""Seconds in which a file may not yet be in the memory of the process that makes it."""
DEAD: Final = "dead"
SUMMED: Final = ("counter", "histogram", "summary")
LASTING: Final = (*SUMMED, "gauge_max", "gauge_min", "gauge_mostrecent", "gauge_sum")
"""What outlives its process; other gauges say nothing once it is gone."""

Rows = dict[str, tuple[float, float]]
"""Values by key, and the time of each; of a sum what its rounding has left out."""


def collect(folder: str) -> list[Any]:
    """Return what the processes of *folder* count together, the dead included.

    Raises:
        TimeoutError: Somebody holds the lock for too long.
    """
    with _whole(folder, PATIENCE) as mine:
        if not mine:
            raise TimeoutError(f"{folder} was locked for {PATIENCE:.0f} s")
        _fold(folder)
        files = [path for path in Path(folder).glob("*.db") if path.stat().st_size >= _HEAD.size]
        sums = [Path(folder, f"{kind}_all.draft") for kind in SUMMED]
        try:
            for kind, draft in zip(SUMMED, sums, strict=True):
                _write(draft, _added(kind, [path for path in files if _kind(path) == kind]))
            gauges = [str(path) for path in files if _kind(path) not in SUMMED]
            merge: Any = MultiProcessCollector.merge
            return list(merge([*gauges, *map(str, sums)]))
        finally:
            _remove(sums)


def fold(folder: str) -> None:
    """Add the files of dead processes to the sums, unless somebody else is at it."""
    with _whole(folder, 0.0) as mine:
        if mine:
            _fold(folder)


class Folding:
    """Folds the files of a folder, at times."""

    def __init__(self) -> None:
        self.folder = ""
        self._due = 0.0

    def begin(self, folder: str) -> None:
        """Fold the files of *folder* from now on, and let scrapes of the client wait meanwhile."""
        if sys.platform != "win32":
            self.folder = folder
            _share_the_lock()
            EXPORTER.every_round(self.turn)

    def turn(self) -> None:
        """Fold, if that is due."""
        if clock.REAL() >= self._due and os.path.isdir(self.folder):
            self._due = clock.REAL() + EVERY
            fold(self.folder)


FOLDING: Final = Folding()


# --- the lock ---------------------------------------------------------------------------

_held: set[int] = set()
"""Descriptors that hold the lock, or wait for it."""


@contextmanager
def _whole(folder: str, patience: float) -> Iterator[bool]:
    """Let nobody else change *folder*; give whether that could be had within *patience*."""
    descriptor = os.open(folder, os.O_RDONLY)
    _held.add(descriptor)
    try:
        mine = _taken(descriptor, clock.REAL() + patience)
        if mine:
            _remove(Path(folder).glob("*.draft"))
            for total in Path(folder).glob(f"*_{DEAD}.db"):
                _finish(total)
        yield mine
    finally:
        if descriptor in _held:  # (in a forked child it is closed)
            _held.discard(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # (what is closed alone may live on in a child)
            os.close(descriptor)


def _taken(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.REAL() >= until:
                return False
            time.sleep(0.005)
        else:
            return True


def _after_fork() -> None:
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _share_the_lock() -> None:
    """Let the client's own collector see no fold halfway: services have routes of their own."""
    kind: Any = MultiProcessCollector
    original = kind.collect
    if getattr(original, "mlpolicy_waits", False):
        return

    def collect(self: Any) -> Any:
        with _whole(self._path, PATIENCE):
            return original(self)

    collect.mlpolicy_waits = True  # type: ignore[attr-defined]  # (a mark)
    kind.collect = collect


# --- folding ----------------------------------------------------------------------------

_HEAD: Final = struct.Struct("i4x")
"""With which a file begins: how many of its bytes hold values."""


def _fold(folder: str) -> None:
    """Add up what is dead; the lock is held.

    It is known by the numbers of processes. Where the client has other names for them, the files of
    this very process show it: then nothing is folded.
    """
    here = Path(folder)
    if not any(here.glob(f"*_{os.getpid()}.db")):
        return
    gone: dict[str, list[Path]] = defaultdict(list)
    for path in here.glob("*.db"):
        number = path.stem.rpartition("_")[2]
        if number.isdigit() and not _lives(int(number), path):
            gone[_kind(path)].append(path)
    for kind, paths in gone.items():
        if kind in LASTING:
            _add(here / f"{kind}_{DEAD}.db", kind, paths)
        _remove(paths)


def _add(total: Path, kind: str, paths: Sequence[Path]) -> None:
    draft = total.with_suffix(".draft")
    _write(draft, _added(kind, [*([total] if total.exists() else ()), *paths]))
    with draft.open("r+b") as file:
        file.truncate(_used(draft))
        file.seek(0, os.SEEK_END)
        file.write(json.dumps([path.name for path in paths]).encode())
    draft.replace(total)
    _finish(total)


def _finish(total: Path) -> None:
    """Remove the files that *total* has in it, and then their names from it."""
    used = _used(total)
    with total.open("rb") as file:
        file.seek(used)
        names = file.read()
    if names:
        _remove(total.with_name(name) for name in json.loads(names))
        os.truncate(total, used)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _used(path: Path) -> int:
    with path.open("rb") as file:
        return int(_HEAD.unpack(file.read(_HEAD.size))[0])


def _kind(path: Path) -> str:
    return path.stem.rpartition("_")[0]


def _lives(number: int, path: Path) -> bool:
    """Whether the process of that *number* writes *path*: another may have got the number since."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    try:
        if time.time() - path.stat().st_mtime < YOUNG:
            return True
        end = f"/{path.name}\n".encode()
        with open(f"/proc/{number}/maps", "rb") as maps:
            return any(line.endswith(end) for line in maps)
    except OSError:  # (there is no such folder, or it is somebody else's)
        return True


def _added(kind: str, paths: Iterable[Path]) -> Rows:
    """Return the values of all *paths* together.

    Sums are exact, and rounded once: another order of the same parts must not give a little less,
    which would be a counter that goes back.
    """
    parts: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for path in paths:
        for key, value, moment in _read(path):
            parts[key].append((value, moment))
    if kind in (*SUMMED, "gauge_sum"):
        return {key: _sum([one for pair in pairs for one in pair]) for key, pairs in parts.items()}
    best = {"gauge_max": max, "gauge_min": min}.get(kind)
    if best is not None:
        return {key: best(values) for key, values in parts.items()}
    return {key: max(values, key=lambda one: one[1]) for key, values in parts.items()}


def _sum(parts: list[float]) -> tuple[float, float]:
    whole = fsum(parts)
    return whole, fsum([*parts, -whole]) if isfinite(whole) else 0.0


def _read(path: Path) -> list[tuple[str, float, float]]:
    read: Any = MmapedDict.read_all_values_from_file
    try:
        return [(key, value, moment) for key, value, moment, _ in read(str(path))]
    except (FileNotFoundError, struct.error):  # (its process has made it and not yet filled it)
        return []
    except (RuntimeError, ValueError) as error:
        say_once("metrics:unreadable", f"{path} is left out, it cannot be read: {error}")
        return []


def _write(path: Path, rows: Rows) -> None:
    made: Any = MmapedDict
    file = made(str(path))
    for key, (value, moment) in rows.items():
        file.write_value(key, value, moment)
    file.close()
