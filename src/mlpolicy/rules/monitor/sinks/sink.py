"""What a sink is, ours or a plugin's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


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
