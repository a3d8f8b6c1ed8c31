"""Tables, by rich; plain text where the output is no terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

_COLOUR = {"applied": "green", "missing": "red", "unwrappable": "red", "bypassed": "red"}
_WIDEST = 200


def table(rows: Iterable[dict[str, Any]]) -> None:
    """Print what became of each target."""
    lines = [
        (
            row["target"],
            " > ".join(row["rules"]) or "-",
            row["mode"],
            row["source"],
            row["placement"],
            _status(row),
        )
        for row in rows
    ]
    plain(("TARGET", "RULES (outer > inner)", "MODE", "FROM", "PLACEMENT", "STATUS"), lines)


def _status(row: dict[str, Any]) -> str:
    colour = _COLOUR.get(row["status"], "yellow")
    detail = f" ({row['detail']})" if row["detail"] else ""
    return f"[{colour}]{row['status']}[/{colour}]{detail}"


def plain(head: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print a table with *head* over *lines*; nothing is cut where nobody looks at a terminal."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for title in head:
        made.add_column(title, overflow="fold", no_wrap=not sys.stdout.isatty())
    for line in lines:
        made.add_row(*line)
    wide = shutil.get_terminal_size().columns if sys.stdout.isatty() else 4 * _WIDEST
    Console(width=wide, soft_wrap=not sys.stdout.isatty(), highlight=False).print(made)
