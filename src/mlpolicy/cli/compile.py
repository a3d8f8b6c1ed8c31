"""`mlpolicy compile`: the resolved plan, for review, for archives, for `apply --expect`."""

from __future__ import annotations

import click

from mlpolicy.cli import sources
from mlpolicy.cli.options import (
    path_argument,
    policy_option,
    shown_options,
    src_option,
    stop_on_errors,
)
from mlpolicy.cli.streams import OUTPUT, emit_json, kept, tell
from mlpolicy.cli.terms import asked, terms_options
from mlpolicy.cli.wait import waiting
from mlpolicy.plan.governed import absent_from, governed
from mlpolicy.plan.show import compiled


@click.command()
@path_argument
@policy_option
@terms_options
@src_option
@shown_options("text", "json")
def command(
    path: tuple[str, ...], policy: tuple[str, ...], src: tuple[str, ...], format: str
) -> None:
    """Write what holds for every function, each value with its place, and a hash of it all."""
    _, loaded = sources.read([*path, *policy], src=src)
    stop_on_errors(loaded, format)
    with waiting("looking targets up in the source"):
        plans = list(governed(loaded.rulebook, sources.survey(src)))
    content = compiled(plans, environment=loaded.environment)
    if asked().written:
        content["set"] = list(asked().written)
    schema = content.pop("schema")
    emit_json(schema, content)
    if kept(OUTPUT) is not None:
        tell(f"{len(plans)} targets, {content['hash']}, written to {kept(OUTPUT)}")
    sources.tell_absent(loaded.rulebook, absent_from(loaded.rulebook, sources.survey(src)))
