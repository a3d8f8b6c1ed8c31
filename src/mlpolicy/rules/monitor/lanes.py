"""What a sink is, and the way there: a bounded queue and a daemon thread for each.

Calls only put events into queues; a sink that hangs holds up itself alone.
"""

from __future__ import annotations

import atexit
import math
import os
import signal
import sys
import threading
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Final

from mlpolicy.core import clock
from mlpolicy.core.metrics import METERS, Counter
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.threads import Background, Forked, Lock, Waiter
from mlpolicy.rules.monitor.event import Draft, Event

MOST_QUEUED = 10_000
"""Events that wait for one sink."""
_MANY: Final = 5_000
"""Events at which its thread looks at once."""
BATCH = 0.1
"""Seconds from one look into a queue to the next where somebody waits, or events are gathered."""
ROUND = 0.25
"""Seconds between rounds of periodic work."""
AT_EXIT = 1.0
"""Seconds that the end of the process may wait for all queues together."""

Work = Callable[[], object]


class Later(Exception):
    """Raised by a sink that takes nothing for so many seconds.

    Those that it was given are *lost*, or given to it again; what comes after them waits.
    """

    def __init__(self, seconds: float, *, lost: bool = False) -> None:
        super().__init__(f"not before {seconds:g} s")
        self.seconds, self.lost = seconds, lost


class Sink:
    """Takes the numbers, the events, or both.

    There is one object a process.
    What it raises is said once and counted in `mlpolicy_dropped_events_total`; no call sees it.
    """

    api: ClassVar[int | None] = None
    """The version of the interface that a plugin is made for."""
    events: ClassVar[bool] = True
    """Whether it takes events; their JSON is `mlpolicy.event/1`."""
    together: int = 1
    """How many events it is given at once, at most."""
    gathers: float = 0.0
    """Seconds that an event may wait for others that come."""

    def begin(self) -> None:
        """Get ready for numbers; called when a rule that counts and names this sink is placed.

        It may be called often, and in a forked child anew.
        """

    def write(self, event: Mapping[str, Any]) -> None:
        """Take one event; called on a thread of mlpolicy's for this sink, one at a time."""

    def write_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Take several, up to `together`; if it raises, all of them are lost, unless it is `Later`."""
        for event in events:
            self.write(event)

    def finish(self) -> None:
        """Write what was held back: the process ends. Called on the same thread, perhaps again."""


class Lane:
    """The way to one sink: its queue, and the thread that carries out what is in it."""

    def __init__(self, name: str, sink: Sink) -> None:
        self.name = name
        self._sink = sink
        self._periodic: dict[Work, None] = {}
        self._lock = Lock()
        self.dropped: Callable[[], object] = int
        self.begin()

    def begin(self) -> None:
        """Begin, or begin anew in a forked child: what was queued is the parent's to carry out."""
        self._queue: deque[Any] = deque()
        self._thread = Background(f"mlpolicy-{self.name}", self._turn, self._ended)
        self.identity = 0
        """That of its thread."""
        self._end = Waiter()
        self._end.wake()
        self._rests_until = -math.inf
        if self._periodic:
            self._wake()
        self._idle = True
        """Whether the thread must be told that there is something; else it looks by itself."""
        # (`multiprocessing` forgets, in a child, what was registered while it forked)
        self._is_at_exit = False

    def put(self, event: Event | Draft) -> None:
        """Carry *event* out soon; where the queue is full, the oldest is dropped and counted."""
        queue = self._queue
        waiting = len(queue)
        if waiting >= MOST_QUEUED:
            self._drop()
        queue.append(event)
        if self._idle or waiting == _MANY:
            self._wake()

    def _drop(self) -> None:
        try:
            oldest = self._queue.popleft()
        except IndexError:
            return
        if callable(oldest):
            oldest()  # (somebody waits for it, not for the sink)
        else:
            self.dropped()

    def every_round(self, work: Work) -> None:
        """Run *work* in every round on the thread of this sink, and at the end of the process."""
        if work not in self._periodic:
            self._periodic[work] = None
            self._wake()

    def _wake(self) -> None:
        self._idle = False
        # (a finalizer or a signal handler may come while this very thread starts it)
        if not self._thread.is_alive() and not self._lock.held():
            with self._lock:
                if not self._thread.is_alive():
                    try:
                        self._thread.start()
                    except RuntimeError:  # no thread can be had: at the end of the interpreter, say
                        self._idle = True
                        with suppress(Later):
                            self._drain()
        if not self._is_at_exit:
            self._is_at_exit = True
            _carry_out_at_exit()
        self._thread.sooner()

    def _turn(self) -> float:
        if not self.identity:
            self.identity = get_ident()
            EXPORTER.threads.add(self.identity)
        rest = self._rests_until - clock.REAL()
        if rest > 0 and not self._is_awaited():
            return rest
        pause = self._drain()
        self.carry_out_rounds()
        if pause is None:
            self._idle = True
            pause = self._drain()  # (what was put before that has told nobody)
            if pause is None:
                return ROUND if self._periodic else -1  # (-1 waits until there is more)
        self._idle = False
        return pause

    def _ended(self, error: BaseException) -> None:
        """Have the next event start another thread: somebody has ended this one."""
        EXPORTER.threads.discard(self.identity)
        self.identity, self._idle = 0, True
        say_once(f"lane:{self.name}", f"the thread of the sink `{self.name}` ended", error=error)

    def _drain(self) -> float | None:
        """Carry out what is queued; return seconds after which to look again, None if nothing was."""
        pause = None
        while self._queue:
            batch, mark = self._taken()
            if batch:
                pause = self._sink.gathers or None
                try:
                    self.carry_out(partial(self._write, batch), len(batch))
                except Later as later:
                    rest = self._rest(later, batch, mark)
                    if rest is not None:
                        return rest
                    mark = None
            if mark is not None:
                mark()
        return pause

    def _taken(self) -> tuple[list[Event | Draft], Work | None]:
        """Take what the sink is given at once, and the mark after it, if one is next."""
        batch: list[Event | Draft] = []
        while len(batch) < self._sink.together:
            try:
                following = self._queue.popleft()
            except IndexError:
                break
            if callable(following):
                return batch, following
            batch.append(following)
        return batch, None

    def _rest(self, later: Later, batch: list[Event | Draft], mark: Work | None) -> float | None:
        """Put back what the sink will take *later*; return when to look again, None for at once."""
        self._rests_until = clock.REAL() + later.seconds
        self._count_failed(len(batch) if later.lost else 0)
        kept = [*([] if later.lost else batch), *([mark] if mark is not None else [])]
        self._queue.extendleft(reversed(kept))
        if not self._is_awaited():
            return later.seconds
        return None if later.lost else min(later.seconds, BATCH)

    def _is_awaited(self) -> bool:
        """Whether somebody waits until what is queued was carried out."""
        return any(map(callable, self._queue.copy()))

    def _count_failed(self, events: int) -> None:
        for _ in range(events):
            dropping(self.name, "failed").add()

    def _write(self, batch: list[Event | Draft]) -> None:
        self._sink.write_all([one.event() if isinstance(one, Draft) else one for one in batch])

    def carry_out(self, work: Work, events: int = 0) -> None:
        """Do *work*, and tell what it raised, even if that would end our thread."""
        try:
            work()
        except Later:
            raise
        except BaseException as error:
            if get_ident() != self.identity and (
                not isinstance(error, Exception) or interrupts(error)
            ):
                raise
            self._count_failed(events)
            say_once(f"sink:{self.name}", f"the sink `{self.name}` failed", error=error)

    def carry_out_rounds(self) -> None:
        """Do the periodic work."""
        for work in list(self._periodic):
            self.carry_out(work)

    def mark(self, work: Work | None = None) -> Waiter:
        """Return what is woken when all that was put so far, and *work*, was carried out."""
        reached = Waiter()

        def pass_by() -> None:
            if work is not None:
                self.carry_out(work)
            reached.wake()

        self._queue.append(pass_by)  # (an event must not make room for it)
        self._wake()
        return reached

    def ending(self) -> Waiter | None:
        """Return what is woken at the end of all that there is; None where nothing would come of it.

        One that was waited for in vain is not waited for again.
        """
        if not self._end.woken or not (self._thread.is_alive() or self._queue):
            return None
        self._end = self.mark(self._finish)
        return self._end

    def _finish(self) -> None:
        self.carry_out_rounds()
        self._sink.finish()


class Exporter:
    """The lanes of a process, and one more for periodic work that is no sink's."""

    def __init__(self) -> None:
        self._own = Lane("exporter", Sink())
        self._lanes = {0: self._own}
        self.threads: set[int] = set()
        """Those that carry events out: what is called there makes none."""

    def begin(self) -> None:
        """Begin anew in a forked child."""
        self.threads.clear()
        for lane in self.lanes():
            lane.begin()

    def lanes(self) -> list[Lane]:
        """Return every lane there is."""
        return list(self._lanes.copy().values())

    def lane(self, name: str, sink: Sink) -> Lane:
        """Return the way to *sink*: one an object."""
        # (it keeps the object: no other has its `id`, and a plugin's may have no hash)
        key = id(sink)
        lane = self._lanes.get(key) or self._lanes.setdefault(key, Lane(name, sink))
        lane.dropped = dropping(name, "queue_full").add
        return lane

    def soon(self, work: Work) -> None:
        """Run *work* once, off this thread."""
        self._own.mark(work)

    def every_round(self, work: Work, sink: Sink | None = None, name: str = "") -> None:
        """Run *work* in every round, and at the end; on the thread of *sink* if it is one's."""
        (self._own if sink is None else self.lane(name, sink)).every_round(work)

    def flush(self, at_most: float = AT_EXIT) -> bool:
        """Wait until everything put so far was carried out, *at_most* seconds."""
        return _reached([lane.mark() for lane in self.lanes()], at_most)

    def finish(self) -> None:
        """Carry everything out at the end of the process; a second in all for all sinks."""
        ends = [lane.ending() for lane in self.lanes() if lane is not self._own]
        _reached([end for end in ends if end is not None], AT_EXIT)
        # The numbers are exact at the end, however long another sink took.
        self._own.carry_out_rounds()


def _reached(marks: Iterable[Waiter], at_most: float) -> bool:
    """Whether all *marks* are reached within so many seconds."""
    end = clock.REAL() + at_most
    reached = [mark.wait(end - clock.REAL()) for mark in marks]  # (each of them is waited for)
    return all(reached)


def dropping(sink: str, reason: str) -> Counter:
    """Return the counter of events that were not carried out."""
    name, help = "mlpolicy_dropped_events_total", "Events that did not reach their sink."
    return METERS.counter(name, help, sink=sink, reason=reason)


def _carry_out_at_exit() -> None:
    # What is registered last runs first: before what a sink needs is shut down.
    atexit.unregister(EXPORTER.finish)
    atexit.register(EXPORTER.finish)
    # A child of `multiprocessing` ends without it.
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, EXPORTER.finish, exitpriority=0)


EXPORTER = Exporter()
Forked(Exporter.begin).add(EXPORTER)
atexit.register(EXPORTER.finish)


# --- SIGTERM --------------------------------------------------------------------------


def finish_at_sigterm() -> None:
    """Have a program that SIGTERM would end at once finish first."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(number: int, _: object) -> None:
    EXPORTER.finish()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _in_child() -> None:
    # A pool ends its workers by SIGTERM, and waits: one that is deep in C would not hear ours.
    if signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
