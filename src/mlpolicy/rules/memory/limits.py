"""What limits the memory of this process, and how much of it is in use.

That are its cgroups, from its own up to the root (of version 1, version 2, or both), what `ulimit`
says, and the machine: in a container the one that the container runs on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mlpolicy.core import clock
from mlpolicy.core.quantity import ByteSize, QuantityError
from mlpolicy.core.report import say_once, told

LIMIT_VARIABLE = "MLPOLICY_MEMORY_LIMIT"
ROOT_VARIABLE = "MLPOLICY_CGROUP_ROOT"
LOOK_AGAIN = 1.0
"""Seconds after which limits are looked for anew: they may be raised or lowered, and the process
moved into another cgroup, while it runs."""
PROC = Path("/proc/self")
_SIZE, _RESIDENT, _DATA = 0, 1, 5
"""Where they stand in `statm`, in pages."""
_UNLIMITED = 1 << 60
"""Version 1 says "no limit" as the largest number of whole pages, which differs by page size."""
_ABOVE = b"hierarchical_memory_limit"
"""In version 1 the tightest limit up the tree, even where a container does not show the tree."""


class MemoryReading(NamedTuple):
    """What is in use, and how much there is, in bytes."""

    used: int
    limit: int
    of: str
    """Whose memory it is: `the machine`, `cgroup /jobs`."""

    @property
    def share(self) -> float:
        """The part of the limit that is in use."""
        return self.used / self.limit


class Bound(NamedTuple):
    """One thing that limits this process: how much, and how to ask what is used of it."""

    limit: int
    used: Callable[[], int]
    of: str

    def read(self) -> MemoryReading:
        """Return what is in use at this moment; OSError or ValueError where its file has gone."""
        return MemoryReading(self.used(), self.limit, self.of)


class Limits:
    """Everything that limits this process; it reads the one that is nearest to its end.

    Of cgroups the fullest counts, for each of them kills by itself.
    A size that was given is held against what the nearest cgroup with a limit uses, so that
    all workers of a container count; without one, against this process.
    The machine counts where nothing limits the process more.
    """

    def __init__(
        self,
        given: int | None = None,
        measure: str = "nonreclaimable",
        *,
        environ: Mapping[str, str] = os.environ,
        proc: Path = PROC,
        machine: Callable[[], Bound | None] | None = None,
        now: clock.Clock = clock.REAL,
    ) -> None:
        self._given = min(filter(None, (given, _from_environment(environ))), default=None)
        self._measure = measure
        self._root = Path(environ.get(ROOT_VARIABLE) or "/sys/fs/cgroup")
        self._proc = proc
        self._machine = machine or whole_machine
        self._now = now
        self._bounds: tuple[Bound, ...] = ()
        self._due = float("-inf")

    def read(self) -> MemoryReading | None:
        """Return the reading that is nearest to its limit; None where nothing can be read."""
        if self._now() >= self._due:
            self._look()
        readings: list[MemoryReading] = []
        for bound in self._bounds:
            try:
                readings.append(bound.read())
            except (OSError, ValueError) as error:
                _lost(error)
                self._due = float("-inf")
        if readings:
            return max(readings, key=attrgetter("share"))
        machine = self._machine()
        return machine.read() if machine else None

    def _look(self) -> None:
        before = {bound.of for bound in self._bounds}
        self._bounds = tuple(self._find())
        self._due = self._now() + LOOK_AGAIN
        for name in sorted(before - {bound.of for bound in self._bounds}):
            path = name.removeprefix("cgroup ")
            if path != name and not Path(path, "memory.stat").exists():
                _lost(FileNotFoundError(path))

    def _find(self) -> list[Bound]:
        process, machine = Process(self._proc), self._machine()
        most = float("inf") if machine is None else machine.limit
        found = cgroups(self._root, self._proc, self._measure)
        groups = [bound for bound in found if bound.limit < most]
        if self._measure == "rss":
            groups = [bound._replace(used=process.resident) for bound in groups]
        bounds = [*groups, *process.limits()]
        if self._given is not None and self._given < most:
            used = groups[0].used if groups else process.resident
            return [*bounds, Bound(self._given, used, "the given limit")]
        return bounds if groups or machine is None else [*bounds, machine]


def _lost(error: Exception) -> None:
    say_once("memory:cgroup", f"a memory cgroup cannot be read ({told(error)}); others are used")


def _from_environment(environ: Mapping[str, str]) -> int | None:
    text = environ.get(LIMIT_VARIABLE, "").strip()
    try:
        return int(ByteSize.of(text)) if text else None
    except QuantityError as error:
        say_once("memory:limit", f"{LIMIT_VARIABLE} is ignored: {error}")
        return None


# --- the machine and the process ------------------------------------------------------


def whole_machine() -> Bound | None:
    """Return the machine's memory; None where psutil is not there to ask."""
    try:
        import psutil
    except ImportError:
        say_once("memory:psutil", "psutil is missing: memory rules cannot see the whole machine")
        return None

    def used() -> int:
        memory = psutil.virtual_memory()
        return int(memory.total - memory.available)

    return Bound(int(psutil.virtual_memory().total), used, "the machine")


class Process:
    """The memory of this process, as the kernel counts it; `/proc/self` is whoever opens it."""

    def __init__(self, proc: Path = PROC) -> None:
        self._statm = proc / "statm"

    def resident(self) -> int:
        """Return what stands in memory."""
        if self._statm.exists():
            return self._counted(_RESIDENT)
        import psutil

        return int(psutil.Process().memory_info().rss)

    def _counted(self, at: int) -> int:
        return int(self._statm.read_bytes().split()[at]) * os.sysconf("SC_PAGE_SIZE")

    def limits(self) -> Iterator[Bound]:
        """Yield what `ulimit` bounds, each with what is counted against it."""
        if not self._statm.exists():  # (other systems than Linux do not keep it)
            return
        import resource

        for name, at in (("RLIMIT_AS", _SIZE), ("RLIMIT_DATA", _DATA)):
            soft, _ = resource.getrlimit(getattr(resource, name))
            if soft not in (resource.RLIM_INFINITY, 0):
                yield Bound(soft, partial(self._counted, at), name)


# --- cgroups --------------------------------------------------------------------------


class Version(NamedTuple):
    """How one version of cgroups names its files."""

    limits: tuple[str, ...]
    usage: str
    prefix: bytes
    """What stands before the names of kinds of cached files in `memory.stat`."""


# Above `memory.high` the kernel slows the process down until nothing moves: a limit, too.
V2 = Version(("memory.max", "memory.high"), "memory.current", b"")
V1 = Version(("memory.limit_in_bytes",), "memory.usage_in_bytes", b"total_")


def cgroups(root: Path, proc: Path, measure: str) -> Iterator[Bound]:
    """Yield each cgroup with a limit, the process's own first."""
    for version, mount, path in _memberships(root, proc):
        if mount.is_dir():
            own = _within(mount, PurePosixPath(path))
            for directory in (own, *own.parents):
                yield from _bounds(version, directory, measure, own=directory == own)
                if directory == mount:
                    return


def _memberships(root: Path, proc: Path) -> list[tuple[Version, Path, str]]:
    """Return where the cgroup of the process may be mounted, and its path there."""
    try:
        text = (proc / "cgroup").read_text(errors="surrogateescape")
    except OSError:
        return []
    lines = [line.split(":", 2)[1:] for line in text.splitlines() if line.count(":") >= 2]
    # A hybrid mount has both; the version whose line names the controller is in charge.
    legacy = [line for line in lines if "memory" in line[0].split(",")]
    unified = [line for line in lines if not line[0]]
    places = [(V1, root / name, path) for names, path in legacy for name in ("memory", names)]
    return places + [(V2, root / name, path) for _, path in unified for name in ("unified", "")]


def _within(mount: Path, path: PurePosixPath) -> Path:
    """Return the directory of *path*.

    In a container the path may be that on the machine while the mount shows the container's
    part alone: leading names are dropped until the rest is there.
    """
    parts = path.relative_to("/").parts if path.is_absolute() else path.parts
    # (`..` is in that of a process that was put outside of its cgroup namespace)
    starts = () if ".." in parts else range(len(parts))
    directories = (mount.joinpath(*parts[start:]) for start in starts)
    return next((directory for directory in directories if directory.is_dir()), mount)


def _bounds(version: Version, directory: Path, measure: str, *, own: bool) -> Iterator[Bound]:
    limits = [_limit(directory / name) for name in version.limits]
    usage, stat = directory / version.usage, directory / "memory.stat"
    try:
        usage.read_bytes()
        text = stat.read_bytes()
    except OSError:
        return  # the root, or a cgroup without the controller: it has neither limit nor usage
    if own and version is V1:
        limits.append(_number(text, _ABOVE))
    limit = min((limit for limit in limits if limit is not None), default=_UNLIMITED)
    names = [b"inactive_file"] if measure == "workingset" else [b"inactive_file", b"active_file"]

    def used() -> int:
        """Return the usage less the cached files, which the kernel drops when in need."""
        text = stat.read_bytes()
        cached = sum(_number(text, version.prefix + name) or 0 for name in names)
        return max(int(usage.read_bytes()) - cached, 0)

    if limit < _UNLIMITED:
        yield Bound(max(limit, 1), used, f"cgroup {directory}")


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
        return None if text == "max" else int(text)
    except (OSError, ValueError):
        return None


def _number(text: bytes, name: bytes) -> int | None:
    """Return the number on the line of *name*."""
    found = re.search(rb"^%s (\d+)" % name, text, re.MULTILINE)
    return int(found[1]) if found else None
