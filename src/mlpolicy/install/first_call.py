"""Functions that wait for their first call, which weaves their driver."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType
from typing import TYPE_CHECKING
from weakref import ref

from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.lock import Lock
from mlpolicy.install import registry
from mlpolicy.install.status import Placed
from mlpolicy.runtime.stub import Stub

if TYPE_CHECKING:
    from mlpolicy.install.placing import Placing

MOST_AT_ONCE = 100
"""Policies of which a function has its steps before the first call."""


class FirstCalls:
    """The stubs of one engine."""

    def __init__(self, maker: Placing) -> None:
        self._maker = maker
        self._stubs: dict[ref[FunctionType], Stub] = {}
        self._forget = partial(_let_go, self._stubs)  # (one for all: there are thousands)
        self._unprepared: deque[Stub] = deque()
        self._begun: set[tuple[str, ...]] = set()
        """The policies of which some function has its steps."""
        self._locks: dict[str, Lock] = {}
        """By target: who waits for one of them waits for nothing else."""
        self._ended = False

    def stub(self, placed: Placed, function: FunctionType, own: CodeType) -> Stub:
        """Return a stub for *function*, of the code *own*, to wait for its first call.

        One function of each set of policies has its steps at once: that shows whether their
        rules work, and has what they use begin; of so many policies as a service may have.
        """
        stub = Stub(own, self, placed=placed, function=ref(function, self._forget))
        policies = placed.plan.policies
        if policies in self._begun or len(self._begun) >= MOST_AT_ONCE:
            self._unprepared.append(stub)
        else:
            self._begun.add(policies)
            self._maker.prepare(placed, function)
        return stub

    def wait(self, function: FunctionType, stub: Stub) -> None:
        """Put *stub* on *function*."""
        if stub.reference is not None:
            self._stubs[stub.reference] = stub
        registry.wait(function, stub)

    def waits(self, placed: Placed, function: FunctionType) -> bool:
        """Whether a stub of *placed* stands on *function* already."""
        stub = self._stubs.get(ref(function))
        return stub is not None and stub.placed is placed and stub.is_in(function.__code__)

    def prepare(self) -> None:
        """Make the steps that yet wait for a call: their metrics begin at zero."""
        while self._unprepared and not self._ended:
            try:
                stub = self._unprepared.popleft()
            except IndexError:  # another thread was quicker
                return
            function = stub.function()
            if function is not None:
                self._under_lock(stub.placed, partial(self._maker.prepare, stub.placed, function))

    def weave(self, stub: Stub, function: FunctionType) -> None:
        """Put the driver on *function*, where *stub* stands.

        What goes wrong leaves the function as it was compiled.
        """
        placed: Placed = stub.placed
        put = partial(self._maker.put, placed, function, instead_of=stub)
        if not self._under_lock(placed, put) and placed.state == "error":
            registry.take_off(function, stub)

    def born(self, stub: Stub) -> CodeType:
        """Return code with the driver for a function that was made from that of *stub*."""

        def make() -> None:
            stub.elsewhere = stub.elsewhere or self._maker.born(stub.placed, stub.own)

        self._under_lock(stub.placed, make)
        return stub.elsewhere or stub.own

    def _under_lock(self, placed: Placed, work: Callable[[], None]) -> bool:
        """Do *work* on a target, one thread at a time; return whether it was done."""
        name = str(placed.target)
        lock = self._locks.get(name) or self._locks.setdefault(name, Lock())
        if lock.held() or self._ended:
            return False  # a finalizer or a signal handler calls what is just being woven
        with lock:
            try:
                work()
            except Exception as error:
                if interrupts(error):
                    raise
                placed.fail(error)
                return False
        return True

    def weave_all(self) -> None:
        """Weave every driver that waits for a call: what cannot be woven is then known."""
        for stub in list(self._stubs.values()):
            if (function := stub.function()) is not None:
                self.weave(stub, function)

    def take_off(self) -> None:
        """Take every stub off its function."""
        self._ended = True
        for stub in list(self._stubs.values()):
            if (function := stub.function()) is not None:
                registry.take_off(function, stub)
        self._stubs.clear()
        self._unprepared.clear()


def _let_go(held: dict[ref[FunctionType], Stub], function: ref[FunctionType]) -> None:
    held.pop(function, None)
