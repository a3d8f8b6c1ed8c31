"""What a command found, ready to be shown in any format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.frozen import frozen
from mlpolicy.plan.load import Loaded


@frozen()
class Report:
    """Findings, with the text that they are about."""

    diagnostics: Sequence[Diagnostic]
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The lines of each file."""
    files: int = 0
    policies: int = 0
    environments: int = 0
    """How many environments were looked at; 0 if nobody asked for one."""
    fail_on: str = "error"
    """The mildest finding that makes the command fail."""

    @classmethod
    def of(
        cls, loaded: Loaded, more: Sequence[Diagnostic] = (), *, environments: int = 0
    ) -> Report:
        """Return the findings of *loaded*, and *more*, by place."""
        found = sorted((*loaded.diagnostics, *more), key=lambda one: (one.span, one.code))
        return cls(
            tuple(dict.fromkeys(found)),
            {document.file: document.lines for document in loaded.texts},
            files=len(loaded.documents),
            policies=len(loaded.rulebook.policies),
            environments=environments,
        )

    def count(self, severity: str) -> int:
        """Return how many findings are that grave."""
        return sum(one.severity == severity for one in self.diagnostics)

    def fails(self, one: Diagnostic) -> bool:
        """Return whether *one* alone makes the command fail."""
        grades = ("error", "warning", "info")
        return grades.index(one.severity) <= grades.index(self.fail_on)

    @property
    def failed(self) -> bool:
        """Whether any finding makes the command fail."""
        return any(map(self.fails, self.diagnostics))


def sentence(one: Diagnostic) -> str:
    """Return what is wrong, with what an excerpt would have under its carets."""
    return f"{one.message}: {one.label}" if one.label else one.message


def in_a_line(one: Diagnostic) -> str:
    """Return the place of a finding, what is wrong and what to do."""
    remedy = f" ({one.help})" if one.help else ""
    return f"{one.span}: {one.severity}[{one.code}] {sentence(one)}{remedy}"


def repairs(one: Diagnostic) -> dict[str, list[Suggestion]]:
    """Return the edits of each repair by its title: what has one title is done together."""
    found: dict[str, list[Suggestion]] = {}
    for suggestion in one.suggestions:
        found.setdefault(suggestion.title, []).append(suggestion)
    return found
