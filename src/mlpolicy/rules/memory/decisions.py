"""What is told of decisions: counters, and facts for the log of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mlpolicy.core.site import Site

DECISIONS: Final = ("warn", "relieve", "wait", "reject", "default", "proceed")
_SHADOWED: Final = ("warn",)
DECISIONS_HELP = "What memory rules decided, other than to let a call go on at once."


class Decisions:
    """Counts decisions at one site; every series is there from the start."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.target = site.target
        counter, target = site.meters.counter, site.target
        self._counters = {
            one: counter(
                "mlpolicy_memory_decisions_total", DECISIONS_HELP, function=target, decision=one
            )
            for one in (_SHADOWED if site.shadow else DECISIONS)
        }
        if site.shadow:
            self._would = site.would("memory", "reject")
        else:
            self._refusals = site.refused("memory")

    def count(self, decision: str) -> None:
        """Count one decision."""
        self._counters[decision].add()
        if decision == "reject":
            self._refusals.add()

    def note(self, call: int, decision: str) -> None:
        """Count one decision about the call of that number, and put it into its log event."""
        self.count(decision)
        self._site.decided(call, "memory", decision)

    def would_reject(self) -> None:
        """Count a call that would have been refused."""
        self._would.add()
