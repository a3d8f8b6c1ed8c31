"""The functions whose drift is watched in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlpolicy.rules.monitor.drift.detect import DriftWatch

STATES = ("ok", "warn", "drift")
RESULT = "result"
"""The base of signals in what a call returned."""
WATCHES: dict[str, DriftWatch] = {}
"""The watch on each function, by its target."""
