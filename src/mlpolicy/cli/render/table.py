"""Tables, by rich; plain lines where the output is not a terminal."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlpolicy.cli.render.text import visible

_STATES: Final = ("STATUS", "STATE")
"""Columns whose first word is coloured."""
_COLOUR: Final = {
    **dict.fromkeys(("applied", "ok"), "green"),
    **dict.fromkeys(("bypassed", "fail", "missing", "unwrappable"), "red"),
    "note": "cyan",
}


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, terminal: bool, colour: bool | None
) -> str:
    """Return a table with *head* over *rows*; nothing is cut where nobody looks at a *terminal*."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for title in head:
        made.add_column(title, overflow="fold", no_wrap=not terminal)
    for row in rows:
        # A cell is shown as it is: `[…]` in it is not markup.
        cells = [Text(visible(cell)) for cell in row]
        for title, cell in zip(head, cells, strict=True):
            if title in _STATES:
                word = cell.plain.partition(" ")[0]
                cell.stylize(_COLOUR.get(word, "yellow"), 0, len(word))
        made.add_row(*cells)
    console = Console(
        file=io.StringIO(),
        width=shutil.get_terminal_size().columns if terminal else 800,
        soft_wrap=not terminal,
        highlight=False,
        color_system="standard",
        force_terminal=terminal if colour is None else colour,
    )
    with console.capture() as printed:
        console.print(made)
    return "\n".join(line.rstrip() for line in printed.get().splitlines())
