"""A policy as it was at a revision of git."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlpolicy.cli import exits, sources


@contextmanager
def at_revision(revision: str, path: Path) -> Iterator[list[Path]]:
    """Give *path* as it was at *revision*, with all that lay beside it, in a folder of its own."""
    folder = path if path.is_dir() else path.parent
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    inside = folder.resolve().relative_to(top.resolve())
    tree = _git(top, "archive", "--format=tar", revision, "--", str(inside))
    with tempfile.TemporaryDirectory(prefix="mlpolicy-") as made:
        with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
            archive.extractall(made, filter="data")
        there = Path(made, inside)
        yield [there if path.is_dir() else there / path.name]


def _git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder if folder.is_dir() else Path.cwd()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        sources.stop("git was not found, which `git:` needs", exits.USAGE)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        sources.stop(f"git: {said[-1] if said else 'failed'}", exits.USAGE)
    return done.stdout
