"""What goes wrong inside mlpolicy is said once, and never breaks the user's call."""

from __future__ import annotations

import logging
import threading

LOGGER = logging.getLogger("mlpolicy")

_said: set[str] = set()
_lock = threading.Lock()


def say_once(key: str, message: str, *, error: BaseException | None = None) -> bool:
    """Log *message* as a warning unless *key* was said before; return whether it was logged."""
    with _lock:
        if key in _said:
            return False
        _said.add(key)
    try:
        LOGGER.warning(message, exc_info=error)
    except Exception:  # noqa: BLE001 (a handler of the user's that fails must not fail the call)
        return False
    return True


def forget() -> None:
    """Let everything be said again; a new policy is a new story."""
    with _lock:
        _said.clear()
