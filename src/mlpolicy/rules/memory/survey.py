"""Everything that limits this process, and which of it is nearest to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from mlpolicy.core import clock
from mlpolicy.core.report import say_once
from mlpolicy.rules.memory.probes import Bound, Reading, cgroup, host, limit
from mlpolicy.rules.memory.probes.process import Process

LOOK_AGAIN = 1.0
"""Seconds after which limits are looked for anew: they may be raised or lowered, and the process
moved into another cgroup, while it runs."""
PROC = Path("/proc/self")


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
        self._given = limit.given(given, environ)
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
        readings = [one for bound in self._bounds if (one := self._safely(bound))]
        if readings:
            return max(readings, key=_share)
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
        before = {one.of for one in self._bounds}
        self._bounds = tuple(self._find())
        self._due = self._now() + LOOK_AGAIN
        gone = before - {one.of for one in self._bounds}
        for name in sorted(gone):
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
            one
            for one in cgroup.bounds(self._root, self._proc, self._measure)
            if most is None or one.limit < most
        ]
        if self._measure == "rss":
            groups = [one._replace(used=process.resident) for one in groups]
        found = [*groups, *limit.of_process(process)]
        if self._given is not None and (most is None or self._given < most):
            found.append(Bound(self._given, _counted(groups, process), "the given limit"))
            return found
        return found if groups or machine is None else [*found, machine]


def _counted(groups: list[Bound], process: Process) -> Callable[[], int]:
    return groups[0].used if groups else process.resident


def _share(reading: Reading) -> float:
    return reading.share
