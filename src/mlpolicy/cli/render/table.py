"""Tables, by rich; plain text where the output is no terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlpolicy.cli.render.cells import visible
from mlpolicy.cli.render.colour import coloured

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


def _status(row: dict[str, Any]) -> Text:
    detail = f" ({visible(row['detail'])})" if row["detail"] else ""
    return Text.assemble((row["status"], _COLOUR.get(row["status"], "yellow")), detail)


def plain(head: Sequence[str], lines: Iterable[Sequence[str | Text]]) -> None:
    """Print a table with *head* over *lines*; nothing is cut where nobody looks at a terminal."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for title in head:
        made.add_column(title, overflow="fold", no_wrap=not sys.stdout.isatty())
    for line in lines:
        # A cell is shown as it is: `[…]` in it is no markup.
        made.add_row(*(Text(visible(one)) if isinstance(one, str) else one for one in line))
    wide = shutil.get_terminal_size().columns if sys.stdout.isatty() else 4 * _WIDEST
    _console(wide).print(made)


def _console(wide: int) -> Console:
    colour = coloured()
    return Console(
        width=wide,
        soft_wrap=not sys.stdout.isatty(),
        highlight=False,
        color_system=None if colour is False else "auto",
        force_terminal=colour,
    )


_STATE = {"ok": "green", "note": "cyan", "warn": "yellow", "fail": "red"}


def checks(found: Iterable[Any]) -> None:
    """Print what was looked at, how it stands, and what to do."""
    lines = [(one.name, Text(one.state, _STATE[one.state]), one.found, one.remedy) for one in found]
    plain(("CHECK", "STATE", "FOUND", "REMEDY"), lines)
