"""Reads what the policy counted, from the files that the service left."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SHOWN = {
    "calls": ("mlpolicy_calls_begun_total", {}),
    "attempts failed": ("mlpolicy_attempts_total", {"outcome": "error"}),
    "calls recovered": ("mlpolicy_retries_total", {"reason": "success"}),
    "answers from a cache": ("mlpolicy_cache_requests_total", {"result": "hit"}),
    "values refused": ("mlpolicy_validation_failures_total", {}),
}


def seen(folder: Path) -> str:
    """Return how often what happened, a line each."""
    registry, totals = CollectorRegistry(), Counter[str]()
    MultiProcessCollector(registry, str(folder))
    samples = [sample for family in registry.collect() for sample in family.samples]
    for title, (name, labels) in SHOWN.items():
        totals[title] = sum(
            int(one.value)
            for one in samples
            if one.name == name and labels.items() <= one.labels.items()
        )
    return "\n".join(f"{count:,} {title}" for title, count in totals.items())
