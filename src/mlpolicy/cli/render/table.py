"""Tables, by rich; plain lines where the output is no terminal."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlpolicy.cli.render.cells import visible
from mlpolicy.cli.render.colour import coloured
from mlpolicy.cli.streams import OUTPUT, kept

_COLOUR = {"applied": "green", "missing": "red", "unwrappable": "red", "bypassed": "red"}
_WIDEST = 200


def table(rows: Iterable[dict[str, Any]]) -> str:
    """Return what became of each target."""
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
    return plain(("TARGET", "RULES (outer > inner)", "MODE", "FROM", "PLACEMENT", "STATUS"), lines)


def _status(row: dict[str, Any]) -> Text:
    detail = f" ({visible(row['detail'])})" if row["detail"] else ""
    return Text.assemble((row["status"], _COLOUR.get(row["status"], "yellow")), detail)


def plain(head: Sequence[str], lines: Iterable[Sequence[str | Text]]) -> str:
    """Return a table with *head* over *lines*; nothing is cut where nobody looks at a terminal."""
    seen = sys.stdout.isatty() and kept(OUTPUT) is None
    made = Table(box=None, header_style="bold", pad_edge=False)
    for title in head:
        made.add_column(title, overflow="fold", no_wrap=not seen)
    for line in lines:
        # A cell is shown as it is: `[…]` in it is no markup.
        made.add_row(*(Text(visible(one)) if isinstance(one, str) else one for one in line))
    colour = coloured()
    console = Console(
        file=io.StringIO(),
        width=shutil.get_terminal_size().columns if seen else 4 * _WIDEST,
        soft_wrap=not seen,
        highlight=False,
        color_system="standard",
        force_terminal=seen if colour is None else colour,
    )
    with console.capture() as printed:
        console.print(made)
    return "\n".join(line.rstrip() for line in printed.get().splitlines())


_STATE = {"ok": "green", "note": "cyan", "warn": "yellow", "fail": "red"}


def checks(found: Iterable[Any]) -> str:
    """Return what was looked at, how it stands, and what to do."""
    lines = [(one.name, Text(one.state, _STATE[one.state]), one.found, one.remedy) for one in found]
    return plain(("CHECK", "STATE", "FOUND", "REMEDY"), lines)
