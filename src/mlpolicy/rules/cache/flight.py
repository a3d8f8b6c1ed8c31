"""Single flight: of the calls with one key, one computes and the others wait for it.

No lock guards it: signal handlers and finalizers may call at any line, and what one of them
raises may end any line. Each step is one operation of the interpreter, in an order that lets
whoever comes in between see too much rather than too little.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections import deque
from collections.abc import Hashable, MutableSequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from mlpolicy.core import clock
from mlpolicy.core.threads import Waiter

if TYPE_CHECKING:
    from mlpolicy.rules.cache.store import CacheEntry

_WAITING = frozenset({"threading", "concurrent.futures._base", "queue"})
"""Modules in whose functions a thread waits for other threads."""

Ending = Literal["kept", "not kept", "failed"]


class Lead:
    """One call that may compute for others, and what it depends on meanwhile.

    It outlives the call in the contexts of tasks that were started from it: it holds neither
    the key nor the result.
    """

    __slots__ = ("left", "thread", "waits")

    def __init__(self) -> None:
        self.left = False
        """Whether the call has ended, however it did; the driver says so last of all."""
        self.thread = 0
        """The thread that can do nothing else until the call ends; 0 for a task."""
        self.waits: list[Ticket] = []
        """The calls within this one that wait for others."""

    def awaits(self) -> list[Lead]:
        """Return those that the calls within this one wait for."""
        awaited = [ticket.awaited for ticket in self.waits.copy() if not ticket.lead.left]
        return [flight.lead for flight in awaited if flight is not None and not flight.over()]


class Flight:
    """One computation under way, and what came of it."""

    __slots__ = ("born", "due", "ending", "entry", "lead", "waiters")

    def __init__(self, lead: Lead, patience: float) -> None:
        self.lead = lead
        self.born = clock.now()
        self.due = self.born + patience
        self.ending: Ending | None = None
        self.entry: CacheEntry | None = None
        self.waiters: deque[Waiter] = deque()

    def over(self) -> bool:
        """Return whether nobody computes any longer."""
        return self.ending is not None or self.lead.left

    def end(self, ending: Ending, entry: CacheEntry | None) -> None:
        """Let those that wait go on."""
        self.entry = entry
        self.ending = ending
        while True:
            try:
                waiter = self.waiters.popleft()
            except IndexError:
                return
            waiter.wake()

    def waits_long(self) -> bool:
        """Return whether the thread that computes has long done nothing but wait for others.

        It may wait for the very call that asks, in a pool of threads: nothing else tells. One
        of those that wait is told so, and after twice the time the next.
        """
        now = clock.now()
        if now < self.due or not self.lead.thread:
            return False
        self.due = now + 2 * (now - self.born)
        frame = sys._current_frames().get(self.lead.thread)
        return frame is not None and frame.f_globals.get("__name__") in _WAITING

    def waiter(self) -> Waiter:
        """Return what is woken when the flight ends, if it has not ended."""
        waiter = Waiter()
        self.waiters.append(waiter)
        if self.ending is not None:
            waiter.wake()
        return waiter


class Ticket:
    """One call that found nothing fresh: what it leads, and what it waits for."""

    __slots__ = (
        "awaited", "call", "computed", "key", "lead", "leads", "read", "start", "waiter"
    )  # fmt: skip

    def __init__(self, key: Hashable | None, start: float, call: int) -> None:
        self.key = key
        self.start = start
        self.call = call
        self.read = clock.now()
        self.lead = Lead()
        self.leads: Flight | None = None
        self.awaited: Flight | None = None
        self.waiter: Waiter | None = None
        self.computed = False
        """Whether the function has given its result."""

    def now(self) -> float:
        """Return the time on the clock by which the call began."""
        return self.start + clock.now() - self.read


_led: ContextVar[tuple[Lead, ...]] = ContextVar("mlpolicy_cache_led", default=())
"""What the present thread or task, and those that it was started from, compute already."""


class Flights:
    """The computations under way in one cache."""

    def __init__(self, patience: float = 10.0) -> None:
        self._under_way: dict[Hashable, Flight] = {}
        self.patience = patience
        """Seconds after which a computation is looked at that does nothing but wait."""

    def __len__(self) -> int:
        return len(self._under_way)

    def join(self, ticket: Ticket) -> None:
        """Let *ticket* lead, unless another does: then it waits for that one."""
        within = tuple(lead for lead in _led.get() if not lead.left)
        mine = Flight(ticket.lead, self.patience)
        # A handler that calls between two of these lines finds its own thread in the lead.
        ticket.leads = mine
        _led.set((*within, ticket.lead))
        flight = self._under_way.setdefault(ticket.key, mine)
        if flight is not mine and flight.over():  # an exception kept its leader from saying so
            self._end(ticket.key, flight, "failed")
            flight = self._under_way.setdefault(ticket.key, mine)
        if flight is mine:
            return
        ticket.leads = None
        _led.set(within)
        ticket.awaited, ticket.waiter = flight, flight.waiter()
        for lead in within:
            lead.waits.append(ticket)

    def would_wait_for_itself(self, ticket: Ticket) -> bool:
        """Tell whether what *ticket* waits for cannot end before *ticket* goes on.

        It is asked once all know that *ticket* waits: of the calls that close a circle at one
        time, at least one sees it.
        """
        flight = ticket.awaited
        if flight is None or flight.over():
            return False
        me, within, seen, ahead = get_ident(), _led.get(), set[Lead](), [flight.lead]
        while ahead:
            lead = ahead.pop()
            if lead.thread == me or lead in within:
                return True
            if lead not in seen:
                seen.add(lead)
                ahead += lead.awaits()
        return flight.waits_long()

    def leave(self, ticket: Ticket) -> None:
        """Let *ticket* wait no longer."""
        flight, waiter = ticket.awaited, ticket.waiter
        ticket.awaited = ticket.waiter = None
        for lead in _led.get():
            _drop(lead.waits, ticket)
        if flight is not None and waiter is not None:
            _drop(flight.waiters, waiter)

    def land(self, ticket: Ticket, ending: Ending, entry: CacheEntry | None = None) -> None:
        """End what *ticket* leads, if it leads, and let those that wait go on."""
        flight = ticket.leads
        if flight is None:
            return
        self._end(ticket.key, flight, ending, entry)
        ticket.leads = None
        ticket.lead.waits.clear()
        _led.set(tuple(lead for lead in _led.get() if lead is not ticket.lead))

    def _end(
        self, key: Hashable, flight: Flight, ending: Ending, entry: CacheEntry | None = None
    ) -> None:
        if self._under_way.get(key) is flight:
            self._under_way.pop(key, None)
        flight.end(ending, entry)

    def forget(self) -> None:
        """Forget all that is under way: after a fork nobody is there to end it."""
        self._under_way.clear()


def _drop(held: MutableSequence[Any], one: object) -> None:
    try:
        held.remove(one)
    except ValueError:  # another has taken it out
        return
