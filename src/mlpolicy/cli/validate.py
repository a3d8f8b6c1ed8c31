"""`mlpolicy validate`: everything that is wrong, at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from mlpolicy.cli.context import Context
from mlpolicy.cli.exits import hint
from mlpolicy.cli.findings import resolved
from mlpolicy.cli.fix import fixed
from mlpolicy.cli.options import shared
from mlpolicy.cli.render.report import Report
from mlpolicy.core.spelling import closest, many
from mlpolicy.plan.codes import Level, codes


def _codes(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Return the beginnings of codes that an option lists."""
    names = tuple(name.strip().upper() for name in ",".join(value).split(",") if name.strip())
    known = codes()
    for name in names:
        if not name.startswith("MP") or not any(code.startswith(name) for code in known):
            raise click.BadParameter(f"there is no finding `{name}`{hint(closest(name, known))}")
    return names


_LISTED: dict[str, Any] = {"multiple": True, "metavar": "CODE", "callback": _codes}
_WHICH = "findings of this code (MP301) or range (MP3)"


@click.command()
@shared("path policy env set assume src")
@click.option("--select", **_LISTED, help=f"Show {_WHICH} only. Repeats.")
@click.option("--ignore", **_LISTED, help=f"Do not show {_WHICH}. Repeats.")
@click.option(
    "--resolve",
    type=click.Choice(["none", "ast", "import"]),
    default="ast",
    show_default=True,
    help="How targets are looked for: not at all, in the source, or by importing them.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="error",
    show_default=True,
    help="What makes the exit code 1.",
)
@click.option("--fix", is_flag=True, help="Write the repairs that are safe into the files.")
def command(context: Context, *, resolve: Level, fail_on: str, fix: bool, **codes: Any) -> None:
    """Show everything that is wrong with policy files.

    The files are checked without an environment and in every environment that they name;
    `--env` asks for one alone.
    """
    select, ignore = codes["select"], codes["ignore"]

    def report() -> Report:
        loaded = context.read(by_source=resolve != "none", every=True)
        shown = resolved(context, loaded, level=resolve)
        looked = len(loaded.environments) + 1 if loaded.environments else 0
        whole = Report.of(shown, environments=0 if loaded.environment else looked)
        chosen = (one for one in whole.diagnostics if not select or one.code.startswith(select))
        kept = tuple(finding for finding in chosen if not finding.code.startswith(ignore))
        return replace(whole, diagnostics=kept)

    made = report()
    mended = fixed(made) if fix else {}
    if mended:
        count = many(sum(mended.values()), "finding")
        context.tell(f"mended {count} in {many(len(mended), 'file')}")
        made = report()
    context.finish(made, fail_on=fail_on)
