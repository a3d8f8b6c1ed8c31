"""Memory as a policy test says it is: no probe is read, and no thread is started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from mlpolicy.rules.memory.gauge import Gauge
from mlpolicy.rules.memory.probes import Reading
from mlpolicy.rules.memory.sampler import Sampler


class VirtualMachine(Protocol):
    """What a policy test tells of the machine."""

    before_call: list[Callable[[], None]]
    """Called before each call of the test."""

    def now(self) -> float:
        """Return the time in seconds."""
        ...

    def memory(self, limit: int | None) -> tuple[int, int]:
        """Return how much memory is in use, and how much there is where nothing else limits it."""
        ...


class VirtualSampler(Sampler):
    """Makes gauges that read what the test says."""

    def __init__(self, machine: VirtualMachine) -> None:
        super().__init__(now=machine.now)
        self._machine = machine

    def gauge(self, limit: int | None, measure: str, poll: float) -> Gauge:
        """Return a gauge that is read before each call."""

        def read() -> Reading:
            return Reading(*self._machine.memory(limit), "the test's world")

        gauge = Gauge(read, poll, now=self._machine.now)
        self._machine.before_call.append(gauge.sample)
        return gauge


def parts(machine: VirtualMachine) -> dict[str, Any]:
    """Return the arguments of the step class that stand in for the memory of the machine."""
    return {"sampler": VirtualSampler(machine)}
