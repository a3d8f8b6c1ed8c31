"""`mlpolicy schema`: the JSON Schema of policy files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, streams
from mlpolicy.cli.options import Choice, shown_options
from mlpolicy.cli.streams import emit_for_programs, tell
from mlpolicy.model.schema import DRAFTS, published
from mlpolicy.rules import KINDS
from mlpolicy.rules.monitor.sinks import SINKS


@click.command()
@click.option(
    "--draft",
    type=Choice(list(DRAFTS)),
    default="2020-12",
    show_default=True,
    help="The draft of JSON Schema; most editors' YAML servers read 7.",
)
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it; without it, to the terminal.",
)
@click.option("--check", is_flag=True, help="Write nothing; end with code 4 if FILE is another.")
@click.option(
    "--plugins/--no-plugins",
    default=True,
    help="Whether the kinds and sinks of installed plugins are in it.",
    show_default=True,
)
@shown_options("json")
def command(draft: str, write: Path | None, *, check: bool, plugins: bool, **_: Any) -> None:
    """Print the schema that editors complete and check by, with the kinds of plugins."""
    if check and write is None:
        exits.stop("--check compares with a file: --write FILE")
    if plugins:
        KINDS.look_for_all()
        SINKS.look_for_all()
    text = published(draft)
    if write is None:
        emit_for_programs(text, end="")
        return
    current = write.read_text(encoding="utf-8") if write.is_file() else ""
    if check:
        if current != text:
            exits.stop(f"`{write}` is not current: write it anew", exits.DIFFERENT)
        return
    streams.write(text.encode("utf-8"), write)
    tell(f"wrote {write}")
