"""A policy as it was at a revision of git."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlpolicy.cli import exits
from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span


class Revision:
    """What lies in a temporary folder, and what it is called in the history."""

    def __init__(self, name: str, folder: Path, path: Path | None) -> None:
        self.name, self.folder, self.path = name, folder, path

    def called(self, report: Report) -> Report:
        """Return *report* with the names of the history: `git:main:policies/a.yaml`."""
        lines = {self._name(file): lines for file, lines in report.lines.items()}
        return replace(report, diagnostics=tuple(map(self._of, report.diagnostics)), lines=lines)

    def _of(self, one: Diagnostic) -> Diagnostic:
        related = tuple(replace(other, span=self._span(other.span)) for other in one.related)
        return replace(one, span=self._span(one.span), related=related, suggestions=())

    def _span(self, span: Span) -> Span:
        return replace(span, file=self._name(span.file))

    def _name(self, file: str) -> str:
        return file.replace(f"{self.folder}/", f"git:{self.name}:")


@contextmanager
def at_revision(name: str, path: Path) -> Iterator[Revision]:
    """Give *path* as it was at the revision *name*, with all that lay beside it.

    Its path is None where there was no such path.
    """
    folder = path if path.is_dir() else path.parent
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    tree = _tree(top, name)
    where = path.resolve()
    if not where.is_relative_to(top.resolve()):
        exits.stop(f"`{path}` is not in the repository `{top}`")
    whole = where.relative_to(top.resolve())
    beside = whole if path.is_dir() else whole.parent
    with tempfile.TemporaryDirectory(prefix="mlpolicy-") as made:
        listed = _git(top, "ls-tree", "-z", "--name-only", tree, "--", str(whole))
        if not listed and whole != Path():
            yield Revision(name, Path(made), None)
            return
        archive = _git(top, "archive", "--format=tar", tree, "--", str(beside))
        with tarfile.open(fileobj=io.BytesIO(archive)) as content:
            content.extractall(made, filter="data")
        yield Revision(name, Path(made), Path(made, whole))


def _tree(top: Path, name: str) -> str:
    """Return the hash of the tree at *name*, which may be anything that somebody typed."""
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}")
    found = _git(top, *asked, or_else=b"").decode().split()
    if not found:
        exits.stop(f"git knows no revision `{name}`")
    return found[-1]


def _git(folder: Path, *arguments: str, or_else: bytes | None = None) -> bytes:
    command = ["git", "-C", str(folder if folder.is_dir() else Path.cwd()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        exits.stop("git was not found, which `git:` needs")
    if done.returncode and or_else is not None:
        return or_else
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        exits.stop(f"git: {said[-1] if said else 'failed'}")
    return done.stdout
