"""What is wrong with policies as a whole, without looking at any code."""

from __future__ import annotations

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.plan.lint import conflicts, holding, meaning, unused
from mlpolicy.plan.rulebook import Rulebook


def lint(rulebook: Rulebook) -> tuple[Diagnostic, ...]:
    """Return everything wrong with the policies of *rulebook*, in the order of the files."""
    return in_order(
        [
            *rulebook.profiles.diagnostics,
            *conflicts.lint(rulebook),
            *holding.lint(rulebook),
            *meaning.lint(rulebook),
            *unused.lint(rulebook),
        ]
    )
