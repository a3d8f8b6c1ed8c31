"""Whether output is coloured."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click


def coloured(environ: Mapping[str, str] = os.environ) -> bool | None:
    """Return whether to colour: as `--color` says, else `NO_COLOR`; None leaves it to the terminal."""
    context = click.get_current_context(silent=True)
    if context is not None and context.color is not None:
        return context.color
    return False if environ.get("NO_COLOR") or environ.get("TERM") == "dumb" else None
