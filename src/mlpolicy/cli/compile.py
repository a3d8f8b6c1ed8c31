"""`mlpolicy compile`: the resolved plan, for review, for archives, for `apply --expect`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.options import policy_option, show, src_option
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.render.save import save
from mlpolicy.cli.terms import asked, terms_options
from mlpolicy.cli.wait import waiting
from mlpolicy.plan.compiled import compiled
from mlpolicy.plan.governed import governed
from mlpolicy.plan.survey import Survey, roots


@click.command()
@click.argument("path", nargs=-1)
@policy_option
@terms_options
@src_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="-",
    metavar="FILE",
    help="Where to write it; without it, to the terminal.",
)
def command(
    path: tuple[str, ...], policy: tuple[str, ...], src: tuple[str, ...], output: str
) -> None:
    """Write what holds for every function, each value with its place, and a hash of it all."""
    _, loaded = sources.read([*path, *policy])
    if loaded.errors:
        show(Report.of(loaded.shown()), "text")
        sys.exit(exits.FINDINGS)
    with waiting("looking targets up in the source"):
        plans = list(governed(loaded.rulebook, Survey(roots(src))))
    content = compiled(plans, environment=loaded.environment)
    if asked().written:
        content["set"] = list(asked().written)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    if output == "-":
        click.echo(text)
        return
    try:
        save(f"{text}\n".encode(), Path(output))
    except OSError as error:
        sources.stop(f"`{output}` cannot be written: {error.strerror or error}", exits.USAGE)
    click.echo(f"{len(plans)} targets, {content['hash']}, written to {output}", err=True)
