"""Drift: whether what a function gets and gives is still what its profile was made of."""

from __future__ import annotations

from typing import Any

WATCHES: dict[str, Any] = {}
"""The watch on each function of this process, by its target."""
STATES = ("ok", "warn", "drift")


def states() -> dict[str, dict[str, dict[str, Any]]]:
    """Return, by function and signal, what a page shows.

    That is `state`, `score`, `threshold`, `p`, `type`, `labels` of the bins, `edges`, and the counts
    of the last window (`window`) and of the reference (`reference`).
    """
    return {target: watch.shown() for target, watch in WATCHES.copy().items()}
