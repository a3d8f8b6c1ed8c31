"""Progress for whatever may take longer than people like to wait without a word."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, Timer
from typing import Final

_PATIENCE: Final = 0.7
"""Seconds: what takes less flickers."""


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on stderr that *what* is under way, where a person looks at it for long enough."""
    if not sys.stderr.isatty():
        yield
        return
    shown, lock = ExitStack(), Lock()
    over: list[bool] = []

    def begin() -> None:
        from rich.console import Console

        with lock:
            if not over:
                shown.enter_context(Console(file=sys.stderr).status(f"{what} …"))

    timer = Timer(_PATIENCE, begin)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over.append(True)
            shown.close()
