"""Everything that limits this process, and which of it is nearest to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path

from mlpolicy.core import clock
from mlpolicy.core.quantity import ByteSize, QuantityError
from mlpolicy.core.report import say_once
from mlpolicy.rules.memory.probes import Bound, Kept, Reading, cgroup, host

VARIABLE = "MLPOLICY_MEMORY_LIMIT"
LOOK_AGAIN = 1.0
"""Seconds after which limits are looked for anew: they may be raised or lowered, and the process
moved into another cgroup, while it runs."""
PROC = Path("/proc/self")
_SIZE, _RESIDENT, _DATA = 0, 1, 5
"""Where they stand in `statm`, in pages."""


class Process:
    """The memory of this process, as the kernel counts it.

    `/proc/self` is whoever opened it: after a fork this must be made anew.
    """

    def __init__(self, proc: Path = PROC) -> None:
        self._statm: Kept | None = None
        try:
            self._statm = Kept(proc / "statm")
            self._page = os.sysconf("SC_PAGE_SIZE")
        except (OSError, AttributeError):  # (no /proc; and Windows knows no O_CLOEXEC)
            pass

    def resident(self) -> int:
        """Return what stands in memory."""
        return host.resident() if self._statm is None else self._field(self._statm, _RESIDENT)

    def _field(self, statm: Kept, at: int) -> int:
        return int(statm.read().split()[at]) * self._page

    def limits(self) -> Iterator[Bound]:
        """Yield what `ulimit` bounds, each with what is counted against it."""
        if self._statm is None:
            return
        import resource

        for name, at in (("RLIMIT_AS", _SIZE), ("RLIMIT_DATA", _DATA)):
            soft, _ = resource.getrlimit(getattr(resource, name))
            if soft not in (resource.RLIM_INFINITY, 0):
                yield Bound(soft, partial(self._field, self._statm, at), name)


class Survey:
    """Reads what is in use.

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
        machine: Callable[[], Bound | None] = host.bound,
        now: clock.Clock = clock.now,
    ) -> None:
        self._given = min(filter(None, (given, _environment(environ))), default=None)
        self._measure = measure
        self._root = cgroup.root(environ)
        self._proc = proc
        self._machine = machine
        self._now = now
        self.reset()

    def reset(self) -> None:
        """Forget what was found; a forked child must look for itself."""
        self._bounds: tuple[Bound, ...] = ()
        self._due = float("-inf")

    def read(self) -> Reading | None:
        """Return the reading that is nearest to its limit; None where nothing can be read."""
        if self._now() >= self._due:
            self._look()
        readings = [reading for bound in self._bounds if (reading := self._safely(bound))]
        if readings:
            return max(readings, key=attrgetter("share"))
        machine = self._machine()
        return machine.read() if machine else None

    def _safely(self, bound: Bound) -> Reading | None:
        try:
            return bound.read()
        except (OSError, ValueError) as error:
            self._lost(error)
            self._due = float("-inf")
            return None

    def _look(self) -> None:
        before = {bound.of for bound in self._bounds}
        self._bounds = tuple(self._find())
        self._due = self._now() + LOOK_AGAIN
        for name in sorted(before - {bound.of for bound in self._bounds}):
            path = name.removeprefix("cgroup ")
            if path != name and not Path(path, "memory.stat").exists():
                self._lost(FileNotFoundError(path))

    def _lost(self, error: Exception) -> None:
        why = f"{type(error).__name__}: {error}"
        say_once("memory:cgroup", f"a memory cgroup cannot be read ({why}); others are used")

    def _find(self) -> list[Bound]:
        process = Process(self._proc)
        machine = self._machine()
        most = machine.limit if machine else None
        groups = [
            bound
            for bound in cgroup.bounds(self._root, self._proc, self._measure)
            if most is None or bound.limit < most
        ]
        if self._measure == "rss":
            groups = [bound._replace(used=process.resident) for bound in groups]
        bounds = [*groups, *process.limits()]
        if self._given is not None and (most is None or self._given < most):
            used = groups[0].used if groups else process.resident
            return [*bounds, Bound(self._given, used, "the given limit")]
        return bounds if groups or machine is None else [*bounds, machine]


def _environment(environ: Mapping[str, str]) -> int | None:
    text = environ.get(VARIABLE, "").strip()
    try:
        return int(ByteSize.of(text)) if text else None
    except QuantityError as error:
        say_once("memory:limit", f"{VARIABLE} is ignored: {error}")
        return None
