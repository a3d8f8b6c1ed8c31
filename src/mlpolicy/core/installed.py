"""Where distributions are installed; it imports nothing, since every process starts with it."""

from __future__ import annotations

import os
import sys

DISABLED = "MLPOLICY_DISABLE_PLUGINS"
"""A variable that, when it says anything, leaves all plugins out."""
METADATA = (".dist-info", ".egg-info")


def stamps() -> tuple[tuple[str, int], ...]:
    """Return what changes when a distribution is installed, replaced or removed.

    It is the folders of `sys.path` that hold distributions, and when each was changed.
    """
    found: list[tuple[str, int]] = []
    for folder in () if os.environ.get(DISABLED) else dict.fromkeys(sys.path):
        try:
            with os.scandir(folder or ".") as entries:
                if any(entry.name.endswith(METADATA) for entry in entries):
                    found.append((folder, os.stat(folder or ".").st_mtime_ns))
        except OSError:
            continue
    return tuple(found)
