"""Where the calls of one function are let in, or wait in line."""

from __future__ import annotations

import itertools
from bisect import insort
from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal

from mlpolicy.core.live import Live
from mlpolicy.core.step import Wait
from mlpolicy.core.threads import Waiter, here
from mlpolicy.rules.memory.levels import Levels, Marks

if TYPE_CHECKING:
    from mlpolicy.core.site import Site
    from mlpolicy.rules.memory.gauge import Gauge
    from mlpolicy.rules.memory.probes import Reading
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
        help = "What memory rules decided, other than to let a call go on at once."
        self._counters = {
            decision: site.meters.counter(name, help, function=site.target, decision=decision)
            for decision in (("warn",) if site.shadow else DECISIONS)
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


class Ticket:
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
        self._levels = levels
        self._wait = wait
        self._closed = False
        self._numbers = itertools.count()
        self.restart()
        gauge.join(self)

    def restart(self) -> None:
        """Forget who waits: in a forked child nobody does."""
        self._limit = 0
        self._marks = Marks(0, 0, 0, 0)
        self._line: deque[Ticket] = deque()
        self._full = False
        self._reopening = False
        self._batch = 1
        self.strained = False
        self.shut = True

    @property
    def warn_at(self) -> float:
        """The share of the limit above which the log warns."""
        return self._levels.warn_at

    # Asked by calls.

    def ask(self, ticket: Ticket) -> Wait | Literal["in", "out"]:
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

    def give_up(self, ticket: Ticket) -> None:
        """Free the place of a call that was cancelled or interrupted while it waited."""
        with self.gauge.lock:
            self._leave_line(ticket)
            self._settle()
            self._leave_when_done()

    def look(self) -> bool:
        """Whether too much memory is in use, read anew where the last reading is old."""
        self.gauge.refresh(self.gauge.now())
        return self._full

    def close(self) -> None:
        """Make no new call wait; those that do are let in or refused as before."""
        self._closed = True
        with self.gauge.lock:
            self._leave_when_done()

    def _answer(self, ticket: Ticket, now: float) -> Wait | Literal["in", "out"]:
        if not ticket.ends:
            # Who comes new lines up behind those who wait, even if there is room by now.
            if self._closed or not (self._full or self._line):
                return "in"
            ticket.ends = now + self._wait
            ticket.number = next(self._numbers)
        elif not self._full and ticket.waiter is not None and ticket.waiter.woken:
            self._leave_line(ticket)
            return "in"
        if now < ticket.ends:
            return self._wait_on(ticket, ticket.ends - now)
        self._leave_line(ticket)
        if self._full:
            return "out"
        # There was room for all but `resume_at` all the while: that is how much this process
        # uses, and the others in line need not learn it one by one.
        self._reopening = True
        return "in"

    def _wait_on(self, ticket: Ticket, left: float) -> Wait:
        if ticket.waiter is None or ticket.waiter.woken:
            # One that was called in vain, for others were quicker, has its old place again.
            ticket.waiter = Waiter()
            if ticket not in self._line:
                insort(self._line, ticket, key=attrgetter("number"))
        # Without a sampler nobody wakes it: it looks by itself.
        return Wait(ticket.waiter, left if self.gauge.attended else min(left, self.gauge.poll))

    # Told by the gauge, which holds its lock.

    def update(self, reading: Reading, now: float) -> None:
        """Take in what is used, and call those who are let in."""
        if reading.limit != self._limit:
            self._marks = self._levels.of(reading.limit)
            self._limit = reading.limit
        self._full = reading.used >= self._marks.bound
        self.strained = reading.used >= self._marks.act
        if self._full:
            self._reopening, self._batch = False, 1
        elif reading.used <= self._marks.resume:
            self._reopening = True
        # Some had no more patience and left without a word: tasks of a loop that was closed.
        while self._line and self._line[0].ends + self.gauge.poll < now:
            self._line.popleft()
        if self._reopening:
            self._call()
        self._settle()
        self._leave_when_done()

    def crosses(self, reading: Reading) -> bool:
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
        count = min(self._batch, len(self._line))
        self._batch = self._batch * 2 if self._line else 1
        self._reopening = len(self._line) > count
        for _ in range(count):
            waiter = self._line[0].waiter
            if waiter is not None:
                self.gauge.called.append(waiter)
            self._line.popleft()

    def _leave_line(self, ticket: Ticket) -> None:
        if ticket in self._line:
            self._line.remove(ticket)

    def _settle(self) -> None:
        self.shut = self._full or bool(self._line) or not self.gauge.watched

    def _leave_when_done(self) -> None:
        if self._closed and not self._line:
            self.gauge.leave(self)

    def stand_aside(self) -> None:
        """Let calls in, for nothing can be read."""
        self._full = self.strained = False
        self._reopening = True
        self._call()
        self._settle()
