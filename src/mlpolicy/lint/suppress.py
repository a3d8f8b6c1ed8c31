"""Findings that an author asked not to see: by a comment on their line, or for a whole file set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.node import Node, scalars
from mlpolicy.document.parse import Document
from mlpolicy.model.policy import Settings

_MARK = "mlpolicy:"
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
    unknown: bool = False
    """Whether there is no such code."""
    meant: str = ""
    """The code that was probably meant then."""
    there: str = ""
    """The only code that is found on the line then."""


@dataclass(slots=True)
class Suppressions:
    """All suppressions of a set of files."""

    each: list[Suppression] = field(default_factory=list)
    _at: dict[tuple[str, str, int | None], list[Suppression]] = field(init=False)

    def __post_init__(self) -> None:
        self._at = {}
        for one in self.each:
            self._take_for(one, one.code)

    def _take_for(self, one: Suppression, code: str) -> None:
        file = "" if one.line is None else one.span.file
        self._at.setdefault((code, file, one.line), []).append(one)

    @classmethod
    def of(cls, documents: Iterable[Document], settings: Settings) -> Suppressions:
        """Return those written in *documents* and in *settings*."""
        found = [one for document in documents for one in _comments(document)]
        found += (Suppression(name.text, reason, name.span) for name, reason in settings.ignore)
        return cls(found)

    def read(self, known: Iterable[str]) -> Suppressions:
        """Take codes that are none of *known* for the nearest: what follows from a slip is no news."""
        known = tuple(known)
        for one in self.each:
            if one.code not in known:
                one.unknown = True
                one.meant = closest(one.code, known) or ""
                self._take_for(one, one.meant)
        return self

    def kept(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return the findings to show, and remember which suppressions took one away."""
        if not self.each:
            return tuple(diagnostics)
        diagnostics = tuple(diagnostics)
        self._guess(diagnostics)
        return tuple(one for one in diagnostics if not self._take(one))

    def _guess(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Take a code that is like no other for the only one that is found on its line."""
        unclear = [one for one in self.each if one.unknown and not one.meant]
        if not unclear:
            return
        there: dict[tuple[str, int | None], set[str]] = {}
        for found in diagnostics:
            there.setdefault((found.span.file, found.span.line), set()).add(found.code)
        for one in unclear:
            codes = there.get((one.span.file, one.line), set())
            if len(codes) == 1:
                one.there = next(iter(codes))
                self._take_for(one, one.there)

    def _take(self, one: Diagnostic) -> bool:
        if one.code in _NEVER:
            return False
        places = ((one.code, one.span.file, one.span.line), (one.code, "", None))
        taken = [each for place in places for each in self._at.get(place, ())]
        for each in taken:
            each.used = True
        return bool(taken)

    def findings(self, *, may_be_found: Callable[[str], bool]) -> Iterator[Diagnostic]:
        """Yield what is wrong with the suppressions themselves, once they were read.

        Args:
            may_be_found: Whether a code was looked for; only then can it be unused.
        """
        for one in self.each:
            if one.unknown:
                yield _unknown(one)
                continue
            if not one.reason.strip():
                text = f"{one.code} is suppressed without a reason"
                yield Diagnostic("MP090", text, one.span, "warning", help="say why, behind it")
            if not one.used and may_be_found(one.code):
                text = f"{one.code} is suppressed here and not found"
                yield Diagnostic("MP092", text, one.span, "warning", help="take it out")


def _unknown(one: Suppression) -> Diagnostic:
    text = f"there is no finding `{one.code}`"
    known = f"on this line is `{one.there}`" if one.there else "write a code such as `MP301`"
    help, edits = did_you_mean(one.meant, known), repair(one.span, one.meant)
    return Diagnostic("MP091", text, one.span, help=help, suggestions=edits)


def _comments(document: Document) -> Iterator[Suppression]:
    if _MARK not in document.text:
        return
    texts = _texts(document.root)
    for number, line in enumerate(document.lines, 1):
        if _MARK not in line:
            continue
        match = _COMMENT.search(line)
        if match is None:
            continue
        place = (number, line.index("#", match.start()) + 1)
        if any(_holds(one, place) for one in texts.get(number, ())):
            continue
        at = match.start("codes")
        for code in match["codes"].split(","):
            lead = len(code) - len(code.lstrip())
            begin = at + lead + 1
            span = Span(document.file, number, begin, number, begin + len(code.strip()))
            yield Suppression(code.strip(), match["reason"], span, number)
            at += len(code) + 1


def _texts(root: Node | None) -> dict[int, list[Span]]:
    """Return where values stand, by line: there `#` begins no comment."""
    found: dict[int, list[Span]] = {}
    for span in {one.span for one in scalars(root)}:
        for line in range(span.line, span.end_line + 1):
            found.setdefault(line, []).append(span)
    return found


def _holds(span: Span, place: tuple[int, int]) -> bool:
    return (span.line, span.column) <= place < (span.end_line, span.end_column)
