"""`mlpolicy validate`: everything that is wrong, at once."""

from __future__ import annotations

import click

from mlpolicy.cli import sources
from mlpolicy.cli.options import finish, format_option, policy_option, src_option
from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.plan.against import against
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.survey import Survey, roots


@click.command()
@click.argument("path", nargs=-1)
@policy_option
@src_option
@format_option()
@click.option(
    "--resolve",
    type=click.Choice(["none", "ast"]),
    default="ast",
    show_default=True,
    help="Whether to look for targets in the source; no code is run either way.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="error",
    show_default=True,
    help="What makes the exit code 1.",
)
def command(
    path: tuple[str, ...],
    policy: tuple[str, ...],
    src: tuple[str, ...],
    format: str,
    resolve: str,
    fail_on: str,
) -> None:
    """Show everything that is wrong with policy files; 1 is the exit code if anything is."""
    _, loaded = sources.read([*path, *policy])
    more = _resolved(loaded, src) if resolve == "ast" else ()
    finish(Report.of(loaded, more), format, fail_on=fail_on)


def _resolved(loaded: Loaded, src: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    return against(loaded.rulebook, Survey(roots(src)))
