"""What a target looks like in the source of its module; no code of the user's is imported."""

from __future__ import annotations

from mlpolicy.plan.survey.answer import Answer, Defined, Dynamic, Missing, NoModule
from mlpolicy.plan.survey.library import Found
from mlpolicy.plan.survey.locate import Opaque, Space
from mlpolicy.plan.survey.module import Module
from mlpolicy.plan.survey.survey import Survey, local_roots, roots

__all__ = [
    "Answer",
    "Defined",
    "Dynamic",
    "Found",
    "Missing",
    "Module",
    "NoModule",
    "Opaque",
    "Space",
    "Survey",
    "local_roots",
    "roots",
]
