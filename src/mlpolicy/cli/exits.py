"""Exit codes: the same for every command and every format."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

import click

FINE: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
IMPORT_FAILED: Final = 3
DIFFERENT: Final = 4
NOTHING_TO_DO: Final = 5
OUR_BUG: Final = 70
RUN_FAILED: Final = 125
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
SIGNALLED: Final = 128
"""Plus the number of the signal."""
INTERRUPTED: Final = 130


def stop(message: str, code: int = USAGE, *, meant: str | None = None) -> NoReturn:
    """End the command with *message* on stderr, and what was probably *meant*."""
    click.echo(f"mlpolicy: {message}{hint(meant)}", err=True)
    sys.exit(code)


def hint(meant: str | None) -> str:
    """Return what a message ends with where something else was probably *meant*."""
    return f"; did you mean `{meant}`?" if meant else ""
