"""What the source of a program says of its functions; no code of the user's is imported."""

from __future__ import annotations

from mlpolicy.source.answer import Answer, Defined, Dynamic, Missing, NoModule, Opaque, Space
from mlpolicy.source.locate import is_installed, local_roots, roots
from mlpolicy.source.module import Module
from mlpolicy.source.tree import SourceTree

__all__ = [
    "Answer",
    "Defined",
    "Dynamic",
    "Missing",
    "Module",
    "NoModule",
    "Opaque",
    "SourceTree",
    "Space",
    "is_installed",
    "local_roots",
    "roots",
]
