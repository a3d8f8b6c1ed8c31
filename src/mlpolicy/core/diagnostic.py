"""Findings: what is said, where, how gravely; and the codes that they bear."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from mlpolicy.core.classes import frozen
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
        kept = [
            one
            for one in self.suggestions
            if (one.text, one.title) == (without(one.text, secrets), without(one.title, secrets))
        ]
        more = [replace(one, message=without(one.message, secrets)) for one in self.related]
        made = replace(self, **texts, related=tuple(more), suggestions=tuple(kept))
        return self if made == self else made  # (most hold none, and there may be very many)

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


# --- spelling ------------------------------------------------------------------------------

_LISTED = 20
_MOST = 2000
"""Names among which one that was meant is looked for."""
_SHORTEST = 3
"""Letters from which on the beginning of a word stands for it."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return which of *known* the word *word* was probably meant to be.

    Of very many that is not asked: a file may have thousands of names, and thousands that miss them.
    """
    names = tuple(known)
    return _closest(word, names) if len(names) <= _MOST and len(word) <= _LONG else None


@lru_cache(4096)
def _closest(word: str, known: tuple[str, ...]) -> str | None:
    names = {name.lower(): name for name in known}
    begun = [name for name in names if name.startswith(word.lower())]
    if len(begun) == 1 and len(word) >= _SHORTEST:
        return names[begun[0]]
    # Of three letters, one is a third.
    near = alike(word.lower().replace("-", "_"), names, cutoff=0.6 if len(word) < 5 else 0.7)
    return names[near] if near else None


def alike(word: str, known: Iterable[str], *, cutoff: float) -> str | None:
    """Return which of *known* is most like *word*; None where none is as much as *cutoff*."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=cutoff)
    return near[0] if near else None


def did_you_mean(word: str | None, otherwise: str = "") -> str:
    """Return the question whether *word* was meant; *otherwise* where there is none."""
    return f"did you mean `{word}`?" if word else otherwise


def there_are(names: Iterable[str]) -> str:
    """Return a remark that lists *names*, if they are not too many to be read."""
    each = [f"`{name}`" for name in names]
    more = f" and {len(each) - _LISTED} more" if len(each) > _LISTED else ""
    return f"there are {', '.join(each[:_LISTED])}{more}"


def many(count: int, one: str, more: str = "") -> str:
    """Return *count* with its noun."""
    return f"{count} {one if count == 1 else more or one + 's'}"
