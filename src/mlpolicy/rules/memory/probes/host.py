"""The machine as a whole, and this process where no `/proc` tells of it: the door to psutil.

In a container this is the machine that the container runs on, whatever the container may use.
"""

from __future__ import annotations

from mlpolicy.core.report import say_once
from mlpolicy.rules.memory.probes import Bound


def bound() -> Bound | None:
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


def resident() -> int:
    """Return the memory of this process."""
    import psutil

    return int(psutil.Process().memory_info().rss)
