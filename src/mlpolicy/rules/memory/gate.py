"""Where the calls of one function are let in or wait, and the reading that tells them."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal
from weakref import ref

from mlpolicy.core import clock
from mlpolicy.core.report import interrupts, say, say_once, told
from mlpolicy.core.step import Wait
from mlpolicy.core.threads import Live, Lock, Waiter, here
from mlpolicy.rules.memory.levels import Levels, Marks
from mlpolicy.rules.memory.limits import MemoryReading

if TYPE_CHECKING:
    from mlpolicy.core.site import Site
    from mlpolicy.rules.memory.relief import Relief

DECISIONS: Final = ("warn", "relieve", "wait", "reject", "default", "proceed")
REARM: Final = 0.02
"""By this share of the limit usage must fall below `warn_at` before its crossing is told again."""


class Decisions:
    """Counts decisions at one site; every series is there from the start."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.target = site.target
        name = "mlpolicy_memory_decisions_total"
        text = "What memory rules decided, other than to let a call go on at once."
        self._counters = {
            decision: site.meters.counter(name, text, function=site.target, decision=decision)
            for decision in (("warn",) if site.shadow else DECISIONS)
        }
        self.refusals = site.would("memory", "reject") if site.shadow else site.refused("memory")

    def count(self, decision: str, call: int = 0) -> None:
        """Count one decision, and put it into the log event of the call of that number."""
        self._counters[decision].add()
        if decision == "reject":
            self.refusals.add()
        self._site.decided(call, "memory", decision)


class MemoryTicket:
    """One call that found the gate shut, from its first question to its end."""

    __slots__ = ("ends", "number", "waiter")

    def __init__(self) -> None:
        self.ends = 0.0
        """When its patience ends; 0 before it has asked."""
        self.number = 0
        """Its place among all that have asked."""
        self.waiter: Waiter | None = None


class Gate(Live):
    """Lets calls of one function in, one after the other.

    `shut` is all that a call looks at while there is memory.
    It says that the call must ask, not that it must wait: it is also set where nobody looks
    after the gauge, so that calls look for themselves.
    """

    shut = False
    """Of the class: a stand-in in another process has no gauge and lets every call in."""

    def __init__(
        self,
        gauge: Gauge,
        levels: Levels,
        *,
        decisions: Decisions,
        wait: float,
        relief: Relief | None = None,
    ) -> None:
        self.gauge = gauge
        self.decisions = decisions
        self.relief = relief
        self.warned = False
        self.levels = levels
        self._wait = wait
        self._closed = False
        self._numbers = itertools.count(1)
        self.restart()
        gauge.join(self)

    def restart(self) -> None:
        """Forget who waits: in a forked child nobody does."""
        self._limit = 0
        self._marks = Marks(0, 0, 0, 0)
        self._line: dict[int, MemoryTicket] = {}
        self._full = False
        self._reopening = False
        self._batch = 1
        self.strained = False
        self.shut = True

    # Asked by calls.

    def ask(self, ticket: MemoryTicket) -> Wait | Literal["in", "out"]:
        """Say what becomes of the call with that *ticket*: it is let in, waits, or is out.

        No call waits that a finalizer or a signal handler makes while this very thread is in
        the middle of this, nor one on a thread of ours: nobody would let it in.
        """
        if self.gauge.lock.held() or here():
            return "in"
        now = self.gauge.now()
        self.gauge.refresh(now)
        with self.gauge.lock:
            answer = self._answer(ticket, now)
            self._settle()
        return answer

    def give_up(self, ticket: MemoryTicket) -> None:
        """Free the place of a call that was cancelled or interrupted while it waited."""
        with self.gauge.lock:
            self._line.pop(ticket.number, None)
            self._settle()

    def look(self) -> bool:
        """Whether too much memory is in use, read anew where the last reading is old."""
        self.gauge.refresh(self.gauge.now())
        return self._full

    def close(self) -> None:
        """Make no new call wait; those that do are let in or refused as before."""
        self._closed = True
        with self.gauge.lock:
            self._settle()

    def _answer(self, ticket: MemoryTicket, now: float) -> Wait | Literal["in", "out"]:
        if not ticket.ends:
            # Who comes new lines up behind those who wait, even if there is room by now.
            if self._closed or not (self._full or self._line):
                return "in"
            ticket.ends = now + self._wait
            ticket.number = next(self._numbers)
        left = ticket.ends - now
        if left > 0:
            waiter = ticket.waiter
            if waiter is None or ticket.number not in self._line:
                if waiter is not None and not self._full:  # it was called
                    return "in"
                # One that was called in vain, for others were quicker, has its old place again.
                waiter = ticket.waiter = Waiter()
                self._line[ticket.number] = ticket
            # Whatever becomes of the sampler, it looks by itself.
            return Wait(waiter, min(left, max(self.gauge.old(), len(self._line) * APART)))
        self._line.pop(ticket.number, None)
        if self._full:
            return "out"
        # There was room for all but `resume_at` all the while: that is how much this process
        # uses, and the others in line need not learn it one by one.
        self._reopening = True
        return "in"

    # Told by the gauge, which holds its lock.

    def update(self, reading: MemoryReading | None, now: float) -> None:
        """Take in what is used, and call those who are let in: all, where nothing can be read."""
        if reading is None:
            self._full = self.strained = False
        else:
            if reading.limit != self._limit:
                self._marks = self.levels.of(reading.limit)
                self._limit = reading.limit
            self._full = reading.used >= self._marks.bound
            self.strained = reading.used >= self._marks.act
        if self._full:
            self._reopening, self._batch = False, 1
        elif reading is None or reading.used <= self._marks.resume:
            self._reopening = True
        # Some had no more patience and left without a word: tasks of a loop that was closed.
        late = now - self.gauge.poll
        for number in [number for number, one in self._line.items() if one.ends < late]:
            del self._line[number]
        if self._reopening:
            self._call()
        self._settle()

    def crosses(self, reading: MemoryReading) -> bool:
        """Whether usage has risen above `warn_at` since it was last well below."""
        before = self.warned
        if reading.used > self._marks.warn:
            self.warned = True
        elif reading.used < self._marks.warn - REARM * reading.limit:
            self.warned = False
        return self.warned and not before

    def _call(self) -> None:
        """Call the first in line: one, then twice as many at each reading.

        All at once would pass on one reading and fill the memory again.
        """
        called = sorted(self._line)[: self._batch]
        self._batch = self._batch * 2 if self._line else 1
        for number in called:
            waiter = self._line.pop(number).waiter
            if waiter is not None:
                self.gauge.called.append(waiter)
        self._reopening = bool(self._line)

    def _settle(self) -> None:
        # (where nobody looks after the gauge, calls look for themselves)
        self.shut = self._full or bool(self._line) or not self.gauge.attended
        if self._closed and not self._line:
            self.gauge.leave(self)


Read = Callable[[], MemoryReading | None]
OLD = 2
"""A reading of more polls than this ago is read anew by the call that needs it."""
APART = 0.002
"""Seconds, at least, from one look of a long line to the next."""


class Gauge:
    """The last reading, shared by all gates of the same limit, measure and poll.

    *attend* sees to it that a sampler reads it from time to time, and sets `attended` where one
    does. Where none does (no thread can be started, or it is busy), the gates stay shut: calls
    ask, and those that ask read it, once a poll at most.
    """

    def __init__(
        self,
        read: Read,
        poll: float,
        *,
        attend: Callable[[Gauge], object] = bool,
        now: clock.Clock = clock.REAL,
    ) -> None:
        self.poll = poll
        self.now = now
        self.lock = Lock()
        self._read = read
        self._attend = attend
        self._gates: set[ref[Gate]] = set()
        self._clear()

    def _clear(self) -> None:
        self.called: deque[Waiter] = deque()
        """The waiters of calls that are let in, until they are woken: no lock is held by then."""
        self.reading: MemoryReading | None = None
        self.at = float("-inf")
        self.attended = False
        """Whether the sampler reads it; set by the sampler alone."""

    def restart(self) -> None:
        """Begin anew in a forked child: no thread is there."""
        self._clear()
        for gate in self.gates():
            gate.restart()

    def join(self, gate: Gate) -> None:
        """Tell *gate* of the reading that there is, and of each from now on."""
        self._gates.add(ref(gate, self._gates.discard))
        if self.reading is not None and not self.lock.held():
            with self.lock:
                gate.update(self.reading, self.at)

    def leave(self, gate: Gate) -> None:
        """Tell *gate* no more."""
        self._gates.discard(ref(gate))

    def gates(self) -> tuple[Gate, ...]:
        """Return the gates of this moment."""
        # (copied in one step: gates come and go, by finalizers too)
        alive = (reference() for reference in self._gates.copy())
        return tuple(gate for gate in alive if gate is not None)

    def refresh(self, now: float) -> None:
        """Read anew what is too old to decide on."""
        if now - self.at > self.old():
            self._attend(self)
            self.sample()

    def old(self) -> float:
        """Return the age in seconds above which a reading is too old to decide on."""
        return (OLD if self.attended else 1) * self.poll

    def settle(self) -> None:
        """Let every gate take in whether the sampler reads."""
        with self.lock:
            for gate in self.gates():
                gate._settle()

    def sample(self, *, attended: bool = False) -> None:
        """Read what is in use and tell every gate; *attended* where it is the sampler that reads."""
        # Read outside of the lock: a probe that fails is logged, by whatever handlers there are.
        now, reading = self.now(), self._safely()
        if self.lock.held():  # by a finalizer or a signal handler, while gates are being told
            return
        crossing: list[Gate] = []
        with self.lock:
            if attended:
                self.attended = True
            if now >= self.at:  # else another thread has read it since
                self.reading, self.at = reading, now
                for gate in self.gates():
                    gate.update(reading, now)
                    if reading is not None and gate.crosses(reading):
                        crossing.append(gate)
        while self.called:
            try:
                waiter = self.called.popleft()
            except IndexError:
                break
            waiter.wake()
        if reading is not None:
            _warn(reading, crossing)

    def _safely(self) -> MemoryReading | None:
        try:
            reading = self._read()
        except Exception as error:
            if interrupts(error):
                raise
            # (whatever an operating system comes up with)
            text = f"memory cannot be read ({told(error)}): its rules stand aside"
            say_once("memory:probe", text)
            return None
        if reading is None:
            say_once("memory:probe", "memory cannot be read here: its rules stand aside")
        return reading


def _warn(reading: MemoryReading, gates: list[Gate]) -> None:
    """Log that `warn_at` was crossed, one line for all functions of the same threshold."""
    by_share: dict[float, list[str]] = {}
    for gate in gates:
        gate.decisions.count("warn")
        by_share.setdefault(gate.levels.warn_at, []).append(gate.decisions.target)
    used = f"{reading.share:.0%} of {reading.limit / 1024**2:.0f} MiB ({reading.of})"
    for share, names in by_share.items():
        functions = f"{min(names)} and {len(names) - 1} more" if len(names) > 1 else names[0]
        text = f"memory: {used} is in use, above warn_at {share:.0%} of {functions}"
        say(text, logging.WARNING)
