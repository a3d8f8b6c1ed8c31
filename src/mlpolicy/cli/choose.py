"""Which findings a command shows: `--select` and `--ignore`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

from mlpolicy.cli import complete
from mlpolicy.cli.options import Command
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.words import closest
from mlpolicy.plan.codes import codes

_KEPT: Final = "mlpolicy.choose"


def choose_options(command: Command) -> Command:
    """Let *command* take `--select` and `--ignore`, any number of times."""
    for name, help in (
        ("ignore", "Do not show findings of this code (MP301) or range (MP3). Repeats."),
        ("select", "Show findings of this code (MP301) or range (MP3) only. Repeats."),
    ):
        command = click.option(
            f"--{name}",
            multiple=True,
            shell_complete=complete.codes,
            metavar="CODE",
            expose_value=False,
            callback=_keep,
            help=help,
        )(command)
    return command


def chosen(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the findings that the options leave."""
    select, ignore = _kept("select"), _kept("ignore")
    return tuple(
        one
        for one in diagnostics
        if (not select or one.code.startswith(select)) and not one.code.startswith(ignore)
    )


def _kept(name: str) -> tuple[str, ...]:
    context = click.get_current_context(silent=True)
    found: tuple[str, ...] = context.meta.get(f"{_KEPT}.{name}", ()) if context else ()
    return found


def _keep(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:
    asked = tuple(part.strip().upper() for one in value for part in one.split(",") if part.strip())
    known = codes()
    for one in asked:
        if not one.startswith("MP") or not any(code.startswith(one) for code in known):
            near = closest(one, known)
            hint = f"; did you mean {near}?" if near else ""
            raise click.BadParameter(f"there is no finding `{one}`{hint}")
    context.meta[f"{_KEPT}.{parameter.name}"] = asked
