"""What a command found, ready to be shown in any format."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, Suggestion, many
from mlpolicy.document.parse import Document
from mlpolicy.plan.load import Loaded

_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the direction of text: a line could be shown other than it is read."""


@frozen()
class Report:
    """Findings, with the text that they are about."""

    diagnostics: Sequence[Diagnostic]
    texts: Mapping[str, Document] = field(default_factory=dict)
    """The files that they are about, by name."""
    files: int = 0
    policies: int = 0
    environments: int = 0
    """How many environments were looked at; 0 if nobody asked for one."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """What no line may show."""
    fail_on: str = "error"
    """The mildest finding that makes the command fail."""

    @classmethod
    def of(cls, loaded: Loaded, *, environments: int = 0) -> Report:
        """Return the findings of *loaded*, by place."""
        findings = sorted(loaded.diagnostics, key=lambda finding: (finding.span, finding.code))
        return cls(
            tuple(dict.fromkeys(findings)),
            {document.file: document for document in loaded.texts},
            files=len(loaded.documents),
            policies=len(loaded.rulebook.policies),
            environments=environments,
            secrets=loaded.secrets,
        )

    def lines(self, file: str) -> Sequence[str]:
        """Return the lines of *file*; none of one that is not known."""
        document = self.texts.get(file)
        return document.lines if document else ()

    def count(self, severity: str) -> int:
        """Return how many findings are that grave."""
        return sum(finding.severity == severity for finding in self.diagnostics)

    def fails(self, finding: Diagnostic) -> bool:
        """Return whether *finding* alone makes the command fail."""
        grades = ("error", "warning", "info")
        return grades.index(finding.severity) <= grades.index(self.fail_on)

    @property
    def failed(self) -> bool:
        """Whether any finding makes the command fail."""
        return any(map(self.fails, self.diagnostics))

    @property
    def summary(self) -> str:
        """How much was found in how much, in a line."""
        scope = [many(self.files, "file"), many(self.policies, "policy", "policies")]
        if self.environments:
            scope.append(many(self.environments, "environment"))
        counts = {severity: self.count(severity) for severity in ("error", "warning")}
        listed = ", ".join(many(count, severity) for severity, count in counts.items() if count)
        return f"{listed or 'No problems found'} in {', '.join(scope)}"


def sentence(finding: Diagnostic) -> str:
    """Return what is wrong, with what an excerpt would have under its carets."""
    return f"{finding.message}: {finding.label}" if finding.label else finding.message


def in_a_line(finding: Diagnostic) -> str:
    """Return the place of a finding, what is wrong and what to do."""
    remedy = f" ({finding.help})" if finding.help else ""
    return f"{finding.span}: {finding.severity}[{finding.code}] {sentence(finding)}{remedy}"


def remarks(finding: Diagnostic) -> list[str]:
    """Return where else a finding holds, and which other places it is about."""
    environment = [f"environment: {finding.environment}"] if finding.environment else []
    return environment + [f"{related.span}: {related.message}" for related in finding.related]


def repairs(finding: Diagnostic) -> dict[str, list[Suggestion]]:
    """Return the edits of each repair by its title: what has one title is done together."""
    by_title: dict[str, list[Suggestion]] = {}
    for suggestion in finding.suggestions:
        by_title.setdefault(suggestion.title, []).append(suggestion)
    return by_title


def visible(text: str) -> str:
    """Return *text* with what would steer a terminal, or reorder the line, in a form to be seen."""
    return text if text.isprintable() else "".join(map(_picture, text))


def _picture(character: str) -> str:
    number = ord(character)
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if character in _TURNING or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
        return "\N{REPLACEMENT CHARACTER}"
    return character
