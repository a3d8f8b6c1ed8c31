"""What a module starts while it is imported: threads, processes, sockets."""

from __future__ import annotations

import os
import sys
import threading

from mlpolicy.core.frozen import frozen

OURS = "mlpolicy-"
_DESCRIPTORS = "/proc/self/fd"


@frozen()
class Running:
    """What runs at one moment."""

    threads: frozenset[int]
    processes: frozenset[int]
    sockets: frozenset[str]

    @classmethod
    def now(cls) -> Running:
        """Return what runs at this moment; sockets can be seen on Linux alone."""
        threads = (one.ident or 0 for one in threading.enumerate() if not one.name.startswith(OURS))
        return cls(frozenset(threads), frozenset(_children()), frozenset(_sockets()))

    def since(self, before: Running) -> str:
        """Return in words what runs now and did not before; nothing where nothing does."""
        new = {
            "thread": len(self.threads - before.threads),
            "process": len(self.processes - before.processes),
            "socket": len(self.sockets - before.sockets),
        }
        return ", ".join(_counted(number, what) for what, number in new.items() if number)


def _counted(number: int, what: str) -> str:
    ending = "" if number == 1 else "es" if what.endswith("s") else "s"
    return f"{number} {what}{ending}"


def _children() -> list[int]:
    if "multiprocessing" not in sys.modules:
        return []
    import multiprocessing

    return [one.pid or 0 for one in multiprocessing.active_children()]


def _sockets() -> list[str]:
    try:
        names = os.listdir(_DESCRIPTORS)
    except OSError:
        return []
    found: list[str] = []
    for name in names:
        try:
            leads = os.readlink(f"{_DESCRIPTORS}/{name}")
        except OSError:  # (closed by now: that of the listing itself)
            continue
        if leads.startswith("socket:"):
            found.append(leads)
    return found
