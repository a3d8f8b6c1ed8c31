"""What goes out of a command, and streams that bear whatever is at their other end."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any, Final, TextIO

import click

from mlpolicy.cli import exits
from mlpolicy.cli.render.colour import coloured

OUTPUT: Final = "mlpolicy.output"
QUIET: Final = "mlpolicy.quiet"
VERBOSE: Final = "mlpolicy.verbose"


class Unwritable(click.ClickException):
    """What is at the other end of a stream takes no more."""

    exit_code = exits.USAGE

    def show(self, file: Any = None) -> None:
        """Say so on stderr."""
        click.echo(f"mlpolicy: the output cannot be written: {self.message}", err=True)


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
                raise Unwritable(error.strerror or str(error)) from error
        return len(data)


def steady(stream: TextIO | None, number: int) -> TextIO:
    """Return *stream*, of that file number, so that no character, reader or disk is our bug."""
    if stream is None:  # closed before we began
        return open(os.devnull, "w", encoding="utf-8")
    if os.name != "posix":
        return stream
    buffer = io.BufferedWriter(_Pipe(number, "w", closefd=False))
    return io.TextIOWrapper(
        buffer, encoding=stream.encoding, errors="replace", line_buffering=stream.isatty()
    )


def kept(name: str) -> Any:
    """Return what an option of the running command left under *name*."""
    context = click.get_current_context(silent=True)
    return context.meta.get(name) if context is not None else None


def tell(text: str) -> None:
    """Say *text* beside the data, unless `--quiet` asks for data alone."""
    if not kept(QUIET):
        click.echo(text, err=True)


def emit(text: str, *, end: str = "\n") -> None:
    """Give out the data of a command as text for people, to stdout or where `--output` says."""
    path = kept(OUTPUT)
    if path is not None:
        _write(text if coloured() else click.unstyle(text), path, end)
    elif text:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        text = text.encode(encoding, "replace").decode(encoding)
        click.echo(text + end, nl=False, color=coloured())


def emit_for_programs(text: str, *, end: str = "\n") -> None:
    """Give out *text*, which programs read: in UTF-8, whatever the terminal speaks."""
    path = kept(OUTPUT)
    if path is not None:
        _write(text, path, end)
    elif text:
        click.echo((text + end).encode("utf-8", "replace"), nl=False)


def emit_json(schema: str, content: dict[str, Any]) -> None:
    """Give out *content* as JSON that names its *schema*."""
    text = json.dumps({"schema": schema, **content}, indent=2, ensure_ascii=False, default=str)
    emit_for_programs(text)


def _write(text: str, path: Path, end: str) -> None:
    write((text + end if text else "").encode("utf-8", "replace"), path)


def write(content: bytes, path: Path) -> None:
    """Put *content* into the file at *path*; end the command where that cannot be done."""
    from mlpolicy.cli.render.save import save

    try:
        save(content, path)
    except OSError as error:
        exits.stop(f"`{path}` cannot be written: {error.strerror or error}")
