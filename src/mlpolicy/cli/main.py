"""The command `mlpolicy`."""

from __future__ import annotations

import gc
import io
import os
import sys
from importlib import import_module
from typing import Any, TextIO

import click

from mlpolicy import __version__
from mlpolicy.cli import exits
from mlpolicy.core.diagnostic import closest

COMMANDS = (
    *("alerts", "apply", "compile", "dashboard", "diff", "doctor", "events", "explain"),
    *("init", "list", "profile", "run", "schema", "test", "top", "validate"),
)
VALUED = (
    *("--policy", "--env", "--set", "--assume", "--src"),
    *("--format", "--output", "-o", "--color"),
)
FLAGS = ("-q", "--quiet", "-v", "--verbose")
"""Options of commands that may stand before the command, too."""
CALLING = ("apply", "events", "test")
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
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hand what stands before the command to the command, which knows what it takes."""
        at = 0
        while at < len(args):
            name, given, _ = args[at].partition("=")
            if name not in VALUED and (given or name not in FLAGS):
                break
            at += 2 if name in VALUED and not given else 1
        return super().parse_args(ctx, [*args[at : at + 1], *args[:at], *args[at + 1 :]])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called, or name the one that is closest."""
        try:
            resolved = super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = closest(args[0], COMMANDS)
            hint = f" Did you mean '{near}'?" if near else ""
            raise click.UsageError(error.message + hint, ctx) from None
        if resolved[0] in CALLING:
            gc.enable()
        return resolved


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Options that commands share (--policy, --env, --format, --output, -q, …) may stand "
    "before the command, too. `mlpolicy explain MP301` explains a finding.",
)
@click.version_option(__version__, prog_name="mlpolicy")
def program() -> None:
    """Reliability rules for the functions of ML services, declared in YAML."""


# --- streams that bear whatever is at their other end ---------------------------------


class _Pipe(io.FileIO):
    """A stream whose reader may go (`| head`): that changes neither output nor exit code."""

    gone = False

    def write(self, data: Any, /) -> int:
        """Write *data* while anybody reads."""
        if not self.gone:
            try:
                return super().write(data) or 0
            except BrokenPipeError:
                self.gone = True
            except OSError as error:
                self.gone = True
                exits.stop(f"the output cannot be written: {error.strerror or error}")
        return len(data)


def steady(stream: TextIO | None, number: int) -> TextIO:
    """Return *stream*, of that file number, so that no character, reader or disk is our bug."""
    if stream is None:  # closed before we began
        return open(os.devnull, "w", encoding="utf-8")
    posix = os.name == "posix"
    buffer = io.BufferedWriter(_Pipe(number, "w", closefd=False)) if posix else stream.buffer
    return io.TextIOWrapper(
        buffer, encoding=stream.encoding, errors="replace", line_buffering=stream.isatty()
    )


def main() -> None:
    """Run the command line; end with its exit code."""
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
