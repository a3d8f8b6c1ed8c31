"""Where distributions are installed; it imports nothing, since every process starts with it."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

DISABLED = "MLPOLICY_DISABLE_PLUGINS"
"""A variable that, when it says anything, leaves all plugins out."""
METADATA = (".dist-info", ".egg-info")


def homes() -> Iterator[str]:
    """Yield the folders of `sys.path` in which distributions are installed."""
    if os.environ.get(DISABLED):
        return
    for folder in dict.fromkeys(sys.path):
        try:
            with os.scandir(folder or ".") as entries:
                if any(entry.name.endswith(METADATA) for entry in entries):
                    yield folder
        except OSError:
            continue


def stamps() -> tuple[tuple[str, int], ...]:
    """Return what changes when a distribution is installed, replaced or removed."""
    return tuple((folder, os.stat(folder or ".").st_mtime_ns) for folder in homes())
