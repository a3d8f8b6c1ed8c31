"""The template's side of weaving: names, constants, and what differs by kind of function."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping

from mlpolicy.core.block import Lines
from mlpolicy.core.live import Home, Live
from mlpolicy.core.site import FunctionKind
from mlpolicy.core.step import Step
from mlpolicy.core.verdict import Again, Answer, Refuse, Wait
from mlpolicy.runtime.awaiting import complete
from mlpolicy.runtime.guard import Guarded, StandAside
from mlpolicy.runtime.world import Pause, World

NO_CALL = "0"


class Weaver:
    """One driver in the making; implements `Loom` for the steps that weave it."""

    def __init__(
        self,
        target: str,
        kind: FunctionKind,
        *,
        parameters: Iterable[str],
        reserved: Iterable[str],
        world: World,
        numbered: bool = False,
    ) -> None:
        self.target = target
        self.home = target
        """Where other processes find what pickles by name."""
        self.kind = kind
        self.constants: dict[str, object] = {}
        self.head: Lines = []
        self.step_kind = ""
        self.closed = False
        self.closure = ""
        self._world = world
        self._parameters = {name: name for name in parameters}
        self._taken = {*self._parameters, *reserved}
        self._values: dict[int, str] = {}
        self._now = ""
        self._call = self.local("call") if numbered else NO_CALL
        self._held: dict[int, str] = {}
        self.settled: list[str] = []
        self.result = self.local("result")

    @property
    def asynchronous(self) -> bool:
        """Whether lines may await."""
        return self.kind in ("coroutine", "async_generator")

    @property
    def arguments(self) -> Mapping[str, str]:
        """Parameter names to the locals that hold them."""
        return self._parameters

    @property
    def call(self) -> str:
        """The local that holds the number of this call, 0 until it has one; or `0`."""
        return self._call

    def held(self, step: Step) -> str:
        """Return the local that says whether *step* holds for this call, decided at its start."""
        known = self._held.get(id(step))
        if known is None:
            known = self._held[id(step)] = self.local("held")
            argument = self._parameters[step.shared_by] if step.shared_by else ""
            self.head.append(f"{known} = {self.constant('share', step.share)}({argument})")
        return known

    def clock(self) -> str:
        """Return the name of the function that reads the clock; `now` is cheaper at the start."""
        return self.constant("clock", self._world.now)

    def opening(self) -> Lines:
        """Return the lines that come before all others."""
        return [*([f"{self._call} = {NO_CALL}"] if self._call != NO_CALL else []), *self.head]

    def now(self) -> str:
        """Return the local that holds the clock at the start of the call."""
        if not self._now:
            self._now = self.local("now")
            self.head.append(f"{self._now} = {self.clock()}()")
        return self._now

    def local(self, hint: str) -> str:
        """Return a new name like *hint*."""
        name = hint
        while name in self._taken or keyword.iskeyword(name):
            name += "_"
        self._taken.add(name)
        return name

    def constant(self, hint: str, value: object) -> str:
        """Return the name under which lines reach *value*, marked as a constant's."""
        known = self._values.get(id(value))
        if known is not None:
            return known
        hash(value)  # a constant that cannot be hashed breaks cloudpickle: fail while weaving
        name = self.local(hint)
        self.constants[name] = value
        self._values[id(value)] = marked = f"\x02{name}\x03"
        owner = getattr(value, "__self__", value)
        if isinstance(owner, Live):
            owner.settle(Home(self.home, self.step_kind, name))
        return marked

    def method(self, hint: str, method: Callable[..., object], otherwise: object = None) -> str:
        """Return the name of *method*, made safe."""
        return self.constant(hint, Guarded(method, otherwise, self.target, closed=self.closed))

    def guarded(self, call: str, result: str) -> Lines:
        """Return lines that leave the value of *call* in *result*, None after a bug in it."""
        bug = self.local("bug")
        aside = self.constant("aside", StandAside(self.step_kind, self.target, closed=self.closed))
        return [
            "try:",
            f"    {result} = {call}",
            f"except {self.constant('Exception', Exception)} as {bug}:",
            f"    {result} = {aside}({bug})",
        ]

    def pause(self, seconds: str) -> str:
        """Return the statement that sleeps for *seconds*."""
        if self.asynchronous:
            return f"await {self.constant('sleep', self._world.sleep_async)}({seconds})"
        pause = Pause(self.target, self._world.sleep)
        return f"{self.constant('sleep', pause)}({seconds})"

    def within(self, seconds: str) -> str:
        """Return the head of a block that may take *seconds*; empty where nothing is awaited."""
        if not self.asynchronous:
            return ""
        return f"async with {self.constant('within', self._world.within)}({seconds}):"

    def wait(self, waiter: str, at_most: str) -> str:
        """Return the expression that waits for a `Waiter`."""
        if self._world.wait is not None:
            return f"{self.constant('wait', self._world.wait)}({waiter}, {at_most})"
        if self.asynchronous:
            return f"await {waiter}.wait_async({at_most})"
        wait = Pause(self.target, self._world.sleep).wait
        return f"{self.constant('wait', wait)}({waiter}, {at_most})"

    def perform(self, call: str) -> str:
        """Return the expression that gives the value of *call*, awaited where it can be."""
        return f"await {self.constant('complete', complete)}({call})" if self.asynchronous else call

    def settle(self, ask: str, verdict: str) -> Lines:
        """Return lines that ask until the verdict is final, and act on it."""
        self.settled.append(verdict)
        again, wait = self.constant("Again", Again), self.constant("Wait", Wait)
        return [
            "while True:",
            f"    {verdict} = {ask}",
            f"    if {verdict}.__class__ is {wait}:",
            f"        {self.wait(f'{verdict}.waiter', f'{verdict}.at_most')}",
            f"    elif {verdict}.__class__ is {again}:",
            f"        {self.pause(f'{verdict}.pause')}",
            "    else:",
            "        break",
            *self.act(verdict),
        ]

    def act(self, verdict: str) -> Lines:
        """Return lines that do what the final *verdict* says; None is left as it is."""
        answer, refuse = self.constant("Answer", Answer), self.constant("Refuse", Refuse)
        given = self.perform(f"{verdict}.function()")
        return [
            f"if {verdict}.__class__ is {answer}:",
            f"    {self.result} = {verdict}.value",
            f"elif {verdict}.__class__ is {refuse}:",
            # The error must not be held by the frame that its traceback holds.
            "    try:",
            f"        raise {verdict}.error",
            "    finally:",
            f"        del {verdict}",
            f"elif {verdict} is not None:",
            f"    {self.result} = {given}",
        ]
