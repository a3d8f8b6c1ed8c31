"""What tells a finding from all others, whatever lines are added or removed around it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from mlpolicy.cli.render.checkout import checkout, in_checkout
from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span


def fingerprints(report: Report, root: str = "") -> tuple[str, ...]:
    """Return a stable name for each finding of *report*, in their order, no two alike.

    It is made of the code, the file, the line and the keys above it, and of nothing that counts
    lines. Neither does the message take part: better words are no other finding.
    """
    root = root or checkout()
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for one in report.diagnostics:
        facts = _facts(one, report, root)
        found.append(_digest((*facts, str(seen[facts]))))
        seen[facts] += 1
    return tuple(found)


def _facts(one: Diagnostic, report: Report, root: str) -> tuple[str, ...]:
    lines = report.lines.get(one.span.file, ())
    return (
        one.code,
        in_checkout(one.span.file, root),
        one.environment.partition(", ")[0],
        _under(one.span, lines),
        *_above(one.span.line, lines),
    )


def _digest(facts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(facts).encode(errors="replace")).hexdigest()[:32]


def _under(span: Span, lines: Sequence[str]) -> str:
    """Return the text under the carets."""
    if not 1 <= span.line <= len(lines):
        return ""
    end = span.end_column - 1 if span.end_line == span.line else None
    return lines[span.line - 1][span.column - 1 : end].strip()


def _above(number: int, lines: Sequence[str]) -> Iterator[str]:
    """Return the line of that number and those that it is indented under, the inmost first."""
    inmost = None
    for line in reversed(lines[: max(number, 0)]):
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        if inmost is None or (text and not text.startswith("#") and depth < inmost):
            yield text
            inmost = depth
        if inmost == 0:
            return
