"""A policy as it was at a revision of git."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

from mlpolicy.cli import exits
from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span


@frozen()
class Revision:
    """A path as it was at a revision, with all that lay beside it, unpacked into a folder."""

    name: str
    folder: Path
    path: Path | None
    """None where there was no such path."""

    def called(self, report: Report) -> Report:
        """Return *report* with the names of the history: `git:main:policies/a.yaml`."""
        lines = {self._file(file): text for file, text in report.lines.items()}
        return replace(report, diagnostics=tuple(map(self._of, report.diagnostics)), lines=lines)

    def _of(self, finding: Diagnostic) -> Diagnostic:
        related = tuple(replace(each, span=self._span(each.span)) for each in finding.related)
        return replace(finding, span=self._span(finding.span), related=related, suggestions=())

    def _span(self, span: Span) -> Span:
        return replace(span, file=self._file(span.file))

    def _file(self, file: str) -> str:
        return file.replace(f"{self.folder}/", f"git:{self.name}:")


def unpacked(name: str, path: Path, into: Path) -> Revision:
    """Return *path* as it was at the revision *name*; its files are put into the folder *into*."""
    top = Path(_git(path, "rev-parse", "--show-toplevel").decode().strip())
    # The name may be anything that somebody typed.
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}")
    tree = _git(top, *asked, or_else=b"").decode().split()
    if not tree:
        exits.stop(f"git knows no revision `{name}`")
    if not path.resolve().is_relative_to(top.resolve()):
        exits.stop(f"`{path}` is not in the repository `{top}`")
    whole = path.resolve().relative_to(top.resolve())
    listed = _git(top, "ls-tree", "-z", "--name-only", tree[-1], "--", str(whole))
    if not listed and whole != Path():
        return Revision(name, into, None)
    beside = whole if path.is_dir() else whole.parent
    archive = _git(top, "archive", "--format=tar", tree[-1], "--", str(beside))
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        content.extractall(into, filter="data")
    return Revision(name, into, into / whole)


def _git(path: Path, *arguments: str, or_else: bytes | None = None) -> bytes:
    """Return what git prints in the folder of *path*; end the command where it fails."""
    folders = (path, path.parent, Path.cwd())
    folder = next(folder for folder in folders if folder.is_dir())
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        exits.stop("git was not found, which `git:` needs")
    if done.returncode and or_else is None:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        exits.stop(f"git: {lines[-1] if lines else 'failed'}")
    return (or_else or b"") if done.returncode else done.stdout
