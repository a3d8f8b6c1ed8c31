"""`mlpolicy compile`: the resolved plan, for review, for archives, for `apply --expect`."""

from __future__ import annotations

import click

from mlpolicy.cli.context import Context, waiting
from mlpolicy.cli.findings import tell_absent
from mlpolicy.cli.options import shared
from mlpolicy.plan.governed import governed
from mlpolicy.plan.show import compiled


@click.command()
@shared("path policy env set assume src", "text", "json")
def command(context: Context) -> None:
    """Write what holds for every function, for review and archives.

    Each value has its place, and all of it a hash.
    """
    loaded = context.read()
    if loaded.refused:
        context.stop(loaded)
    with waiting("looking targets up in the source"):
        plans = list(governed(loaded.rulebook, context.tree))
    content = compiled(plans, environment=loaded.environment)
    if context.written:
        content["set"] = list(context.written)
    context.give(content["schema"], content)
    if context.output is not None:
        context.tell(f"{len(plans)} targets, {content['hash']}, written to {context.output}")
    tell_absent(context, loaded.rulebook)
