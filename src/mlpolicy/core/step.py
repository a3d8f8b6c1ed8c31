"""The contract of a rule at a call: a step looks, and says what it thinks.

What it says is a verdict, on which the driver acts. A driver is made of lines of source, which
the steps weave with a `Loom`: it names things, and spells what differs by kind of function.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Final

from mlpolicy.core.classes import frozen
from mlpolicy.core.report import say_once
from mlpolicy.core.site import FunctionKind, Site
from mlpolicy.core.threads import Live, Waiter
from mlpolicy.core.world import Guarded, Pause, StandAside, World, complete

# --- verdicts ---------------------------------------------------------------------------


@frozen()
class Answer:
    """Hand *value* to the caller in place of what the inner block would give."""

    value: object


@frozen()
class Refuse:
    """Raise *error* to the caller."""

    error: BaseException


@frozen()
class Again:
    """Run the inner block again after *pause* seconds."""

    pause: float


@frozen()
class Wait:
    """Block or await until *waiter* is woken, *at_most* seconds, then ask the step again."""

    waiter: Waiter
    at_most: float


@frozen()
class Do:
    """Call (or await) *function* without arguments; what it gives is the result."""

    function: Callable[[], object]


@frozen()
class Within:
    """Go on; what is inside may take *seconds* at each attempt, or `TimeoutError` ends it.

    Only what awaits can be ended: the answer of a step whose class says `bounds`.
    """

    seconds: float


PROCEED: Final = None
"""Nothing to say: the call goes on."""

Verdict = Answer | Refuse | Again | Wait | Do | Within | None

# --- steps ------------------------------------------------------------------------------


@dataclass(slots=True)
class Call:
    """One logical call, as a step with plain methods sees it."""

    arguments: Mapping[str, Any]
    attempt: int = 1
    within: float | None = None
    """Seconds that an attempt may take; None where no step has said `Within`."""


class Step(Live):
    """What one rule does at a call.

    A kind that needs no speed of its own writes `before`, `failed` and `after`; the general
    weave turns them into calls.
    A kind on the hot path overrides `weave` with a few lines for the common case, and keeps
    everything rare in methods.
    """

    kind: ClassVar[str] = ""
    bounds: ClassVar[bool] = False
    """Whether `before` may say `Within`: lines for it are written for these steps alone."""
    share: Callable[..., bool] | None = None
    """Says of a call whether the rule holds for it; None where it holds for all."""
    shared_by: str | None = None
    """The argument that `share` is asked about."""
    otherwise: Step | None = None
    """What stands in for the step in all other calls."""

    def __init__(self, rule: Any, site: Site) -> None:
        self.rule = rule
        self.site = site

    def before(self, call: Call) -> Verdict:
        """Say whether the call goes on."""
        return PROCEED

    def failed(self, call: Call, error: Exception) -> Verdict:
        """Say what becomes of *error*; PROCEED lets it pass as it is."""
        return PROCEED

    def after(self, call: Call, result: Any) -> Verdict:
        """Say what becomes of *result*; PROCEED hands it on."""
        return PROCEED

    def weaves(self) -> Mapping[str, Weave]:
        """Return a weave for each position in the order where this step stands."""
        return {self.kind: self.weave}

    def each(self) -> tuple[Step, ...]:
        """Return the step, and what stands in for it in calls that it does not hold for."""
        return (self, self.otherwise) if self.otherwise is not None else (self,)

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return the block around *inner*: in general, lines that call the three methods.

        `before` is asked until it says something final; `failed` and `after` may ask for another
        attempt. In shadow the verdicts are reported and dropped.
        """
        call, verdict = loom.local("call"), loom.local("verdict")
        pairs = ", ".join(f"({name!r}, {local})" for name, local in loom.arguments.items())
        arguments = f"{loom.constant('dict', dict)}(({pairs}{',' if pairs else ''}))"
        limit = loom.within(f"{call}.within") if self.bounds else ""
        if limit:
            inner = [limit, *indented(inner)]
        elif self.bounds:
            text = "is no coroutine: nothing can end it, and its time is not bounded"
            say_once(f"bounds:{self.site.target}", f"{self.site.target} {text}")
        return [
            f"{call} = {loom.constant('Call', Call)}({arguments})",
            *loom.settle(self._ask(loom, "before", call), verdict),
            f"if {verdict} is None:",
            *indented(self._attempt(inner, loom, call, verdict)),
        ]

    def _ask(self, loom: Loom, method: str, *arguments: str) -> str:
        """Return the call of one of the three methods, its verdict counted."""
        bound = _acting(self, getattr(self, method))
        return f"{loom.method(f'{self.kind}_{method}', bound)}({', '.join(arguments)})"

    def _attempt(self, inner: Lines, loom: Loom, call: str, settled: str) -> Lines:
        """Return lines that run *inner*; *settled* is None unless an error was answered."""
        verdict, error = loom.local("verdict"), loom.local("error")
        again, exception = loom.constant("Again", Again), loom.constant("Exception", Exception)
        return [
            "while True:",
            "    try:",
            *indented(indented(inner)),
            f"        {verdict} = {self._ask(loom, 'after', call, loom.result)}",
            f"    except {exception} as {error}:",
            f"        {verdict} = {self._ask(loom, 'failed', call, error)}",
            f"        if {verdict} is None:",
            "            raise",
            f"        {settled} = True",
            f"    if {verdict} is None:",
            "        break",
            f"    if {verdict}.__class__ is not {again}:",
            *indented(indented(loom.act(verdict))),
            "        break",
            f"    {settled} = None",
            f"    {loom.pause(f'{verdict}.pause')}",
            f"    {call}.attempt += 1",
        ]

    def close(self) -> None:
        """Let go of whatever the step holds; the policy no longer uses it."""

    def inherit(self, earlier: Step) -> None:
        """Take over the state of the step that stood here before a reload."""


def _acting(step: Step, method: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """Return *method* with its verdicts counted: refusals, or in shadow all, which are dropped.

    What it says of time is put where the lines of the attempt read it.
    """
    site = step.site
    refused = None if site.shadow else site.refused(step.kind)

    @wraps(method)
    def ask(call: Call, *arguments: object) -> Verdict:
        verdict = method(call, *arguments)
        if verdict is None:
            return None
        if isinstance(verdict, Within):
            if step.bounds and refused is not None:
                call.within = verdict.seconds
            return None
        if refused is None:
            site.would(step.kind, _WOULD.get(type(verdict), "refuse")).add()
            return None
        if isinstance(verdict, Refuse):
            refused.add()
        return verdict

    return ask


_WOULD = {Again: "retry", Answer: "hit", Do: "hit"}

# --- lines ------------------------------------------------------------------------------

Lines = list[str]
"""Source lines without their outer indentation; a block leaves its value in `loom.result`."""


def indented(lines: Iterable[str]) -> Lines:
    """Return *lines* one level deeper."""
    return [f"    {line}" for line in lines]


NO_CALL = "0"


class Loom:
    """One driver in the making: names, constants, and what differs by kind of function.

    Whatever a line mentions is a parameter of the function, a name from `local`, or a name
    from `constant`; nothing is looked up as a global, builtins included.
    """

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
        self.home = target
        """Where other processes find what pickles by name."""
        self.kind = kind
        self.asynchronous = kind in ("coroutine", "async_generator")
        """Whether lines may await."""
        self.arguments = {name: name for name in parameters}
        """Parameter names, as in the signature, to the locals that hold them."""
        self.constants: dict[str, object] = {}
        self.head: Lines = []
        self.step_kind = ""
        self.closure = ""
        """The expression of the cells that the function has captured; empty where it has none."""
        self.settled: list[str] = []
        """The locals of the verdicts of steps within: None, unless one answers for the function."""
        self._target = target
        self.closed = False
        """Whether a bug in a step fails the call."""
        self._world = world
        self._taken = {*self.arguments, *reserved}
        self._values: dict[int, str] = {}
        self._now = ""
        self.call = self.local("call") if numbered else NO_CALL
        """The local that holds the number of this call: 0 until it has one. `0` where nothing counts."""
        self._held: dict[int, str] = {}
        self.result = self.local("result")
        """The local that holds the value of the call."""

    def held(self, step: Step) -> str:
        """Return the local that says whether *step* holds for this call, decided at its start."""
        known = self._held.get(id(step))
        if known is None:
            known = self._held[id(step)] = self.local("held")
            argument = self.arguments[step.shared_by] if step.shared_by else ""
            self.head.append(f"{known} = {self.constant('share', step.share)}({argument})")
        return known

    def clock(self) -> str:
        """Return the name of the function that reads the clock; `now` is cheaper at the start."""
        return self.constant("clock", self._world.now)

    def opening(self) -> Lines:
        """Return the lines that come before all others."""
        return [*([f"{self.call} = {NO_CALL}"] if self.call != NO_CALL else []), *self.head]

    def now(self) -> str:
        """Return the local that holds the clock at the start of the call, in seconds."""
        if not self._now:
            self._now = self.local("now")
            self.head.append(f"{self._now} = {self.clock()}()")
        return self._now

    def local(self, hint: str) -> str:
        """Return a new local name like *hint* that collides with nothing."""
        name = hint
        while name in self._taken or keyword.iskeyword(name):
            name += "_"
        self._taken.add(name)
        return name

    def constant(self, hint: str, value: object) -> str:
        """Return the name under which lines reach *value*, which must be hashable for cloudpickle."""
        known = self._values.get(id(value))
        if known is not None:
            return known
        hash(value)
        name = self.local(hint)
        self.constants[name] = value
        self._values[id(value)] = marked = f"\x02{name}\x03"
        owner = getattr(value, "__self__", value)
        if isinstance(owner, Live):
            owner.settle((self.home, self.step_kind, name))
        return marked

    def method(self, hint: str, method: Callable[..., object], otherwise: object = None) -> str:
        """Return the name of *method* made safe: a bug in it is reported once and gives *otherwise*."""
        return self.constant(hint, Guarded(method, otherwise, self._target, closed=self.closed))

    def guarded(self, call: str, result: str) -> Lines:
        """Return lines that leave the value of *call* in the local *result*, None after a bug in it.

        What `method` does, at no cost beyond the call: for what runs at every failure.
        """
        return self.tried([f"{result} = {call}"], result)

    def tried(self, lines: Lines, result: str = "") -> Lines:
        """Return *lines* that a bug in them ends, which leaves None in the local *result*, if any."""
        bug = self.local("bug")
        aside = StandAside(self.step_kind, self._target, closed=self.closed)
        given = f"{result} = " if result else ""
        return [
            "try:",
            *indented(lines),
            f"except {self.constant('Exception', Exception)} as {bug}:",
            f"    {given}{self.constant('aside', aside)}({bug})",
        ]

    def pause(self, seconds: str) -> str:
        """Return the statement that sleeps for the expression *seconds*."""
        if self.asynchronous:
            return f"await {self.constant('sleep', self._world.sleep_async)}({seconds})"
        pause = Pause(self._target, self._world.sleep)
        return f"{self.constant('sleep', pause)}({seconds})"

    def within(self, seconds: str) -> str:
        """Return the head of a block that may take *seconds*; empty where nothing can end the function."""
        if not self.asynchronous:
            return ""
        return f"async with {self.constant('within', self._world.within)}({seconds}):"

    def wait(self, waiter: str, at_most: str) -> str:
        """Return the expression that waits for a `Waiter`: True when it was woken."""
        if self._world.wait is None and self.asynchronous:
            return f"await {waiter}.wait_async({at_most})"
        wait = self._world.wait or Pause(self._target, self._world.sleep).wait
        return f"{self.constant('wait', wait)}({waiter}, {at_most})"

    def perform(self, call: str) -> str:
        """Return the expression that gives the value of *call*, awaited where it can be."""
        return f"await {self.constant('complete', complete)}({call})" if self.asynchronous else call

    def settle(self, ask: str, verdict: str) -> Lines:
        """Return lines that ask for a verdict until it is final, and act on it.

        They leave None in the local *verdict* where the call goes on, and leave the result
        (or raise) where not.
        """
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
        """Return lines that do what the final verdict in the local *verdict* says."""
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


Weave = Callable[[Lines, Loom], Lines]
"""Given the inner block, return the block around it."""
