"""Options that commands share; what they say is kept in the `Context` of the command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli.context import ENVIRONMENT, FORMATS, Context, render
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.words import closest
from mlpolicy.document.node import Entry, Mapping
from mlpolicy.document.parse import parse
from mlpolicy.model.layers import Layers
from mlpolicy.model.policy import RuleBlock
from mlpolicy.model.rules import RuleReader
from mlpolicy.rules import KINDS

__all__ = ["FORMATS", "render"]

Command = Callable[..., Any]
Option = Callable[[Command], Command]
"""What lets a command take an option."""
_ASSIGNMENT = re.compile(r"(?P<name>[\w.-]+)=(?P<value>.*)", re.S)

pass_context = click.make_pass_decorator(Context, ensure=True)
"""Gives a command its context as the first parameter."""


class Choice(click.Choice):  # type: ignore[type-arg]  # (generic in newer releases only)
    """One of a few words; for another one, the closest is offered."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return *value* if it is one of the words."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            near = closest(str(value), map(str, self.choices))
            hint = f" Did you mean '{near}'?" if near else ""
            raise click.BadParameter(error.message + hint, ctx, param) from None


def _kept(*names: str, **settings: Any) -> Option:
    """Return an option whose value the context keeps under its own name."""
    return click.option(*names, expose_value=False, callback=_keep, **settings)


def _keep(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    setattr(ctx.ensure_object(Context), option.name or "", value)


# --- which policy ---------------------------------------------------------------------


def _keep_paths(ctx: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    context = ctx.ensure_object(Context)
    context.policy = (*context.policy, *value)


policy_option: Option = click.option(
    "--policy",
    type=click.Path(readable=False),
    multiple=True,
    expose_value=False,
    callback=_keep_paths,
    metavar="PATH",
    help="A policy file, or a directory of them. Repeats.",
)
path_argument: Option = click.argument(
    "path",
    nargs=-1,
    type=click.Path(readable=False),
    expose_value=False,
    callback=_keep_paths,
)
src_option: Option = _kept(
    "--src",
    type=click.Path(exists=True, file_okay=False),
    multiple=True,
    metavar="DIR",
    help="Where modules are looked for, before the path of Python. Repeats.",
)


def modules_option(help: str) -> Option:
    """Let a command take `--module`, any number of times."""
    return click.option("--module", "modules", multiple=True, metavar="M", help=f"{help} Repeats.")


# --- under which terms ----------------------------------------------------------------


def _keep_assumed(ctx: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    ctx.ensure_object(Context).assumed.update(map(_split, value))


def _keep_set(ctx: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    context = ctx.ensure_object(Context)
    blocks: list[RuleBlock] = []
    for written in value:
        name, text = _split(written)
        head, _dot, path = name.partition(".")
        if name == "mode":
            KINDS.look_for_all()
            blocks += (_block(written, kind, "mode", text) for kind in KINDS)
        elif head == "vars" and path:
            context.variables[path] = text
        elif path and KINDS.look_for(head):
            blocks.append(_block(written, head, path, text))
        else:
            near = closest(head, (*KINDS, "vars", "mode"))
            near = f"{head}.SETTING" if near == head else near
            hint = f"; did you mean `{near}`?" if near else ""
            raise click.BadParameter(
                f"`{name}` is none of `KIND.setting`, `vars.name` and `mode`{hint}"
            )
    context.overrides, context.written = tuple(blocks), value


def _split(written: str) -> tuple[str, str]:
    match = _ASSIGNMENT.fullmatch(written)
    if match is None:
        raise click.BadParameter(f"`{written}` is not an assignment: write NAME=VALUE")
    return match["name"], match["value"]


def _block(written: str, kind: str, path: str, text: str) -> RuleBlock:
    """Return the rule with one setting that *written* says."""
    keys = [f"{'  ' * depth}{key}:" for depth, key in enumerate(path.split("."))]
    document = parse("\n".join(keys) + f" {text}", file=f"--set {written}")
    findings: list[Diagnostic] = list(document.diagnostics)
    reader = RuleReader(Layers(None))
    rule = None
    if isinstance(document.root, Mapping):
        rule = reader.rule(Entry(kind, document.root.span, document.root))
    findings += reader.diagnostics
    if findings:
        help = f" ({findings[0].help})" if findings[0].help else ""
        raise click.BadParameter(f"`{written}`: {findings[0].message}{help}")
    if rule is None:
        raise click.BadParameter(f"`{written}`: nothing is set")
    return rule


env_option: Option = _kept(
    "--env",
    envvar=ENVIRONMENT,
    metavar="NAME",
    help=f"The environment whose part of the policy holds; else what {ENVIRONMENT} names.",
)
set_option: Option = click.option(
    "--set",
    multiple=True,
    metavar="PATH=VALUE",
    expose_value=False,
    callback=_keep_set,
    help="Set `retry.max_attempts=5`, `vars.slo=2s` or `mode=shadow` over all policies. Repeats.",
)
assume_option: Option = click.option(
    "--assume",
    multiple=True,
    metavar="NAME=VALUE",
    expose_value=False,
    callback=_keep_assumed,
    help="Take an environment variable to be set, where it is not. Repeats.",
)


def terms_options(command: Command) -> Command:
    """Let *command* take `--env`, `--set` and `--assume`."""
    return env_option(set_option(assume_option(command)))


# --- how it is shown ------------------------------------------------------------------


def _keep_output(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None and str(value) != "-":
        if not value.absolute().parent.is_dir():
            raise click.BadParameter(f"the directory `{value.parent}` does not exist")
        ctx.ensure_object(Context).output = value


def _keep_color(ctx: click.Context, _: click.Parameter, value: str) -> None:
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    by_default = False if plain else None
    color = {"always": True, "never": False}.get(value, by_default)
    ctx.color = ctx.ensure_object(Context).color = color


def shown_options(*formats: str) -> Option:
    """Let a command take all that shapes what it shows; *formats* are those of findings without."""
    names = formats or tuple(FORMATS)
    options = (
        _kept("-v", "--verbose", is_flag=True, help="Say what was read, too."),
        _kept("-q", "--quiet", is_flag=True, help="Say nothing beside findings and data."),
        click.option(
            "--color",
            type=Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            expose_value=False,
            callback=_keep_color,
            help="Whether to colour.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
            expose_value=False,
            callback=_keep_output,
            metavar="FILE",
            help="Write the outcome to FILE instead.",
        ),
        _kept(
            "--format",
            type=Choice(names),
            default=names[0],
            show_default=True,
            help="How to show the outcome.",
        ),
    )

    def with_options(command: Command) -> Command:
        for option in options:
            command = option(command)
        return command

    return with_options


report_options = shown_options()
