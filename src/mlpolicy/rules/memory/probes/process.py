"""This process: its memory as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path

from mlpolicy.rules.memory.probes import Kept, host

_SIZE, _RESIDENT, _DATA = 0, 1, 5
"""Where they stand in `statm`, in pages."""


class Process:
    """The memory of this process.

    `/proc/self` is whoever opened it: after a fork this must be made anew.
    """

    def __init__(self, proc: Path = Path("/proc/self")) -> None:
        self._statm = _kept(proc / "statm")
        self._page = os.sysconf("SC_PAGE_SIZE") if self._statm else 0

    @property
    def counts_addresses(self) -> bool:
        """Whether `size` and `data` are known."""
        return self._statm is not None

    def resident(self) -> int:
        """Return what stands in memory."""
        return host.resident() if self._statm is None else self._field(self._statm, _RESIDENT)

    def size(self) -> int:
        """Return the address space in use, which `RLIMIT_AS` bounds."""
        assert self._statm is not None
        return self._field(self._statm, _SIZE)

    def data(self) -> int:
        """Return the private writable part of it, which `RLIMIT_DATA` bounds."""
        assert self._statm is not None
        return self._field(self._statm, _DATA)

    def _field(self, statm: Kept, at: int) -> int:
        return int(statm.read().split()[at]) * self._page


def _kept(path: Path) -> Kept | None:
    try:
        return Kept(path)
    except (OSError, AttributeError):  # (no /proc; and Windows knows no O_CLOEXEC)
        return None
