"""Single flight: of the calls with one key, one computes and the others wait for it."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from mlpolicy.core import clock
from mlpolicy.core.waiting import Waiter

if TYPE_CHECKING:
    from mlpolicy.rules.cache.stores.store import Entry

Ending = Literal["kept", "not kept", "failed"]


class Flight:
    """One computation under way, and what came of it."""

    __slots__ = ("ending", "entry", "waiter")

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self.entry: Entry | None = None
        self.waiter: Waiter | None = None


class Ticket:
    """One call that found nothing fresh: what it leads, and what it waited for."""

    __slots__ = ("awaited", "call", "key", "leads", "outer", "read", "start")

    def __init__(self, key: Hashable | None, start: float, call: int) -> None:
        self.key = key
        self.start = start
        self.call = call
        self.read = clock.now()
        self.leads: Flight | None = None
        self.awaited: Flight | None = None
        self.outer: tuple[Flight, ...] = ()

    def now(self) -> float:
        """Return the time on the clock by which the call began."""
        return self.start + clock.now() - self.read


_led: ContextVar[tuple[Flight, ...]] = ContextVar("mlpolicy_cache_led", default=())
"""What the present thread or task, and those that it was started from, compute already."""


class Flights:
    """The computations under way in one cache."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, Flight] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._under_way)

    def join(self, ticket: Ticket) -> Waiter | None:
        """Return what *ticket* must wait for, or None where it goes on by itself.

        It leads unless it came from the very computation that it would wait for.
        """
        mine = Flight()
        flight = self._under_way.setdefault(ticket.key, mine)
        if flight is mine:
            ticket.leads = mine
            ticket.outer = _led.get()
            _led.set((*ticket.outer, mine))
            return None
        if flight in _led.get():
            return None
        ticket.awaited = flight
        return self._waiter(flight)

    def _waiter(self, flight: Flight) -> Waiter:
        # Most flights have no waiter: it is made by the first that waits.
        with self._lock:
            if flight.waiter is None:
                flight.waiter = Waiter()
                if flight.ending is not None:
                    flight.waiter.wake()
            return flight.waiter

    def land(self, ticket: Ticket, ending: Ending, entry: Entry | None = None) -> None:
        """End what *ticket* leads, if it leads, and let those that wait go on."""
        flight, ticket.leads = ticket.leads, None
        if flight is None:
            return
        _led.set(ticket.outer)
        if self._under_way.get(ticket.key) is flight:
            self._under_way.pop(ticket.key, None)
        flight.entry = entry
        with self._lock:
            flight.ending = ending
            waiter = flight.waiter
        if waiter is not None:
            waiter.wake()

    def forget(self) -> None:
        """Forget all that is under way: after a fork nobody is there to end it."""
        self._lock = threading.Lock()
        self._under_way.clear()
