"""Options that say under what terms a policy is read: environment, variables, values set here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import click

from mlpolicy.cli import complete, exits
from mlpolicy.cli.options import Command, Option
from mlpolicy.cli.streams import tell
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.words import closest
from mlpolicy.document.node import Entry
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.parse import parse
from mlpolicy.model.policy import RuleBlock
from mlpolicy.model.rules import RuleReader
from mlpolicy.plan.load import Loaded, Terms
from mlpolicy.rules import KINDS

ENVIRONMENT: Final = "MLPOLICY_ENV"
EVERY: Final = "all"
_KEPT: Final = "mlpolicy.terms"
_ASSIGNMENT = re.compile(r"(?P<name>[\w.-]+)=(?P<value>.*)", re.S)


@dataclass(slots=True)
class Asked:
    """What the options of a command said."""

    environment: str | None = None
    assumed: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    overrides: tuple[RuleBlock, ...] = ()
    written: tuple[str, ...] = ()
    """What `--set` said, for reports."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables of the process, with those assumed over them."""
        return {**os.environ, **self.assumed}

    def terms(self) -> Terms:
        """Return the terms to read a policy under."""
        return Terms(
            self.environment,
            self.environ,
            overrides=self.overrides,
            variables=self.variables,
        )


def asked() -> Asked:
    """Return what the options of the running command said."""
    context = click.get_current_context(silent=True)
    if context is None:
        return Asked(os.environ.get(ENVIRONMENT) or None)
    found: Asked | None = context.meta.get(_KEPT)
    if found is None:
        found = context.meta[_KEPT] = Asked(os.environ.get(ENVIRONMENT) or None)
    return found


def named_environment(*sides: Loaded) -> None:
    """End the command where the environment asked for is one that none of *sides* names."""
    given = asked().environment
    if given == EVERY and not any(EVERY in one.environments for one in sides):
        exits.stop("one environment at a time: --env all is for `validate`")
    if not given or any(one.environment for one in sides):
        return
    unknown = next((one.unknown for one in sides if one.unknown), None)
    if unknown is not None and any(one.misnamed for one in sides):
        exits.stop(f"{unknown.message}; {unknown.help}")
    if unknown is not None:
        tell(f"mlpolicy: {unknown.message}; {unknown.help}: the base holds")
    elif any(one.files for one in sides) and not any(one.refused for one in sides):
        tell(f"mlpolicy: no file names any environment: `{given}` changes nothing")


# --- callbacks ------------------------------------------------------------------------


def _keep_env(_: click.Context, __: click.Parameter, value: str | None) -> None:
    if value is not None:
        asked().environment = value


def _keep_assumed(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> None:
    for one in value:
        name, text = _split(one)
        asked().assumed[name] = text


def _keep_set(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> None:
    blocks: list[RuleBlock] = []
    for one in value:
        name, text = _split(one)
        head, _dot, path = name.partition(".")
        if name == "mode":
            KINDS.look_for_all()
            blocks += (_block(one, kind, "mode", text) for kind in KINDS)
        elif head == "vars" and path:
            asked().variables[path] = text
        elif path and KINDS.look_for(head):
            blocks.append(_block(one, head, path, text))
        else:
            near = closest(head, (*KINDS, "vars", "mode"))
            near = f"{head}.SETTING" if near == head else near
            hint = f"; did you mean `{near}`?" if near else ""
            raise click.BadParameter(
                f"`{name}` is none of `KIND.setting`, `vars.name` and `mode`{hint}"
            )
    asked().overrides = (*asked().overrides, *blocks)
    asked().written = (*asked().written, *value)


def _split(one: str) -> tuple[str, str]:
    match = _ASSIGNMENT.fullmatch(one)
    if match is None:
        raise click.BadParameter(f"`{one}` is no assignment: write NAME=VALUE")
    return match["name"], match["value"]


def _block(written: str, kind: str, path: str, text: str) -> RuleBlock:
    """Return the rule with one setting that *written* says."""
    source = "".join(f"{'  ' * at}{part}:\n" for at, part in enumerate(path.split(".")))
    document = parse(f"{source.removesuffix(chr(10))} {text}", file=f"--set {written}")
    found: list[Diagnostic] = list(document.diagnostics)
    reader = RuleReader()
    rule = None
    if isinstance(document.root, MappingNode):
        rule = reader.rule(Entry(kind, document.root.span, document.root))
    found += reader.diagnostics
    if rule is None or found:
        one = found[0] if found else None
        help = f" ({one.help})" if one and one.help else ""
        raise click.BadParameter(f"`{written}`: {one.message if one else 'nothing is set'}{help}")
    return rule


# --- options --------------------------------------------------------------------------


env_option: Option = click.option(
    "--env",
    metavar="NAME",
    expose_value=False,
    callback=_keep_env,
    shell_complete=complete.environments,
    help=f"The environment whose part of the policy holds; else what {ENVIRONMENT} names.",
)
set_option: Option = click.option(
    "--set",
    multiple=True,
    metavar="PATH=VALUE",
    expose_value=False,
    callback=_keep_set,
    shell_complete=complete.assignments,
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
