"""The clock of the drivers: monotonic seconds, the finest that the platform has."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

Clock = Callable[[], float]

REAL: Final[Clock] = time.perf_counter
"""The clock of the process, for what is given another one in a policy test."""
now: Clock = REAL
"""Seconds on a monotonic clock whose zero means nothing; another one while policy tests run."""
