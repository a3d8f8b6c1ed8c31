"""What happens at a call: one look at a gate, and everything else only where it is shut."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from mlpolicy.core.default import Default, Given
from mlpolicy.core.step import PROCEED, Lines, Loom, Refuse, Step, Verdict, Wait, indented
from mlpolicy.errors import MemoryPressure
from mlpolicy.rules.memory.gate import Decisions, Gate, MemoryTicket
from mlpolicy.rules.memory.levels import Levels
from mlpolicy.rules.memory.relief import shared
from mlpolicy.rules.memory.sampler import SAMPLER, Sampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlpolicy.core.site import Site
    from mlpolicy.rules.memory.gate import Gauge
    from mlpolicy.rules.memory.rule import MemoryRule

USED_HELP = "Memory in use when it was last read, as the rule of the function measures it."
LIMIT_HELP = "Memory that there is, for the rule of the function."
SOONEST_AGAIN = 1.0
"""The least `retry_after` of a refusal, in seconds."""


class MemoryStep(Step):
    """Lets calls in while there is memory; else they wait, and are refused in the end."""

    kind = "memory"

    def __init__(self, rule: MemoryRule, site: Site, *, sampler: Sampler = SAMPLER) -> None:
        super().__init__(rule, site)
        self._wait = float(rule.wait)
        self._decisions = Decisions(site)
        self._default = Default(rule.default, site, kind=self.kind, of_items=True)
        limit = None if rule.limit == "auto" else int(rule.limit)
        self.gauge = sampler.gauge(limit, rule.measure, float(rule.poll))
        ways = tuple(way if isinstance(way, str) else way.call for way in rule.relieve)
        relief = None
        if ways and not site.shadow:
            relief = shared(ways, float(rule.relieve_interval), site.resolve)
        self.gate = Gate(
            self.gauge, levels(rule), decisions=self._decisions, wait=self._wait, relief=relief
        )
        gauge, target = site.meters.gauge, site.target
        used, limit_ = _shown(self.gauge, "used"), _shown(self.gauge, "limit")
        gauge("mlpolicy_memory_used_bytes", USED_HELP, used, shared=True, function=target)
        gauge("mlpolicy_memory_limit_bytes", LIMIT_HELP, limit_, shared=True, function=target)

    def admit(self, ticket: MemoryTicket, call: int, given: Given | None = None) -> Verdict:
        """Say whether the call with that *ticket* begins; asked again after each wait."""
        first = ticket.waiter is None
        answer = self.gate.ask(ticket)
        if answer == "in":
            return PROCEED
        if isinstance(answer, Wait):
            if first:
                self._decisions.count("wait", call)
            return answer
        return self._on_pressure(call, given)

    def _on_pressure(self, call: int, given: Given | None) -> Verdict:
        if self.rule.on_pressure == "proceed":
            self._decisions.count("proceed", call)
            return PROCEED
        if self.rule.on_pressure == "default":
            verdict = self._default.verdict(call, given)
            if verdict is not None:
                self._decisions.count("default", call)
                return verdict
        self._decisions.count("reject", call)
        reading = self.gauge.reading
        used, limit = (reading.used, reading.limit) if reading else (0, 0)
        again = max(self._wait, SOONEST_AGAIN)
        target = self.site.target
        return Refuse(MemoryPressure(target, used=used, limit=limit, needed=0, retry_after=again))

    def would_reject(self) -> None:
        """Count a call that finds too little memory; whether waiting would help is not known."""
        if self.gate.look():
            self._decisions.refusals.add()

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return *inner* behind the gate: one attribute is read where there is memory."""
        gate = loom.constant("gate", self.gate)
        if self.site.shadow:
            would = loom.method("would_reject", self.would_reject)
            return [f"if {gate}.shut:", f"    {would}()", *inner]
        verdict, ticket = loom.local("verdict"), loom.local("ticket")
        admit = loom.method("admit", self.admit)
        given = self._default.given(loom) if self.rule.on_pressure == "default" else "None"
        ask = f"{admit}({ticket}, {loom.call}, {given})"
        give_up = loom.method("give_up", self.gate.give_up)
        return [
            f"{verdict} = None",
            f"if {gate}.shut:",
            f"    {ticket} = {loom.constant('Ticket', MemoryTicket)}()",
            "    try:",
            *indented(indented(loom.settle(ask, verdict))),
            # Cancelled, or interrupted by a signal handler: nobody must wait behind it.
            f"    except {loom.constant('BaseException', BaseException)}:",
            f"        {give_up}({ticket})",
            "        raise",
            f"if {verdict} is None:",
            *indented(inner),
        ]

    def close(self) -> None:
        """Leave the gauge; calls that wait at this moment are let in."""
        self.gate.close()

    def inherit(self, earlier: Step) -> None:
        """Do not warn again of what was warned of before a reload."""
        if isinstance(earlier, MemoryStep):
            self.gate.warned = earlier.gate.warned


def levels(rule: MemoryRule) -> Levels:
    """Return the thresholds of *rule*."""
    free = int(rule.min_free) if "min_free" in rule.model_fields_set else None
    shares = (float(rule.warn_at), float(rule.resume_at), float(rule.act_at), float(rule.reject_at))
    return Levels(*shares, min_free=free)


def _shown(gauge: Gauge, figure: str) -> Callable[[], float]:
    """Return what reads one figure at a scrape, and does not keep *gauge* alive."""
    weak = ref(gauge)

    def read() -> float:
        gauge = weak()
        if gauge is not None:
            gauge.refresh(gauge.now())
        return float(getattr(gauge and gauge.reading, figure, 0.0))

    return read
