"""Options that commands share; what they say is kept in the `Context` of the command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli.context import ENVIRONMENT, FORMATS, Context, render
from mlpolicy.cli.exits import hint
from mlpolicy.core.spelling import closest
from mlpolicy.document.node import Entry, Mapping
from mlpolicy.document.parse import parse
from mlpolicy.model.policies import RuleReader
from mlpolicy.model.policy import RuleBlock
from mlpolicy.rules import KINDS

__all__ = ["FORMATS", "render", "shared"]

Command = Callable[..., Any]


def _paths(context: Context, value: tuple[str, ...]) -> None:
    context.policy += value


def _assumed(context: Context, value: tuple[str, ...]) -> None:
    context.assumed.update(map(_split, value))


def _set(context: Context, value: tuple[str, ...]) -> None:
    context.written = value
    for written in value:
        name, text = _split(written)
        head, _, path = name.partition(".")
        if name == "mode":
            KINDS.look_for_all()
            context.overrides += tuple(_block(written, kind, "mode", text) for kind in KINDS)
        elif head == "vars" and path:
            context.variables[path] = text
        elif path and KINDS.look_for(head):
            context.overrides += (_block(written, head, path, text),)
        else:
            near = closest(head, (*KINDS, "vars", "mode"))
            meant = f"{near}.SETTING" if near == head else near
            expected = "`KIND.setting`, `vars.name` and `mode`"
            raise click.BadParameter(f"`{name}` is none of {expected}{hint(meant)}")


def _split(written: str) -> tuple[str, str]:
    match = re.fullmatch(r"([\w.-]+)=(.*)", written, re.S)
    if match is None:
        raise click.BadParameter(f"`{written}` is not an assignment: write NAME=VALUE")
    return match[1], match[2]


def _block(written: str, kind: str, path: str, text: str) -> RuleBlock:
    """Return the rule with one setting that *written* says."""
    keys = [f"{'  ' * depth}{key}:" for depth, key in enumerate(path.split("."))]
    document = parse("\n".join(keys) + f" {text}", file=f"--set {written}")
    reader = RuleReader()
    rule = None
    if isinstance(document.root, Mapping):
        rule = reader.rule(Entry(kind, document.root.span, document.root))
    for finding in (*document.diagnostics, *reader.findings):
        help = f" ({finding.help})" if finding.help else ""
        raise click.BadParameter(f"`{written}`: {finding.message}{help}")
    if rule is None:
        raise click.BadParameter(f"`{written}`: nothing is set")
    return rule


def _output(context: Context, value: Path | None) -> None:
    if value is not None and str(value) != "-":
        if not value.absolute().parent.is_dir():
            raise click.BadParameter(f"the directory `{value.parent}` does not exist")
        context.output = value


def _color(context: Context, value: str) -> None:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    context.color = {"always": True, "never": False}.get(value, False if plain else None)


# --- the options ----------------------------------------------------------------------


def _kept(
    *names: str, by: Callable[[Context, Any], None] | None = None, **settings: Any
) -> Callable[[Command], Command]:
    """Return an option that the context keeps under its name, or as *by* does; or the argument."""

    def keep(ctx: click.Context, option: click.Parameter, value: Any) -> None:
        context = ctx.ensure_object(Context)
        if by is None:
            setattr(context, option.name or "", value)
        else:
            by(context, value)

    kind = click.option if names[0].startswith("-") else click.argument
    return kind(*names, expose_value=False, callback=keep, **settings)


_PATHS: dict[str, Any] = {"type": click.Path(readable=False), "by": _paths}
_PAIRS: dict[str, Any] = {"multiple": True, "metavar": "NAME=VALUE"}
_FOLDERS: dict[str, Any] = {"type": click.Path(exists=True, file_okay=False), "multiple": True}
_FILE: Any = click.Path(dir_okay=False, path_type=Path, allow_dash=True)
_COLOR: dict[str, Any] = {"type": click.Choice(["auto", "always", "never"]), "default": "auto"}
_OPTIONS = {
    "path": _kept("path", nargs=-1, **_PATHS),
    "policy": _kept("--policy", multiple=True, **_PATHS, help="A policy file or folder. Repeats."),
    "module": _kept("--module", "modules", multiple=True, help="A module to import. Repeats."),
    "env": _kept("--env", envvar=ENVIRONMENT, help="The environment that holds."),
    "set": _kept("--set", by=_set, **_PAIRS, help="Over all policies: retry.jitter=none."),
    "assume": _kept("--assume", by=_assumed, **_PAIRS, help="A variable to take as set."),
    "src": _kept("--src", **_FOLDERS, help="Where modules are looked for first. Repeats."),
}
_OF_OUTPUT = (
    _kept("-o", "--output", type=_FILE, by=_output, help="Write the outcome to FILE instead."),
    _kept("--color", by=_color, **_COLOR),
    _kept("-q", "--quiet", is_flag=True, help="Say nothing beside findings and data."),
    _kept("-v", "--verbose", is_flag=True, help="Say what was read, too."),
)


def shared(names: str, *formats: str) -> Callable[[Command], Command]:
    """Give a command its context, and let it take the options *names* and those of its output.

    Without *formats*, it shows findings in all of theirs.
    """
    shown = formats or tuple(FORMATS)
    choice: dict[str, Any] = {"type": click.Choice(shown), "default": shown[0]}
    format = _kept("--format", **choice, help="How to show the outcome.")

    def with_options(command: Command) -> Command:
        command = click.make_pass_decorator(Context, ensure=True)(command)
        for option in reversed([*(_OPTIONS[name] for name in names.split()), format, *_OF_OUTPUT]):
            command = option(command)
        return command

    return with_options
