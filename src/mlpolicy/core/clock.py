"""The clock of the drivers: monotonic seconds, the finest that the platform has."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]

now: Clock = time.perf_counter
"""Seconds on a monotonic clock whose zero means nothing."""
