"""Findings in policy files: values that are collected and returned, never raised at the first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.core.redact import without
from mlpolicy.core.span import Span

Severity = Literal["error", "warning", "info"]


@frozen()
class Related:
    """Another place that the finding is about."""

    message: str
    span: Span


@frozen()
class Suggestion:
    """A repair: *text* in place of *span*."""

    title: str
    span: Span
    text: str
    safe: bool = False
    """Whether `validate --fix` may write it: nobody could want another one."""


def repair(span: Span, word: str | None, *, safe: bool = False) -> tuple[Suggestion, ...]:
    """Return the edit that writes *word* at *span*; none where nobody knows what was meant."""
    return (Suggestion(f"write `{word}`", span, word, safe),) if word else ()


@frozen()
class Diagnostic:
    """One finding: a stable code, a place, one sentence, and, where known, a remedy."""

    code: str
    message: str
    span: Span
    severity: Severity = "error"
    label: str = ""
    """What to write under the carets of the excerpt."""
    help: str = ""
    related: tuple[Related, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    environment: str = ""
    """The environments in which it is found, with commas, where it is not found without one."""

    def less(self, secrets: Iterable[str]) -> Diagnostic:
        """Return the finding with none of the *secrets* in it, nor a repair that writes one."""
        kept = [one for one in self.suggestions if without(one.text, secrets) == one.text]
        return replace(
            self,
            message=without(self.message, secrets),
            help=without(self.help, secrets),
            label=without(self.label, secrets),
            related=tuple(
                replace(one, message=without(one.message, secrets)) for one in self.related
            ),
            suggestions=tuple(kept),
        )

    def __str__(self) -> str:
        """Return the finding in one line."""
        remedy = f" ({self.help})" if self.help else ""
        return f"{self.span}: {self.severity}[{self.code}] {self.message}{remedy}"


def in_order(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return *diagnostics* by place, each once, and none that repeats a long text as a whole."""
    unique = dict.fromkeys(map(_shortened, diagnostics))
    return tuple(sorted(unique, key=lambda one: (one.span, one.code, one.message)))


_LONG = 200
"""Letters of a text in a message; who wants to see more looks at the file."""
_QUOTED = re.compile(rf"`([^`]{{{_LONG}}})[^`]+`")


def _shortened(one: Diagnostic) -> Diagnostic:
    if max(len(one.message), len(one.help)) <= 4 * _LONG:  # as nearly all are
        return one
    message, help = (_QUOTED.sub(r"`\1…`", text) for text in (one.message, one.help))
    return replace(one, message=message, help=help)
