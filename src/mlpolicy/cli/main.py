"""The command `mlpolicy`."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import click

from mlpolicy import __version__
from mlpolicy.cli import exits
from mlpolicy.cli.streams import steady
from mlpolicy.core.words import closest

COMMANDS = {
    "apply": "Prove that the policy takes effect on the real module.",
    "compile": "Write what holds for every function, for review and archives.",
    "diff": "Show what changes for each function between two policies.",
    "doctor": "Look at interpreter, machine and policy; say what is amiss.",
    "explain": "Show what holds for a function, or what a finding means.",
    "init": "Write a first policy, its schema, its test and its CI job.",
    "list": "Show what there is: targets, policies, files, what expires.",
    "run": "Run a command under the policy, its children too.",
    "schema": "Print the JSON Schema that editors complete and check by.",
    "test": "Run the tests of policies: does each do what it should?",
    "validate": "Show everything that is wrong with policy files.",
}

VALUED = (
    "--policy",
    "--env",
    "--set",
    "--assume",
    "--src",
    "--format",
    "--output",
    "-o",
    "--color",
)
FLAGS = ("-q", "--quiet", "-v", "--verbose")
"""Options of commands that may stand before the command, too."""

COMPLETING = "_MLPOLICY_COMPLETE"
CALLING = ("apply", "test")
"""Commands that call code of the user's, which may leave any amount behind."""


class Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"mlpolicy.cli.{cmd_name}").command
        command.short_help = COMMANDS[cmd_name]
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hand what stands before the command to the command, which knows what it takes."""
        at = 0
        while at < len(args) and args[at].startswith("-"):
            name, given, _ = args[at].partition("=")
            if name not in (VALUED if given else (*VALUED, *FLAGS)):
                break
            at += 1 if given or name in FLAGS else 2
        return super().parse_args(ctx, [*args[at : at + 1], *args[:at], *args[at + 1 :]])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called, or say which one was probably meant."""
        try:
            found = super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = closest(args[0], COMMANDS)
            hint = f" Did you mean '{near}'?" if near else ""
            raise click.UsageError(error.message + hint, ctx) from None
        if found[0] in CALLING:
            gc.enable()
        return found


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Options that commands share (--policy, --env, --format, --output, -q, …) may stand "
    "before the command, too. `mlpolicy explain MP301` explains a finding.",
)
@click.version_option(__version__, prog_name="mlpolicy")
def program() -> None:
    """Reliability rules for the functions of ML services, declared in YAML."""


def main() -> None:
    """Run the command line; end with its exit code."""
    if COMPLETING in os.environ:
        import_module("mlpolicy.cli.complete").enable()
    gc.disable()  # a command is short, and what it reads is bounded: collecting costs a third of it
    sys.stdout, sys.stderr = steady(sys.stdout, 1), steady(sys.stderr, 2)
    try:
        sys.exit(program(prog_name="mlpolicy", standalone_mode=False) or exits.FINE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(exits.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 (the edge of the program)
        import traceback

        traceback.print_exc()
        click.echo(
            f"mlpolicy: this is a bug of mlpolicy ({type(error).__name__}: {error}); "
            "please report it with the lines above",
            err=True,
        )
        sys.exit(exits.OUR_BUG)
    finally:
        if not gc.isenabled():
            gc.freeze()  # what is left goes with the process: collecting it takes 20 ms


if __name__ == "__main__":
    main()
