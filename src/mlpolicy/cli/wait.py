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
def waiting(what: str, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Show on stderr that *what* is under way, if a person is there and it takes a while."""
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

    timer = Timer(patience, begin)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over.append(True)
            shown.close()
