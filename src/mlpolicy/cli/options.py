"""Options that commands share; what they say is kept in the `Context` of the command."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from importlib import import_module
from itertools import chain
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.exits import hint
from mlpolicy.cli.files import save
from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic, closest, many
from mlpolicy.core.report import HIDDEN, is_secret, redacted
from mlpolicy.document.node import Entry
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.parse import parse
from mlpolicy.model.policies import RuleReader
from mlpolicy.model.policy import RuleBlock
from mlpolicy.plan.load import Loaded, Terms, load, load_every
from mlpolicy.rules import KINDS
from mlpolicy.source import SourceTree, roots

if TYPE_CHECKING:
    from rich.status import Status


__all__ = ["FORMATS", "render", "shared"]

Command = Callable[..., Any]


ENVIRONMENT: Final = "MLPOLICY_ENV"


def _paths(context: Context, value: tuple[str, ...]) -> None:
    context.policy += value


def _assumed(context: Context, value: tuple[str, ...]) -> None:
    context.assumed.update(map(_split, value))


def _set(context: Context, value: tuple[str, ...]) -> None:
    context.written = tuple(map(_shown, value))
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
        raise click.BadParameter(f"`{redacted(written)}` is not an assignment: write NAME=VALUE")
    return match[1], match[2]


def _shown(written: str) -> str:
    name, _, text = written.partition("=")
    is_hidden = name.startswith("vars.") and is_secret(name.removeprefix("vars."))
    return f"{name}={HIDDEN}" if is_hidden and text else redacted(written)


def _block(written: str, kind: str, path: str, text: str) -> RuleBlock:
    """Return the rule with one setting that *written* says."""
    keys = [f"{'  ' * depth}{key}:" for depth, key in enumerate(path.split("."))]
    document = parse("\n".join(keys) + f" {text}", file=f"--set {redacted(written)}")
    reader = RuleReader()
    rule = None
    if isinstance(document.root, MappingNode):
        rule = reader.rule(Entry(kind, document.root.span, document.root))
    for finding in (*document.diagnostics, *reader.findings):
        help = f" ({finding.help})" if finding.help else ""
        raise click.BadParameter(redacted(f"`{written}`: {finding.message}{help}"))
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


# --- context -------------------------------------------------------------------------------

EVERY: Final = "all"
FORMATS: Final = {
    "text": "text:text",
    "json": "formats:as_json",
    "github": "formats:github",
    "gitlab": "formats:gitlab",
    "sarif": "formats:sarif",
    "junit": "formats:junit",
    "markdown": "formats:markdown",
}
"""Where each format of findings is; it is imported when it is asked for."""


@dataclass
class Context:
    """The files, the terms and the output that a command was asked for."""

    policy: tuple[str, ...] = ()
    """The paths that were given."""
    paths: tuple[Path, ...] = ()
    """The paths that were read."""
    modules: tuple[str, ...] = ()
    """Those to import."""
    src: tuple[str, ...] = ()
    env: str | None = None
    assumed: dict[str, str] = field(default_factory=dict, repr=False)
    """Variables of the process to take as set."""
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    """Values over those of `vars`."""
    overrides: tuple[RuleBlock, ...] = ()
    written: tuple[str, ...] = ()
    """What `--set` said, for reports."""
    format: str = "text"
    output: Path | None = None
    color: bool | None = None
    """None leaves it to the terminal."""
    renamed: dict[str, str] = field(default_factory=dict)
    """What folders made for this command are called in what it shows."""
    quiet: bool = False
    verbose: bool = False

    # --- reading ----------------------------------------------------------------------

    @cached_property
    def tree(self) -> SourceTree:
        """What looks functions up in the source: one for all of a command."""
        return SourceTree(roots(self.src))

    def terms(self, *, by_source: bool = True) -> Terms:
        """Return the terms to read a policy under."""
        return Terms(
            self.env,
            {**os.environ, **self.assumed},
            overrides=self.overrides,
            variables=self.variables,
            tree=self.tree if by_source else None,
        )

    def read(self, *, by_source: bool = True, every: bool = False, needed: bool = True) -> Loaded:
        """Return what the policy files say in the environment that was asked for.

        Without *by_source*, no source tells which targets are names of one function.
        With *every*, the findings are those of all environments, unless one was asked for.
        Where none is *needed*, there may be no policy at all: decorators stand in the code.
        """
        wanted = self.policy or needed or files.any_policy()
        self.paths = files.paths(self.policy) if wanted else ()
        terms = self.terms(by_source=by_source)
        names = [files.shown(path) for path in self.paths]
        with waiting("reading policies"):
            if every and self.env in (None, EVERY):
                loaded = load_every(names, replace(terms, environment=None))
            else:
                loaded = load(names, terms)
                self.check_environment(loaded)
        for file in loaded.files if self.verbose else ():
            text = many(len(file.policies), "policy", "policies")
            click.echo(f"read {file.file}: {text}", err=True)
        return loaded

    def check_environment(self, *sides: Loaded) -> None:
        """End the command where the environment asked for is one that none of *sides* names."""
        names = {name for side in sides for name in side.environments}
        if self.env == EVERY and EVERY not in names:
            exits.stop("one environment at a time: --env all is for `validate`")
        if not self.env or any(side.environment for side in sides):
            return
        unknown = next((side.unknown for side in sides if side.unknown), None)
        if unknown is not None:
            text = f"{unknown.message}; {unknown.help}"
            if any(side.misnamed for side in sides):
                exits.stop(text)
            self.tell(f"mlpolicy: {text}: the base holds")
        elif any(side.files for side in sides) and not any(side.refused for side in sides):
            self.tell(f"mlpolicy: no file names any environment: `{self.env}` changes nothing")

    # --- giving out -------------------------------------------------------------------

    def tell(self, text: str) -> None:
        """Say *text* beside the data, unless `--quiet` asks for data alone."""
        if not self.quiet:
            click.echo(text, err=True)

    def emit(self, text: str, *, as_data: bool = False) -> None:
        """Give out what the command has to say, to stdout or where `--output` says.

        What programs read is *as_data* in UTF-8, whatever the terminal speaks, and has no colour.
        """
        if self.output is not None:
            text = text if as_data or self.color else click.unstyle(text)
            save(text.encode("utf-8", "replace"), self.output)
        elif as_data:
            click.echo(text.encode("utf-8", "replace"), nl=False)
        else:
            encoding = sys.stdout.encoding or "utf-8"  # click writes UTF-8 where that is ASCII
            text = text.encode(encoding, "replace").decode(encoding)
            click.echo(text, nl=False, color=self.color)

    def give(self, schema: str, content: Mapping[str, Any], text: str | None = None) -> None:
        """Give out *text* where people look at it, else *content* as JSON that names its *schema*."""
        if self.format == "text" and text is not None:
            self.emit(f"{text}\n" if text else "")
            return
        content = {"schema": schema, **content}
        written = json.dumps(content, indent=2, ensure_ascii=False, default=str)
        self.emit(f"{written}\n", as_data=True)

    def table(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Return *rows*, by the names of their fields, as a table for people; no text for none."""
        from mlpolicy.cli.render.text import table

        cells = [
            [", ".join(cell) if isinstance(cell, list) else str(cell) for cell in row.values()]
            for row in rows
        ]
        head = [title.upper() for title in next(iter(rows), ())]
        terminal = sys.stdout.isatty() and self.output is None
        return table(head, cells, terminal=terminal, colour=self.color) if rows else ""

    # --- reports ----------------------------------------------------------------------

    def shown(self, report: Report) -> str:
        """Return *report* in the format that was asked for, for people with a summary."""
        return "\n\n".join(self._parts(report))

    def _parts(self, report: Report) -> Iterator[str]:
        """Yield the findings of *report* one by one where people look at them, and the summary."""
        if self.format == "text":
            from mlpolicy.cli.render.text import findings

            each = chain(findings(report), [] if self.quiet else [report.summary])
        else:
            each = chain(filter(None, [render(report, self.format)]))
        for text in each:
            yield reduce(lambda shown, one: shown.replace(*one), self.renamed.items(), text)

    def show(self, report: Report) -> None:
        """Print *report*, or write it where `--output` says: findings are the data of the command."""
        if self.format != "text" or self.output is not None:
            text = self.shown(report)
            self.emit(f"{text}\n" if text else "", as_data=self.format != "text")
        else:  # (there may be very many)
            between = ""
            for text in self._parts(report):
                self.emit(f"{between}{text}\n")
                between = "\n"
        self.tell_github(report)

    def finish(self, report: Report, *, fail_on: str = "error") -> NoReturn:
        """Print *report* and end the command with its code."""
        report = replace(report, fail_on=fail_on)
        self.show(report)
        sys.exit(exits.FINDINGS if report.failed else exits.FINE)

    def stop(self, loaded: Loaded, more: Sequence[Diagnostic] = ()) -> NoReturn:
        """End a command that needs a sound policy with what is wrong; no file is written for it."""
        self.output = None
        self.finish(Report.of(loaded.shown(more, strict=True)))

    def tell_github(self, report: Report) -> None:
        """Add what a workflow of GitHub shows beside its log."""
        inside = self.format == "text" and in_github()
        if inside or self.format == "github":
            from mlpolicy.cli.render.formats import github, summarise

            if inside and report.diagnostics:
                click.echo(github(report).encode("utf-8", "replace"))
            summarise(report)


def in_github() -> bool:
    """Whether a workflow of GitHub runs the command."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def render(report: Report, format: str) -> str:
    """Return *report* in that format."""
    module, _, name = FORMATS[format].partition(":")
    text: str = getattr(import_module(f"mlpolicy.cli.render.{module}"), name)(report)
    return text


@contextmanager
def waiting(what: str, *, patience: float = 2.0) -> Iterator[None]:
    """Show on stderr that *what* is under way after *patience* seconds, if a person is there."""
    if not sys.stderr.isatty():
        yield
        return
    shown: list[Status] = []

    def begin() -> None:
        from rich.console import Console

        shown.append(Console(file=sys.stderr).status(f"{what} …"))
        shown[0].start()

    timer = Timer(patience, begin)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # one that has begun is shown, and can then be stopped
        for status in shown:
            status.stop()
