"""`mlpolicy fmt`: policy files in their one layout."""

from __future__ import annotations

import codecs
import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.options import path_argument, policy_option, shown_options
from mlpolicy.cli.streams import emit, emit_for_programs, emit_json, tell, write
from mlpolicy.core.frozen import frozen
from mlpolicy.core.words import many
from mlpolicy.model.layout import laid_out
from mlpolicy.plan.files import once, policy_files

SCHEMA: Final = "mlpolicy.fmt/1"


@click.command()
@path_argument
@policy_option
@click.option(
    "--check", is_flag=True, help="Write nothing; end with code 4 if a file would change."
)
@click.option("--diff", is_flag=True, help="Show what would change, and write nothing.")
@shown_options("text", "json")
def command(
    path: tuple[str, ...], policy: tuple[str, ...], format: str, *, check: bool, diff: bool
) -> None:
    """Put keys in order, write units one way, and keep every comment.

    `-` reads from the terminal or a pipe and writes to it.
    """
    given = [*path, *policy]
    if "-" in given:
        _pipe(given, format, check=check, diff=diff)
    files = once(one for found in sources.paths(given) for one in policy_files(found))
    dry = check or diff
    tried = (_laid_out(one, one.read_bytes) for one in map(sources.shown, files))
    made = [one for one in tried if one is not None]
    changed = [one for one in made if one.changed]
    for one in () if dry else changed:
        one.write()
    if format == "json":
        emit_json(SCHEMA, {"files": [one.content() for one in made]})
    else:
        emit("\n".join(one.difference() if diff else str(one.path) for one in changed))
    would = "would change" if dry else "changed"
    tell(f"{len(changed)} of {many(len(files), 'file')} {would}")
    if len(made) < len(files):
        sys.exit(exits.FINDINGS)
    sys.exit(exits.DIFFERENT if dry and changed else exits.FINE)


@frozen()
class _Laid:
    """A file, and what it is once it is laid out."""

    path: Path
    old: str
    new: str
    mark: bytes = b""

    @property
    def changed(self) -> bool:
        return self.old != self.new

    def difference(self) -> str:
        name = str(self.path)
        found = difflib.unified_diff(_lines(self.old), _lines(self.new), name, name)
        return "".join(found).removesuffix("\n")

    def content(self) -> dict[str, Any]:
        return {"file": str(self.path), "changed": self.changed, "diff": self.difference()}

    def write(self) -> None:
        write(self.mark + self.new.encode("utf-8"), self.path)


def _lines(text: str) -> list[str]:
    """Return the lines of *text* as a patch has them."""
    *lines, last = text.split("\n")
    end = [f"{last}\n\\ No newline at end of file\n"] if last else []
    return [*(f"{line}\n" for line in lines), *end]


def _pipe(given: list[str], format: str, *, check: bool, diff: bool) -> NoReturn:
    """Lay out what comes in."""
    if given != ["-"]:
        exits.stop("`-` stands alone: one text comes in, and one goes out")
    one = _laid_out(Path("-"), sys.stdin.buffer.read)
    if one is None:
        sys.exit(exits.FINDINGS)
    if format == "json":
        emit_json(SCHEMA, {"files": [one.content()]})
    elif diff:
        emit(one.difference())
    elif not check:
        emit_for_programs(one.new, end="")
    sys.exit(exits.DIFFERENT if (check or diff) and one.changed else exits.FINE)


def _laid_out(path: Path, read: Callable[[], bytes]) -> _Laid | None:
    """Return the file, or say why it stays as it is: the others are laid out all the same."""
    try:
        content = read()
        mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        text = content[len(mark) :].decode("utf-8")
        return _Laid(path, text, laid_out(text, file=str(path)), mark)
    except OSError as error:
        said = f"`{path}` cannot be read: {error.strerror or error}"
    except UnicodeDecodeError as error:
        said = f"`{path}` cannot be read: {error}"
    except ValueError as error:
        said = str(error)
    click.echo(f"mlpolicy: {said}", err=True)
    return None
