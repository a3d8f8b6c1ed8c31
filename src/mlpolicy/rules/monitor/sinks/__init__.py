"""Where numbers and events go: what a sink is, ours or a plugin's, and which there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mlpolicy.core.plugins import Extensions


class Sink:
    """Takes the numbers, the events, or both.

    There is one object a process.
    What it raises is said once and counted in `mlpolicy_dropped_events_total`; no call sees it.
    """

    api: ClassVar[int | None] = None
    """The version of the interface that a plugin is made for."""
    events: ClassVar[bool] = True
    """Whether it takes events; their JSON is `mlpolicy.event/1`."""

    def begin(self) -> None:
        """Get ready for numbers; called when a rule that counts and names this sink is placed.

        It may be called often, and in a forked child anew.
        """

    def write(self, event: Mapping[str, Any]) -> None:
        """Take one event; called on a thread of mlpolicy's, one at a time."""


def _vet(_: str, sink: Any) -> str | None:
    return None if isinstance(sink, Sink) else f"it is no `Sink`, but {type(sink).__name__}"


SINKS: Extensions[Sink] = Extensions(
    "sinks",
    {
        "prometheus": "mlpolicy.rules.monitor.sinks.prometheus:SINK",
        "log": "mlpolicy.rules.monitor.sinks.exporter:LOG",
    },
    _vet,
)
"""Every sink that a policy may name."""
