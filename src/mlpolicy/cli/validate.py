"""`mlpolicy validate`: everything that is wrong, at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from mlpolicy.cli import sources
from mlpolicy.cli.baseline import baseline_option, without_known
from mlpolicy.cli.choose import choose_options, chosen
from mlpolicy.cli.options import (
    Choice,
    finish,
    path_argument,
    policy_option,
    report_options,
    src_option,
)
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.resolve import resolved
from mlpolicy.cli.terms import terms_options
from mlpolicy.plan.codes import Level


@click.command()
@path_argument
@policy_option
@terms_options
@src_option
@report_options
@choose_options
@baseline_option
@click.option(
    "--resolve",
    type=Choice(["none", "ast", "import"]),
    default="ast",
    show_default=True,
    help="How targets are looked for: not at all, in the source, or by importing them.",
)
@click.option(
    "--fail-on",
    type=Choice(["error", "warning", "info"]),
    default="error",
    show_default=True,
    help="What makes the exit code 1.",
)
@click.option("--fix", is_flag=True, help="Write the repairs that are safe into the files.")
def command(path: tuple[str, ...], policy: tuple[str, ...], format: str, **options: Any) -> None:
    """Show everything that is wrong with policy files; 1 is the exit code if anything is.

    The files are checked without an environment and in every environment that they name;
    `--env` asks for one alone.
    """
    given = [*path, *policy]
    report = _report(given, options["src"], options["resolve"])
    if options["fix"]:
        from mlpolicy.cli.fix import fixed

        if fixed(report):
            report = _report(given, options["src"], options["resolve"])
    finish(without_known(report), format, fail_on=options["fail_on"])


def _report(given: list[str], src: tuple[str, ...], resolve: Level) -> Report:
    looked_for = None if resolve == "none" else src
    paths, loaded = sources.read(given, src=looked_for, every=True)
    shown = resolved(loaded, paths, src, level=resolve)
    looked = len(loaded.environments) + 1 if loaded.environments else 0
    report = Report.of(shown, environments=0 if loaded.environment else looked)
    return replace(report, diagnostics=chosen(report.diagnostics))
