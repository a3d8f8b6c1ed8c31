"""`mlpolicy schema`: the JSON Schema of policy files."""

from __future__ import annotations

from pathlib import Path

import click

from mlpolicy.cli import exits
from mlpolicy.cli.context import Context
from mlpolicy.cli.files import save
from mlpolicy.cli.options import shared
from mlpolicy.model.schema import DRAFTS, published
from mlpolicy.rules import KINDS
from mlpolicy.rules.monitor.sinks import SINKS


@click.command()
@click.option(
    "--draft",
    type=click.Choice(list(DRAFTS)),
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
@shared("", "json")
def command(
    context: Context, *, draft: str, write: Path | None, check: bool, plugins: bool
) -> None:
    """Print the JSON Schema that editors complete and check by."""
    if check and write is None:
        exits.stop("--check compares with a file: --write FILE")
    if plugins:
        for extensions in (KINDS, SINKS):
            extensions.look_for_all()
    text = published(draft)
    if write is None:
        context.emit(text, as_data=True)
    elif check:
        if not write.is_file() or write.read_text(encoding="utf-8") != text:
            exits.stop(f"`{write}` is not current: write it anew", exits.DIFFERENT)
    else:
        save(text.encode("utf-8"), write)
        context.tell(f"wrote {write}")
