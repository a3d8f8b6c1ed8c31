"""What a host of code knows a file and a finding by: a path in the checkout, and a fingerprint."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence

from mlpolicy.cli.render.report import Report


def checkout() -> str:
    """Return the folder of the checkout: the one that the CI names, if this is in it, else this one."""
    here = os.path.realpath(os.getcwd())
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        root = os.path.realpath(os.environ[name]) if os.environ.get(name) else ""
        if root and _below(here, root):
            return root
    return here


def in_checkout(file: str, root: str) -> str:
    """Return *file* below *root* with slashes; as an absolute path where it is elsewhere."""
    path = os.path.abspath(file)
    path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return (os.path.relpath(path, root) if _below(path, root) else path).replace(os.sep, "/")


def _below(path: str, root: str) -> bool:
    try:
        return os.path.commonpath([path, root]) == root
    except ValueError:  # on another drive
        return False


def fingerprints(report: Report, root: str) -> list[str]:
    """Return a stable name for each finding of *report*, in their order, no two alike.

    It is made of the code, the file, the environment, the line and the keys above it, and of
    nothing that counts lines. Neither does the message take part: better words are not another
    finding.
    """
    seen: Counter[str] = Counter()
    names = []
    for finding in report.diagnostics:
        span = finding.span
        above = _above(report.lines.get(span.file, ())[: span.line])
        environment = finding.environment.partition(", ")[0]
        columns = f"{span.column} {span.end_column}"
        parts = (finding.code, in_checkout(span.file, root), environment, columns, *above)
        text = "\0".join(parts)
        name = f"{text}\0{seen[text]}".encode(errors="replace")
        names.append(hashlib.sha256(name).hexdigest()[:32])
        seen[text] += 1
    return names


def _above(lines: Sequence[str]) -> Iterator[str]:
    """Yield the last of *lines* and those that it is indented under, the inmost first."""
    inmost = None
    for line in reversed(lines):
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if inmost is None or (text and not text.startswith("#") and indent < inmost):
            yield text
            inmost = indent
