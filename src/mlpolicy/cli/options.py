"""Options that commands share, and how a report leaves a command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from mlpolicy.cli import exits
from mlpolicy.cli.render.as_json import as_json
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.render.text import concise, text

Command = Callable[..., Any]

FORMATS = {"text": text, "concise": concise, "json": as_json}


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
    """Let a command take `--format` with those *names*."""
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
        multiple=True,
        metavar="DIR",
        help="Where modules are looked for, before the path of Python. Repeats.",
    )(command)


def show(report: Report, format: str) -> None:
    """Print *report*: findings are the data of the command."""
    click.echo(FORMATS[format](report))


def finish(report: Report, format: str, *, fail_on: str = "error") -> NoReturn:
    """Print *report* and end the command with its code."""
    show(report, format)
    failed = report.failed or (fail_on == "warning" and report.count("warning") > 0)
    sys.exit(exits.FINDINGS if failed else exits.FINE)
