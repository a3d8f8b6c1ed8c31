"""Policies against the source of the functions that they name; no code of the user's is run."""

from __future__ import annotations

from mlpolicy.plan.against.sourced import as_in_source
from mlpolicy.plan.against.walk import against, of_rules

__all__ = ["against", "as_in_source", "of_rules"]
