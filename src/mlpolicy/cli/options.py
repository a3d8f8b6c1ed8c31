"""Options that commands share, and how a report leaves a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from mlpolicy.cli import complete, exits
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.streams import OUTPUT, QUIET, emit, emit_for_programs, kept
from mlpolicy.core.words import closest
from mlpolicy.plan.load import Loaded

Command = Callable[..., Any]
Option = Callable[[Command], Command]
"""What lets a command take an option."""

FORMATS: Final[Mapping[str, str]] = {
    "text": "text:text",
    "concise": "text:concise",
    "json": "as_json:as_json",
    "jsonl": "as_json:as_jsonl",
    "github": "github:github",
    "gitlab": "gitlab:gitlab",
    "sarif": "sarif:sarif",
    "junit": "junit:junit",
    "markdown": "markdown:markdown",
}
"""Where each format of findings is; a format is imported when it is asked for."""

_FOR_PEOPLE: Final = ("text", "concise")


class Choice(click.Choice):  # type: ignore[type-arg]  # (generic in newer releases only)
    """One of a few words; a slip is told with the word that was meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return *value* if it is one of the words."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            near = closest(str(value), map(str, self.choices))
            hint = f" Did you mean '{near}'?" if near else ""
            raise click.BadParameter(error.message + hint, ctx, param) from None


# --- options --------------------------------------------------------------------------


policy_option: Option = click.option(
    "--policy",
    "policy",
    type=click.Path(readable=False),
    multiple=True,
    metavar="PATH",
    help="A policy file, or a directory of them. Repeats.",
)


path_argument: Option = click.argument("path", nargs=-1, type=click.Path(readable=False))


def modules_option(help: str) -> Option:
    """Let a command take `--module`, any number of times."""
    return click.option(
        "--module",
        "modules",
        multiple=True,
        metavar="M",
        shell_complete=complete.modules,
        help=f"{help} Repeats.",
    )


def _format_option(*names: str) -> Option:
    """Let a command take `--format` with those *names*, or with every format of findings."""
    return click.option(
        "--format",
        "format",
        type=Choice(names or tuple(FORMATS)),
        default=(names or tuple(FORMATS))[0],
        show_default=True,
        help="How to show the outcome.",
    )


src_option: Option = click.option(
    "--src",
    type=click.Path(exists=True, file_okay=False),
    multiple=True,
    metavar="DIR",
    help="Where modules are looked for, before the path of Python. Repeats.",
)


def words_options(command: Command) -> Command:
    """Let *command* take `--quiet` and `--verbose`: how much is said beside the data."""
    for name, short, help in (
        ("verbose", "-v", "Say what was read, too."),
        ("quiet", "-q", "Say nothing beside findings and data."),
    ):
        command = click.option(
            short, f"--{name}", is_flag=True, expose_value=False, callback=_keep, help=help
        )(command)
    return command


def _keep_output(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None and str(value) != "-":
        if not value.absolute().parent.is_dir():
            raise click.BadParameter(f"the directory `{value.parent}` does not exist")
        context.meta[OUTPUT] = value


def _keep_color(context: click.Context, _: click.Parameter, value: str) -> None:
    context.color = {"always": True, "never": False}.get(value, context.color)


def _keep(context: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: FBT001 (as click calls it)
    context.meta[f"mlpolicy.{option.name}"] = value


_output_option: Option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    expose_value=False,
    callback=_keep_output,
    metavar="FILE",
    help="Write the outcome to FILE instead.",
)
_color_option: Option = click.option(
    "--color",
    type=Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    expose_value=False,
    callback=_keep_color,
    help="Whether to colour.",
)


def shown_options(*formats: str) -> Option:
    """Let a command take all that shapes what it shows; only `format` is passed to it."""

    def taking(command: Command) -> Command:
        for option in (words_options, _color_option, _output_option, _format_option(*formats)):
            command = option(command)
        return command

    return taking


report_options = shown_options()


# --- the report -----------------------------------------------------------------------


def render(report: Report, format: str) -> str:
    """Return *report* in that format."""
    module, _, name = FORMATS[format].partition(":")
    text: str = getattr(import_module(f"mlpolicy.cli.render.{module}"), name)(report)
    return text


def told(report: Report, format: str) -> str:
    """Return *report* in that format, for people with a summary."""
    text = render(report, format)
    if format in _FOR_PEOPLE and not kept(QUIET):
        from mlpolicy.cli.render.text import summary

        gap = "\n\n" if format == "text" else "\n"
        text = gap.join([text, summary(report)] if text else [summary(report)])
    return text


def show(report: Report, format: str) -> None:
    """Print *report*, or write it where `--output` says: findings are the data of the command."""
    text = told(report, format)
    (emit if format in _FOR_PEOPLE else emit_for_programs)(text)
    tell_github(report, format)


def stop_on_errors(loaded: Loaded, format: str) -> None:
    """End a command that needs a sound policy where that is none; one that expired still is."""
    if loaded.refused:
        stop(Report.of(loaded.shown()), format)


def stop(report: Report, format: str) -> NoReturn:
    """End a command with what is wrong; no file is written for it."""
    click.get_current_context().meta.pop(OUTPUT, None)
    finish(report, format)


def finish(report: Report, format: str, *, fail_on: str = "error") -> NoReturn:
    """Print *report* and end the command with its code."""
    report = replace(report, fail_on=fail_on)
    show(report, format)
    sys.exit(exits.FINDINGS if report.failed else exits.FINE)


def in_github() -> bool:
    """Whether a workflow of GitHub runs the command."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def tell_github(report: Report, format: str) -> None:
    """Add what a workflow of GitHub shows beside its log."""
    inside = format == "text" and in_github()
    if not inside and format != "github":
        return
    from mlpolicy.cli.render.github import github, summarise

    if inside and report.diagnostics:
        click.echo(github(report).encode("utf-8", "replace"))
    summarise(report)
