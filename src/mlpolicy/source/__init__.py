"""What the source of a program says of its functions; no code of the user's is imported."""

from __future__ import annotations

from mlpolicy.source.locate import NoModule, Opaque, Space, is_installed, local_roots, roots
from mlpolicy.source.module import Module
from mlpolicy.source.resolve import Defined, Dynamic, Missing
from mlpolicy.source.tree import Answer, SourceTree

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
