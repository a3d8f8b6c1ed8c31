"""What a command found, ready to be shown in any format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.document.parse import Document
from mlpolicy.plan.load import Loaded


@dataclass(frozen=True, slots=True)
class Report:
    """Findings, with the text that they are about."""

    diagnostics: Sequence[Diagnostic]
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The lines of each file."""
    files: int = 0
    policies: int = 0

    @classmethod
    def of(cls, loaded: Loaded, more: Sequence[Diagnostic] = ()) -> Report:
        """Return the findings of *loaded*, and *more*, by place."""
        found = sorted((*loaded.diagnostics, *more), key=lambda one: (one.span, one.code))
        return cls(
            tuple(dict.fromkeys(found)),
            {document.file: _lines(document) for document in loaded.documents},
            files=len(loaded.documents),
            policies=len(loaded.rulebook.policies),
        )

    def count(self, severity: str) -> int:
        """Return how many findings are that grave."""
        return sum(one.severity == severity for one in self.diagnostics)

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return self.count("error") > 0


def _lines(document: Document) -> Sequence[str]:
    return document.lines
