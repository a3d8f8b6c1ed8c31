"""One thread of the process that reads every gauge, and gives memory back where it is short."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from mlpolicy.core import clock
from mlpolicy.core.report import say_once
from mlpolicy.core.threads import Background, Lock
from mlpolicy.rules.memory.gate import Gauge
from mlpolicy.rules.memory.limits import LIMIT_VARIABLE, ROOT_VARIABLE, Limits, MemoryReading

if TYPE_CHECKING:
    from mlpolicy.rules.memory.relief import Relief

Key = tuple[int | None, str, float, str | None, str | None]
"""Limit, measure, poll, and what the environment says of cgroups and limits."""
IDLE = 1.0
"""Seconds after which the thread looks whether anything is left to read."""


class Sampler:
    """Reads gauges on a daemon thread, from the first call on that needs one to the last gauge."""

    def __init__(
        self,
        limits: Callable[[int | None, str], Limits] = Limits,
        *,
        now: clock.Clock = clock.REAL,
    ) -> None:
        self._limits = limits
        self._now = now
        self._gauges: WeakValueDictionary[Key, Gauge] = WeakValueDictionary()
        self._lock = Lock()
        self._thread: Background | None = None
        self._relieving = False

    def restart(self) -> None:
        """Begin anew in a forked child: the next guarded call starts its thread."""
        self._thread = None
        for gauge in self._all():
            gauge.restart()

    def gauge(self, limit: int | None, measure: str, poll: float) -> Gauge:
        """Return the gauge of those settings."""
        environ = os.environ
        key = (limit, measure, poll, environ.get(ROOT_VARIABLE), environ.get(LIMIT_VARIABLE))
        read = self._limits(limit, measure).read  # (it may log, which is not done under a lock)
        with self._lock:
            gauge = self._gauges.get(key)
            if gauge is None:
                gauge = Gauge(read, poll, attend=self.attend, now=self._now)
                self._gauges[key] = gauge
            return gauge

    def attend(self, gauge: Gauge) -> None:
        """Start the thread unless it runs, and set whether it reads *gauge* from now on."""
        if self._lock.held():  # a finalizer or a signal handler asks while this thread starts it
            return
        text = ""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._relieving = False
                self._thread = Background("mlpolicy-memory", self._turn, self._failed)
                try:
                    self._thread.start()
                except RuntimeError as error:  # no more threads, or the interpreter shuts down
                    text = f"memory: no sampler can be started ({error}): calls read by themselves"
            gauge.attended = not (text or self._relieving)
            self._thread.sooner()
        if text:
            say_once("memory:thread", text)

    def _failed(self, error: BaseException) -> None:
        """Leave calls to themselves (it is a bug of ours, or the thread was ended), and to a new thread."""
        with self._lock:
            self._thread = None
        self._blind()
        say_once("memory:sampler", f"the memory sampler failed ({error!r})", error=error)

    def _blind(self) -> None:
        """Let calls look for themselves: the thread will not read for a while, or never again."""
        with self._lock:
            gauges = self._all()
            for gauge in gauges:
                gauge.attended = False
        for gauge in gauges:  # (not under the lock: calls hold that of a gauge)
            gauge.settle()

    def _all(self) -> list[Gauge]:
        # (a look at all references is one step; a walk would meet what other threads add)
        alive = (reference() for reference in self._gauges.valuerefs())
        return [gauge for gauge in alive if gauge is not None]

    def _turn(self) -> float | None:
        """Read what is due; return the seconds until the next turn, None where nothing is left.

        Nothing of it is kept between turns: a gauge lives as long as its gates.
        """
        with self._lock:
            gauges = [gauge for gauge in self._all() if gauge.gates()]
            if not gauges:
                self._thread = None
        if not gauges:
            self._blind()
            return None
        for gauge in gauges:
            if self._now() - gauge.at >= gauge.poll:
                gauge.sample(attended=True)
        for gauge in gauges:
            self._relieve(gauge)
        due = min(gauge.at + gauge.poll for gauge in gauges)
        return min(max(due - self._now(), 0.001), IDLE)

    def _relieve(self, gauge: Gauge) -> None:
        strained = [gate for gate in gauge.gates() if gate.strained]
        for relief in {gate.relief for gate in strained}:
            if relief is not None and relief.due(self._now()):
                freed = self._freed(relief, gauge)
                relief.ended(self._now(), freed=freed)
                for gate in strained:
                    if gate.relief is relief:
                        gate.decisions.count("relieve")

    def _freed(self, relief: Relief, gauge: Gauge) -> float:
        """Do *relief*; return which share of the limit it freed, all of it where nobody can tell."""
        before = gauge.reading
        self._relieving = True
        self._blind()  # however long it takes, this thread cannot read meanwhile
        relief.run()
        self._relieving = False
        for busy in self._all():
            busy.sample(attended=True)
        after = gauge.reading
        if before is None or after is None or after.of != before.of:
            return 1.0
        return (before.used - after.used) / before.limit


SAMPLER = Sampler()
"""The sampler of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SAMPLER.restart)


# --- in policy tests ------------------------------------------------------------------


class VirtualSampler(Sampler):
    """Makes gauges that read what the machine of a policy test has: its `now` and `memory`."""

    def __init__(self, machine: Any) -> None:
        super().__init__(now=machine.now)
        self._machine = machine

    def gauge(self, limit: int | None, measure: str, poll: float) -> Gauge:
        """Return a gauge that is read before each call."""

        def read() -> MemoryReading:
            used, there = self._machine.memory(limit)
            return MemoryReading(used, there, "the test's world")

        gauge = Gauge(read, poll, now=self._machine.now)
        self._machine.before_call.append(gauge.sample)
        return gauge


def parts(machine: Any) -> dict[str, Any]:
    """Return the arguments of the step class that stand in for the memory of the machine."""
    return {"sampler": VirtualSampler(machine)}
