"""Where entries are kept: one file per place."""

from __future__ import annotations

from typing import Any

from mlpolicy.core.extensions import Extensions
from mlpolicy.rules.cache.stores.store import Store


def _vet(_: str, store: Any) -> str | None:
    if not (isinstance(store, type) and issubclass(store, Store)):
        return "it is no class of `Store`"
    lacking = sorted(store.__abstractmethods__)
    return f"it lacks {', '.join(f'`{name}`' for name in lacking)}" if lacking else None


STORES: Extensions[type[Store]] = Extensions(
    "stores", {"memory": "mlpolicy.rules.cache.stores.memory:MemoryStore"}, _vet
)
"""Every store that a policy may name."""
