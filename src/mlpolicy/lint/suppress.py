"""Findings that an author asked not to see: by a comment on their line, or for a whole file set."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.span import Span
from mlpolicy.core.spelling import closest, did_you_mean
from mlpolicy.document.node import scalars
from mlpolicy.document.parse import Document
from mlpolicy.model.policy import Settings

_COMMENT = re.compile(r"(?:^|\s)#\s*mlpolicy:\s*ignore\[(?P<codes>[^\]]*)\](?P<reason>.*)$")
_NEVER = ("MP001", "MP002", "MP003", "MP006", "MP007", "MP090", "MP091", "MP092")
"""Without these a file means nothing, or the suppression itself is wrong."""


@dataclass(slots=True)
class Suppression:
    """One code that is not to be shown: on one line, or anywhere."""

    code: str
    reason: str
    span: Span
    line: int | None = None
    """The line that it is for; None for all files."""
    used: bool = False


class Suppressions:
    """All suppressions that are written in *documents* and in *settings*."""

    def __init__(self, documents: Iterable[Document], settings: Settings) -> None:
        found = [one for document in documents for one in _comments(document)]
        found += (Suppression(name.text, why, name.span) for name, why in settings.ignore)
        self._found = found
        self._at: dict[tuple[str, str, int | None], list[Suppression]] = {}
        for one in found:
            file = "" if one.line is None else one.span.file
            self._at.setdefault((one.code, file, one.line), []).append(one)

    def kept(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return the findings to show, and remember which suppressions took one away."""
        return tuple(finding for finding in diagnostics if not self._takes(finding))

    def _takes(self, finding: Diagnostic) -> bool:
        here = (finding.code, finding.span.file, finding.span.line)
        taken = [*self._at.get(here, ()), *self._at.get((finding.code, "", None), ())]
        for one in taken if finding.code not in _NEVER else ():
            one.used = True
        return bool(taken) and finding.code not in _NEVER

    def findings(self, known: Collection[str], sought: Container[str]) -> Iterator[Diagnostic]:
        """Yield what is wrong with the suppressions themselves; only a code *sought* can be unused."""
        for one in self._found:
            if one.code not in known:
                near, text = closest(one.code, known), f"there is no finding `{one.code}`"
                help, edits = did_you_mean(near), repair(one.span, near)
                yield Diagnostic("MP091", text, one.span, help=help, suggestions=edits)
                continue
            if not one.reason.strip():
                text = f"{one.code} is suppressed without a reason"
                yield Diagnostic("MP090", text, one.span, "warning", help="write why, after it")
            if not one.used and one.code in sought:
                text = f"{one.code} is suppressed here and not found"
                yield Diagnostic("MP092", text, one.span, "warning", help="take it out")


def _comments(document: Document) -> Iterator[Suppression]:
    """Yield the codes in comments `# mlpolicy: ignore[...]`; none of what stands in a text."""
    if "mlpolicy:" not in document.text:
        return
    texts: dict[int, list[Span]] = {}
    for span in {scalar.span for scalar in scalars(document.root)}:
        for number in range(span.line, span.end_line + 1):
            texts.setdefault(number, []).append(span)
    for number, line in enumerate(document.lines, 1):
        match = _COMMENT.search(line) if "mlpolicy:" in line else None
        if match is None:
            continue
        at = (number, line.index("#", match.start()) + 1)
        each = texts.get(number, ())
        if any((one.line, one.column) <= at < (one.end_line, one.end_column) for one in each):
            continue
        column = match.start("codes") + 1
        for code in match["codes"].split(","):
            begin = column + len(code) - len(code.lstrip())
            span = Span(document.file, number, begin, number, begin + len(code.strip()))
            yield Suppression(code.strip(), match["reason"], span, number)
            column += len(code) + 1
