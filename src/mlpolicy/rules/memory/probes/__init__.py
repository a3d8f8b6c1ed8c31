"""What tells how much memory is in use, and how much there is: one module per outside thing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Reading(NamedTuple):
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

    def read(self) -> Reading:
        """Return what is in use at this moment.

        Raises:
            OSError: Its file has gone.
            ValueError: Its file says something else.
        """
        return Reading(self.used(), self.limit, self.of)


class Kept:
    """A file of the kernel, kept open: reading it costs one system call."""

    __slots__ = ("_descriptor",)

    def __init__(self, path: Path) -> None:
        self._descriptor = -1  # so that one that could not be opened can be thrown away
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> bytes:
        """Return what it says at this moment."""
        return os.pread(self._descriptor, 1 << 14, 0)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
