"""Findings that are not shown: by a comment on their line, or by the settings, with a reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass

from mlpolicy.core.diagnostic import Diagnostic, closest, did_you_mean, repair
from mlpolicy.core.span import Span
from mlpolicy.document.node import scalars
from mlpolicy.document.parse import Document
from mlpolicy.model.policy import Settings

_COMMENT = re.compile(r"(?:^|\s)#\s*mlpolicy:\s*ignore\[(?P<codes>[^\]]*)\](?P<reason>.*)$")
_GUARDS = ("MP010", "MP401", "MP402")
"""Code that is not allowed, and policies that contradict each other: no matter of the code alone."""


@dataclass(slots=True)
class Suppression:
    """One code that is not to be shown: on one line, or anywhere."""

    code: str
    reason: str
    span: Span
    line: int | None = None
    """The line that it is for; None for all files."""
    used: bool = False
    vain: str = ""
    """Why an error that it names is shown all the same."""


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

    def kept(
        self, diagnostics: Iterable[Diagnostic], *, lasting: Container[tuple[str, Span]]
    ) -> tuple[Diagnostic, ...]:
        """Return the findings to show, and remember which suppressions took one away.

        None takes away an error that is *lasting*, by its code and place, or of another file:
        whom a guardrail binds does not switch it off.
        """
        return tuple(finding for finding in diagnostics if not self._takes(finding, lasting))

    def _takes(self, finding: Diagnostic, lasting: Container[tuple[str, Span]]) -> bool:
        code, span, hides = finding.code, finding.span, False
        is_error = finding.severity == "error"
        stays = is_error and (code in _GUARDS or (code, span) in lasting)
        here = self._at.get((code, span.file, span.line), ())
        for one in (*here, *self._at.get((code, "", None), ())):
            if stays:
                one.vain = "nothing hides what keeps a service from starting"
            elif is_error and one.span.file != span.file:
                one.vain = f"an error in `{span.file}` is suppressed there alone"
            else:
                one.used = hides = True
        return hides

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
            if one.vain:
                text = f"{one.code} is found, and shown all the same: {one.vain}"
                help = "mend what is found, or ask the owner of the rule for it; then take this out"
                yield Diagnostic("MP092", text, one.span, "warning", help=help)
            elif not one.used and one.code in sought:
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
            begin, end = column + len(code) - len(code.lstrip()), column + len(code.rstrip())
            span = Span(document.file, number, begin, number, end)
            yield Suppression(code.strip(), match["reason"], span, number)
            column += len(code) + 1
