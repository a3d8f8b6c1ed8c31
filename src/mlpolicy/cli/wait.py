"""Progress for whatever may take longer than people like to wait without a word."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status


@contextmanager
def waiting(what: str, *, patience: float = 2.0) -> Iterator[None]:
    """Show on stderr that *what* is under way after *patience* seconds, if a person is there."""
    if not sys.stderr.isatty():
        yield
        return
    shown: list[Status] = []

    def begin() -> None:
        from rich.console import Console

        shown.append(Console(file=sys.stderr).status(f"{what} …"))
        shown[0].start()

    timer = Timer(patience, begin)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # one that has begun is shown, and can then be stopped
        for status in shown:
            status.stop()
