"""Functions whose calls bring something to place.

Most wait for their first call, which weaves their driver. After each call of others there may be
something new: those that choose an implementation by the class of an argument register more.
"""

from __future__ import annotations

import operator
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any
from weakref import ref

from mlpolicy.core.classes import name_of
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.threads import Lock
from mlpolicy.install import registry
from mlpolicy.install.lookup import dispatchers, peel
from mlpolicy.install.registry import Stub
from mlpolicy.runtime.driver import from_code, twin_of

if TYPE_CHECKING:
    from mlpolicy.install.placing import Placed, Placing


MOST_AT_ONCE = 100
"""Policies of which a function has its steps before the first call."""


class FirstCalls:
    """The stubs of one engine."""

    def __init__(self, maker: Placing) -> None:
        self._maker = maker
        self._stubs: dict[ref[FunctionType], Stub] = {}
        stubs = self._stubs
        self._forget: Callable[[ref[FunctionType]], object] = lambda gone: stubs.pop(gone, None)
        """One for all: there are thousands."""
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


def govern_implementations(placing: Placing, placed: Placed, raw: Any) -> None:
    """Put the driver of *placed* into what is registered at the function *raw*, by and by too."""
    for dispatcher in dispatchers(raw):
        _govern(placing, placed, dispatcher)
        weak = ref(dispatcher)

        def again(weak: ref[Any] = weak) -> None:
            dispatcher = weak()
            if dispatcher is not None:
                _govern(placing, placed, dispatcher)

        follow(placing, dispatcher.register, again)


def _govern(placing: Placing, placed: Placed, dispatcher: Any) -> None:
    """Govern the implementations that are not yet; the default one is the target itself."""
    for cls, implementation in list(dispatcher.registry.items()):
        function = peel(implementation)
        home = function.__globals__.get("__name__") if type(function) is FunctionType else "sys"
        # (of the standard library's, others call the function too, for what it is by itself)
        if str(home).partition(".")[0] in sys.stdlib_module_names - {"__main__"}:
            placed.detail = f"its implementation for `{name_of(cls)}` is not its own function"
            say_once(f"dispatch:{placed.target}", f"{placed.target}: {placed.detail}")
        elif function not in (placed.drivers or ()):
            placing.inner(placed, (function,), implements=True)


def follow(placing: Placing, function: FunctionType, then: Callable[[], None]) -> None:
    """Call *then* after each call of *function*, until the policy is taken away."""
    if function in placing.followed:
        return
    entry = registry.record(function)
    twin = Followed(twin_of(function, entry.base), then)
    placing.follow(function, from_code(entry.own, (), target=function.__qualname__, twin=twin))


class Followed:
    """Calls a function, then what follows it."""

    __slots__ = ("_function", "_then")

    def __init__(self, function: FunctionType, then: Callable[[], None]) -> None:
        self._function = function
        self._then = then

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Give what the function gives."""
        result = self._function(*args, **kwargs)
        try:
            self._then()
        except Exception as error:  # (a bug of ours must not break the user's call)
            if interrupts(error):
                raise
            say_once("follow", f"placing failed: {error}", error=error)
        return result

    def __reduce__(self) -> Any:
        """Travel as the function that it calls."""
        return operator.getitem, ((self._function,), 0)
