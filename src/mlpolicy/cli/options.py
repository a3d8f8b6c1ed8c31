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

from mlpolicy.cli import exits
from mlpolicy.cli.render.colour import coloured
from mlpolicy.cli.render.report import Report

Command = Callable[..., Any]

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
_OUTPUT: Final = "mlpolicy.output"
_QUIET: Final = "mlpolicy.quiet"


# --- options --------------------------------------------------------------------------


def policy_option(command: Command) -> Command:
    """Let *command* take `--policy`, any number of times."""
    return click.option(
        "--policy",
        "policy",
        multiple=True,
        metavar="PATH",
        help="A policy file, or a directory of them. Repeats.",
    )(command)


def format_option(*names: str) -> Callable[[Command], Command]:
    """Let a command take `--format` with those *names*, or with every format of findings."""
    return click.option(
        "--format",
        "format",
        type=click.Choice(names or tuple(FORMATS)),
        default="text",
        show_default=True,
        help="How to show the outcome.",
    )


def src_option(command: Command) -> Command:
    """Let *command* take `--src`, any number of times."""
    return click.option(
        "--src",
        type=click.Path(exists=True, file_okay=False),
        multiple=True,
        metavar="DIR",
        help="Where modules are looked for, before the path of Python. Repeats.",
    )(command)


def output_option(command: Command) -> Command:
    """Let *command* take `--output`: `show` writes the report there."""
    return click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
        expose_value=False,
        callback=_keep_output,
        metavar="FILE",
        help="Write the report to FILE instead.",
    )(command)


def color_option(command: Command) -> Command:
    """Let *command* take `--color`; without it, NO_COLOR and the terminal decide."""
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        expose_value=False,
        callback=_keep_color,
        help="Whether to colour.",
    )(command)


def quiet_option(command: Command) -> Command:
    """Let *command* take `--quiet`: findings only, without the words around them."""
    return click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_keep_quiet,
        help="Show findings only, without a summary.",
    )(command)


def report_options(command: Command) -> Command:
    """Let *command* take all that shapes a report; only `format` is passed to it."""
    for option in (quiet_option, color_option, output_option, format_option()):
        command = option(command)
    return command


def quiet() -> bool:
    """Return whether `--quiet` was given to the command that runs."""
    return bool(_kept(_QUIET))


def _keep_output(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None and str(value) != "-":
        if not value.absolute().parent.is_dir():
            raise click.BadParameter(f"the directory `{value.parent}` does not exist")
        context.meta[_OUTPUT] = value


def _keep_color(context: click.Context, _: click.Parameter, value: str) -> None:
    context.color = {"always": True, "never": False}.get(value, context.color)


def _keep_quiet(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 (as click calls it)
    context.meta[_QUIET] = value


def _kept(name: str) -> Any:
    context = click.get_current_context(silent=True)
    return context.meta.get(name) if context is not None else None


# --- the report -----------------------------------------------------------------------


def render(report: Report, format: str) -> str:
    """Return *report* in that format."""
    module, _, name = FORMATS[format].partition(":")
    text: str = getattr(import_module(f"mlpolicy.cli.render.{module}"), name)(report)
    return text


def show(report: Report, format: str) -> None:
    """Print *report*, or write it where `--output` says: findings are the data of the command."""
    text = render(report, format)
    if format in _FOR_PEOPLE and not quiet():
        from mlpolicy.cli.render.text import summary

        gap = "\n\n" if format == "text" else "\n"
        text = gap.join([text, summary(report)] if text else [summary(report)])
    output = _kept(_OUTPUT)
    if output is not None:
        _write(text, output)
    elif text:
        _print(text, format)
    _tell_github(report, format)


def finish(report: Report, format: str, *, fail_on: str = "error") -> NoReturn:
    """Print *report* and end the command with its code."""
    report = replace(report, fail_on=fail_on)
    show(report, format)
    sys.exit(exits.FINDINGS if report.failed else exits.FINE)


def _print(text: str, format: str) -> None:
    if format in _FOR_PEOPLE:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        text = text.encode(encoding, "replace").decode(encoding)
        click.echo(text, color=coloured())
    else:  # programs read UTF-8, whatever the terminal speaks
        click.echo(text.encode("utf-8", "replace"))


def _write(text: str, path: Path) -> None:
    from mlpolicy.cli.render.save import save

    plain = text if coloured() else click.unstyle(text)
    try:
        save(f"{plain}\n".encode("utf-8", "replace") if plain else b"", path)
    except OSError as error:
        click.echo(f"mlpolicy: `{path}` cannot be written: {error.strerror or error}", err=True)
        sys.exit(exits.USAGE)


def _tell_github(report: Report, format: str) -> None:
    """Add what a workflow of GitHub shows beside its log."""
    inside = format == "text" and os.environ.get("GITHUB_ACTIONS") == "true"
    if not inside and format != "github":
        return
    from mlpolicy.cli.render.github import github, summarise

    if inside and report.diagnostics:
        _print(github(report), "github")
    summarise(report)
