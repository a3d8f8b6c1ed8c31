"""Findings: what is said, where, how gravely; and the codes that they bear."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.core.report import without
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
        texts: dict[str, Any] = {
            of: without(getattr(self, of), secrets) for of in ("message", "help", "label")
        }
        kept = [one for one in self.suggestions if without(one.text, secrets) == one.text]
        more = [replace(one, message=without(one.message, secrets)) for one in self.related]
        return replace(self, **texts, related=tuple(more), suggestions=tuple(kept))

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


FOLDER = Path(__file__).parents[1] / "findings"
Level = Literal["none", "ast", "import"]
"""How far a command looks for targets."""
_SECTION = re.compile(r"^## (\w+)\n\n(.*?)(?=\n## |\Z)", re.M | re.S)


@frozen()
class Code:
    """One finding, as `mlpolicy explain CODE` shows it."""

    code: str
    severity: Severity
    title: str
    finds: str
    """What it finds."""
    why: str
    """Why it matters."""
    before: str
    """A policy file in which it is found, and nothing else."""
    after: str
    """The same file put right."""
    level: Level = "none"
    """How far a command must look to find it."""


class _Written(Code):
    """A code of ours: all but its name is read from its file when it is asked for."""

    __slots__ = ()

    def __init__(self, code: str) -> None:
        object.__setattr__(self, "code", code)

    def __getattr__(self, name: str) -> Any:
        if name not in Code.__annotations__:
            raise AttributeError(f"{type(self).__name__} has no {name}")
        text = FOLDER.joinpath(f"{self.code}.md").read_text(encoding="utf-8")
        _, front, body = text.split("---\n", 2)
        said = dict(line.split(": ", 1) for line in front.splitlines())
        sections = {title.lower(): content for title, content in _SECTION.findall(body)}
        for part in ("finds", "why"):
            said[part] = " ".join(sections[part].split("\n")).strip()
        for part in ("before", "after"):
            said[part] = sections.get(part, "").removeprefix("~~~yaml\n").removesuffix("~~~\n")
        for key, value in said.items():
            setattr(self, key, value)
        return said[name]


@cache
def shared() -> tuple[Code, ...]:
    """Return the codes of ours, in order."""
    return tuple(_Written(path.stem) for path in sorted(FOLDER.glob("MP*.md")))
