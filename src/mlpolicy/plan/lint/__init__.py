"""What is wrong with policies as a whole, without looking at any code."""

from __future__ import annotations

from collections.abc import Iterable

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.model.read import Source
from mlpolicy.plan.lint import conflicts, holding, meaning, unused, written
from mlpolicy.plan.rulebook import Rulebook


def lint(rulebook: Rulebook, sources: Iterable[Source]) -> tuple[Diagnostic, ...]:
    """Return everything wrong with the policies of *rulebook*, read from *sources*."""
    sources = tuple(sources)
    unused_variables = (
        written.unused_variables(sources)
        if rulebook.read.whole and not rulebook.read.beside
        else ()
    )
    return in_order(
        [
            *rulebook.profiles.diagnostics,
            *conflicts.lint(rulebook),
            *holding.lint(rulebook),
            *meaning.lint(rulebook),
            *unused.lint(rulebook),
            *unused_variables,
            *written.written_secrets(sources),
        ]
    )
