"""The policies of a test file, as they hold in the environment of a test."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlpolicy.plan.load import Loaded
from mlpolicy.plan.load import Terms as PolicyTerms
from mlpolicy.plan.load import load as load_policies
from mlpolicy.source import SourceTree
from mlpolicy.testing.amounts import moment
from mlpolicy.testing.suite import Terms


def load(paths: Iterable[Path], terms: Terms, survey: SourceTree | None = None) -> Loaded:
    """Return what the files at *paths* say under *terms*: no other variables are seen."""
    now = moment(terms.clock) if terms.clock else None
    return load_policies(
        paths, PolicyTerms(terms.env, dict(terms.env_vars), now=now, survey=survey)
    )
