"""`mlpolicy run`: a command under the policy, and its children too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import click

from mlpolicy.cli import exits
from mlpolicy.cli.findings import resolved
from mlpolicy.cli.options import ENVIRONMENT, Context, shared
from mlpolicy.cli.render.report import Report
from mlpolicy.core.address import Address
from mlpolicy.install import site
from mlpolicy.ops.workers import INHERITED, OFF, VARIABLE, together

SCRIPT = "mlpolicy.install.script"
FLAGS = ("--require-all", "-h", "--help", "-q", "--quiet", "-v", "--verbose")
FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")


class Running(click.Command):
    """What stands after `-m MODULE` is the module's, as with `python -m`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep our options off the arguments of the module."""
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] not in ("-m", "--"):
            at += 1 if args[at] in FLAGS or "=" in args[at] else 2
        if args[at : at + 1] == ["-m"]:
            args = [*args[: at + 2], "--", *args[at + 2 :]]
        return super().parse_args(ctx, args)


@click.command(cls=Running, context_settings={"allow_interspersed_args": False})
@shared("policy env")
@click.option("-m", "module", metavar="MODULE", help="Run a module, as `python -m` does.")
@click.option(
    "--ops",
    metavar="ADDRESS",
    envvar=VARIABLE,
    help="Open a port to look at the service: 127.0.0.1:9464, or :0 for any that is free.",
)
@click.option(
    "--require-all",
    is_flag=True,
    help="Start only if every target takes effect, as `apply --all --check` proves it.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    context: Context,
    *,
    module: str | None,
    ops: str | None,
    require_all: bool,
    arguments: tuple[str, ...],
) -> None:
    """Run a command under the policy, its children too.

    `mlpolicy run -- gunicorn app:app`; a `script.py` or `-m MODULE` is run by this Python.
    The exit code is that of the command; 128 and its number for a signal.
    """
    wanted = _command(module, list(arguments))
    if not wanted:
        exits.stop("name a command: mlpolicy run -- COMMAND")
    loaded = context.read(by_source=False)
    if loaded.refused:
        context.stop(loaded)
    if require_all:
        report = Report.of(resolved(context, loaded, level="import", strict=True))
        if report.failed:
            context.finish(report)
    address = None if ops == OFF else loaded.rulebook.settings.ops
    if ops and ops != OFF:
        address = _address(ops)
    sys.exit(run(context, wanted, ops=address))


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ops") from None


def _command(module: str | None, given: list[str]) -> list[str]:
    if given[:1] == ["--"]:
        given = given[1:]
    if module is not None:
        return [sys.executable, "-m", module, *given]
    if given and given[0].endswith(".py"):
        if not Path(given[0]).is_file():
            exits.stop(f"`{given[0]}` does not exist", exits.NOT_FOUND)
        return [sys.executable, "-m", SCRIPT, *given]
    if len(given) > 1 and Path(given[0]).name.startswith("python") and given[1].endswith(".py"):
        return [given[0], "-m", SCRIPT, *given[1:]]
    return given


def run(
    context: Context,
    command: Sequence[str],
    *,
    within: Sequence[Path] = (),
    ops: Address | None = None,
) -> int:
    """Run *command* under the policy that was read; return its exit code.

    Every Python process that it starts puts the policy in force; modules are looked for in the
    folders *within* first. One of them answers at *ops*.
    """
    try:
        with together(command, ops) as shared:
            if VARIABLE in shared:
                click.echo(f"ops: http://{shared[VARIABLE]}", err=True)
            return _run(context, command, within, shared)
    except OSError as error:
        exits.stop(f"{ops} cannot be listened at: {error.strerror}")


def _run(
    context: Context, command: Sequence[str], within: Sequence[Path], shared: Mapping[str, str]
) -> int:
    path = [str(Path(site.__file__).parent), *map(os.path.abspath, within)]
    variables = {**os.environ, **shared} | {
        "MLPOLICY_POLICY": os.pathsep.join(map(os.path.abspath, context.paths)),
        "PYTHONPATH": os.pathsep.join(filter(None, (*path, os.environ.get("PYTHONPATH", "")))),
    }
    if context.env:
        variables[ENVIRONMENT] = context.env
    try:
        given = [int(shared[name]) for name in (INHERITED,) if name in shared]
        child = subprocess.Popen(command, env=variables, pass_fds=given)
    except FileNotFoundError:
        exits.stop(f"`{command[0]}` was not found", exits.NOT_FOUND)
    except OSError as error:
        may_not = isinstance(error, PermissionError)
        code = exits.NOT_EXECUTABLE if may_not else exits.RUN_FAILED
        exits.stop(f"`{command[0]}` could not be started: {error.strerror}", code)

    def forward(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    numbers = [getattr(signal, name) for name in FORWARDED if hasattr(signal, name)]
    handlers = {number: signal.signal(number, forward) for number in numbers}
    try:
        code = child.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return code if code >= 0 else exits.SIGNALLED - code
