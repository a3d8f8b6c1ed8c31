"""The functions whose drift is watched in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mlpolicy.rules.monitor.drift.detect import DriftWatch

STATES: Final = ("ok", "warn", "drift")
RESULT: Final = "result"
"""The base of signals in what a call returned."""
TOGETHER: Final = 256
"""Calls after which what they left is counted."""
WATCHES: Final[dict[str, DriftWatch]] = {}
"""The watch on each function, by its target."""
