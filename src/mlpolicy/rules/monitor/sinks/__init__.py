"""Where numbers and events go."""

from __future__ import annotations

from typing import Any

from mlpolicy.core.extensions import Extensions
from mlpolicy.rules.monitor.sinks.sink import Sink


def _vet(_: str, sink: Any) -> str | None:
    return None if isinstance(sink, Sink) else f"it is no `Sink`, but {type(sink).__name__}"


SINKS: Extensions[Sink] = Extensions(
    "sinks",
    {
        "prometheus": "mlpolicy.rules.monitor.sinks.prometheus:SINK",
        "log": "mlpolicy.rules.monitor.sinks.log:SINK",
    },
    _vet,
)
"""Every sink that a policy may name."""
