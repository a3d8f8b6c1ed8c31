"""What goes wrong inside mlpolicy is said once, and never breaks the user's call."""

from __future__ import annotations

import logging
from collections.abc import Callable
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
    return say(message, logging.WARNING, error=error)


def say(message: str, level: int, *, error: BaseException | None = None) -> bool:
    """Log *message*; return whether that could be done."""
    try:
        LOGGER.log(level, message, exc_info=error)
    except Exception as failure:
        if interrupts(failure):
            raise
        return False  # a handler of the user's that fails must not fail the call
    return True


def words(error: BaseException) -> str:
    """Return the message of *error*; that of the user's may fail to be made."""
    try:
        return str(error)
    except Exception as failure:
        if interrupts(failure):
            raise
        return "(its message cannot be made)"


def told(error: BaseException) -> str:
    """Return the class of *error* and its message."""
    return f"{type(error).__name__}: {words(error)}"


def guarded(work: Callable[[], None], failed: Callable[[Exception], None]) -> None:
    """Do *work*; an error of ours, or of what it looks at, goes to *failed* and no farther."""
    try:
        work()
    except Exception as error:
        if interrupts(error):
            raise
        failed(error)


def forget() -> None:
    """Let everything be said again; a new policy is a new story."""
    _said.clear()
