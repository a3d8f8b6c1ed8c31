"""Chance of our own: a program that seeds `random` gets the numbers that it would get without us."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

SOURCE = random.Random()
"""Seeded by the system."""
draw: Callable[[], float] = SOURCE.random
"""Gives a number from 0 to below 1."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SOURCE.seed)  # or all workers would draw the same
