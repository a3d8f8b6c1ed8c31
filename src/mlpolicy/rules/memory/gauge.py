"""What is in use, read now and then, and told to every gate that stands by it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import ref

from mlpolicy.core import clock
from mlpolicy.core.report import LOGGER, interrupts, say_once
from mlpolicy.core.threads import Lock, Waiter
from mlpolicy.rules.memory.probes import Reading

if TYPE_CHECKING:
    from mlpolicy.rules.memory.gate import Gate

Read = Callable[[], Reading | None]
OLD = 2
"""A reading of more polls than this ago is read anew by the call that needs it."""


class Gauge:
    """The last reading, shared by all gates of the same limit, measure and poll.

    *attend* sees to it that a sampler reads it from time to time, and says whether one does.
    Where none does (no thread can be started), the gates stay shut: calls ask, and those that
    ask read it, once a poll at most.
    """

    def __init__(
        self,
        read: Read,
        poll: float,
        *,
        attend: Callable[[], bool] = bool,
        reset: Callable[[], object] = bool,
        now: clock.Clock = clock.now,
    ) -> None:
        self.poll = poll
        self._read = read
        self._attend = attend
        self._reset = reset
        self.now = now
        self._gates: set[ref[Gate]] = set()
        self.lock = Lock()
        self._clear()

    def _clear(self) -> None:
        self.called: deque[Waiter] = deque()
        """The waiters of calls that are let in, until they are woken: no lock is held by then."""
        self.reading: Reading | None = None
        self.at = float("-inf")
        self.attended = False
        self._blind = False

    def restart(self) -> None:
        """Begin anew in a forked child: no thread is there, and no file is its own."""
        self._clear()
        self._reset()
        for gate in self.gates():
            gate.restart()

    @property
    def watched(self) -> bool:
        """Whether gates are told in time, so that calls need not ask."""
        return self.attended and not self._blind

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
        if now - self.at > (OLD if self.attended else 1) * self.poll:
            self.attended = self._attend()
            self.sample()

    def blind(self) -> None:
        """Let calls ask until the next reading: the sampler will be busy for a while."""
        with self.lock:
            self._blind = True
            for gate in self.gates():
                gate.shut = True

    def sample(self, *, sighted: bool = False) -> None:
        """Read what is in use and tell every gate; *sighted* ends what `blind` began."""
        # Read outside of the lock: a probe that fails is logged, by whatever handlers there are.
        now, reading = self.now(), self._safely()
        if self.lock.held():  # by a finalizer or a signal handler, while gates are being told
            return
        crossing: list[Gate] = []
        with self.lock:
            self._blind = self._blind and not sighted
            if now >= self.at:  # else another thread has read it since
                self.reading, self.at = reading, now
                crossing = self._tell(reading, now)
        while self.called:
            try:
                waiter = self.called.popleft()
            except IndexError:
                break
            waiter.wake()
        if reading is not None:
            _warn(reading, crossing)

    def _tell(self, reading: Reading | None, now: float) -> list[Gate]:
        """Tell every gate; return those whose `warn_at` is crossed."""
        gates = self.gates()
        for gate in gates:
            if reading is None:
                gate.stand_aside()
            else:
                gate.update(reading, now)
        return [] if reading is None else [gate for gate in gates if gate.crosses(reading)]

    def _safely(self) -> Reading | None:
        try:
            reading = self._read()
        except Exception as error:
            if interrupts(error):
                raise
            # (whatever an operating system comes up with)
            why = f"{type(error).__name__}: {error}"
            say_once("memory:probe", f"memory cannot be read ({why}): its rules stand aside")
            return None
        if reading is None:
            say_once("memory:probe", "memory cannot be read here: its rules stand aside")
        return reading


def _warn(reading: Reading, gates: list[Gate]) -> None:
    """Log that `warn_at` was crossed, one line for all functions of the same threshold."""
    by_share: dict[float, list[str]] = {}
    for gate in gates:
        gate.decisions.count("warn")
        by_share.setdefault(gate.warn_at, []).append(gate.decisions.target)
    for share, names in by_share.items():
        used = f"{reading.share:.0%} of {reading.limit / 1024**2:.0f} MiB ({reading.of}) is in use"
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        try:
            text = "memory: %s, above warn_at %.0f%% of %s%s"
            LOGGER.warning(text, used, share * 100, min(names), more)
        except Exception as error:
            if interrupts(error):
                raise
            # (a handler of the user's must not stop the sampler)
            say_once("memory:log", f"a log handler failed: {type(error).__name__}", error=error)
