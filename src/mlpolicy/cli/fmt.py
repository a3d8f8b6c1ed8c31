"""`mlpolicy fmt`: policy files in their one layout."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.options import policy_option
from mlpolicy.cli.render.save import save
from mlpolicy.model.layout import laid_out
from mlpolicy.plan.files import once, policy_files


@click.command()
@click.argument("path", nargs=-1)
@policy_option
@click.option(
    "--check", is_flag=True, help="Write nothing; end with code 4 if a file would change."
)
@click.option("--diff", is_flag=True, help="Show what would change, and write nothing.")
def command(path: tuple[str, ...], policy: tuple[str, ...], *, check: bool, diff: bool) -> None:
    """Put keys in order, write units one way, and keep every comment.

    `-` reads from the terminal or a pipe and writes to it.
    """
    given = [*path, *policy]
    if given == ["-"]:
        text = sys.stdin.read()
        click.echo(_laid_out(text, "-"), nl=False)
        return
    files = once(one for found in sources.paths(given) for one in policy_files(found))
    changed = [
        one for one in files if _format(sources.shown(one), write=not (check or diff), diff=diff)
    ]
    would = "would change" if check or diff else "changed"
    click.echo(f"{len(changed)} of {len(files)} files {would}", err=True)
    sys.exit(exits.DIFFERENT if (check or diff) and changed else exits.FINE)


def _format(path: Path, *, write: bool, diff: bool) -> bool:
    """Lay the file at *path* out; return whether that changes it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        sources.stop(f"`{path}` cannot be read: {error}", exits.FINDINGS)
    made = _laid_out(text, str(path))
    if made == text:
        return False
    if not diff:
        click.echo(str(path))
    if diff:
        old, new = text.splitlines(keepends=True), made.splitlines(keepends=True)
        click.echo("".join(difflib.unified_diff(old, new, str(path), str(path))), nl=False)
    if write:
        mark = b"\xef\xbb\xbf" if path.read_bytes().startswith(b"\xef\xbb\xbf") else b""
        save(mark + made.encode("utf-8"), path)
    return True


def _laid_out(text: str, name: str) -> str:
    try:
        return laid_out(text, file=name)
    except ValueError as error:
        click.echo(f"mlpolicy: {error}", err=True)
        sys.exit(exits.FINDINGS)
