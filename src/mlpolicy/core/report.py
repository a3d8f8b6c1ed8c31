"""What goes wrong inside mlpolicy is said once, and never breaks the user's call."""

from __future__ import annotations

import logging
from typing import Final

from mlpolicy.core.interrupt import interrupts

LOGGER = logging.getLogger("mlpolicy")

_MOST: Final = 10_000
"""Texts that are remembered; who says more of them says nothing new."""
_said: dict[str, object] = {}


def say_once(key: str, message: str, *, error: BaseException | None = None) -> bool:
    """Log *message* as a warning unless *key* was said before; return whether it was logged."""
    mine = object()
    # One atomic step, no lock: a finalizer or a signal handler may have something to say too.
    if len(_said) >= _MOST or _said.setdefault(key, mine) is not mine:
        return False
    try:
        LOGGER.warning(message, exc_info=error)
    except Exception as failure:
        if interrupts(failure):
            raise
        return False  # a handler of the user's that fails must not fail the call
    return True


def forget() -> None:
    """Let everything be said again; a new policy is a new story."""
    _said.clear()
