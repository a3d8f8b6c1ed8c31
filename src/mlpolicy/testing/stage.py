"""Where a call of a test takes place: the real driver, around a stub or the function itself."""

from __future__ import annotations

import asyncio
import copy
import importlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import FunctionKind
from mlpolicy.core.target import Target
from mlpolicy.errors import CallRefused
from mlpolicy.install.lookup import NotFound, find
from mlpolicy.plan.plan import Plan
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import from_code, twin_of
from mlpolicy.runtime.template import kind_of
from mlpolicy.testing.journal import Journal, TellingMeters
from mlpolicy.testing.signature import SignatureError, arguments
from mlpolicy.testing.suite import Behaviour, Doing
from mlpolicy.testing.world import FakeSampler, VirtualWorld, maker


@frozen()
class Happened:
    """What came of a call."""

    value: Any
    error: BaseException | None
    attempts: int
    slept: float
    took: float
    events: tuple[str, ...]
    via: str


class Script:
    """Stands in for the function that a driver calls: plays what the test says, and counts."""

    def __init__(self, kind: str, journal: Journal, world: VirtualWorld) -> None:
        self._play = {
            "function": self._next,
            "coroutine": self._later,
            "generator": self._items,
            "async_generator": self._items_later,
        }[kind]
        self._journal = journal
        self._world = world
        self._at = 0
        self.behaviour: tuple[Behaviour, ...] = ()
        self.real: Callable[..., Any] | None = None
        self.raised: BaseException | None = None
        """What it raised last, as the test says."""

    def begin(self, behaviour: tuple[Behaviour, ...]) -> None:
        """Play *behaviour* from its beginning."""
        self.behaviour, self._at = behaviour, 0

    def __call__(self, *positional: Any, **named: Any) -> Any:
        """Do what is next."""
        self._journal.called()
        return self.real(*positional, **named) if self.real is not None else self._play()

    def _next(self) -> Any:
        if not self.behaviour:
            return None
        now = self.behaviour[min(self._at, len(self.behaviour) - 1)]
        self._at += 1
        self._world.advance(now.takes)
        if now.raises is not None:
            self.raised = now.raises.error()
            raise self.raised
        return copy.deepcopy(now.gives)  # the caller may change it

    async def _later(self) -> Any:
        return self._next()

    def _items(self) -> Iterator[Any]:
        yield from self._next() or ()

    async def _items_later(self) -> AsyncIterator[Any]:
        for item in self._next() or ():
            yield item


@dataclass(slots=True)
class _Placed:
    """One function with its driver."""

    function: Callable[..., Any]
    kind: FunctionKind
    journal: Journal
    script: Script
    close: Callable[[], None]


@dataclass(slots=True)
class Stage:
    """All that the calls of one test share: the world, and drivers with what they keep."""

    plans: Callable[[Target], Plan]
    stubs: Mapping[Target, FunctionType]
    world: VirtualWorld = field(default_factory=VirtualWorld)
    _placed: dict[tuple[Target, bool], _Placed] = field(default_factory=dict)
    _sampler: FakeSampler | None = None

    def call(self, doing: Doing) -> Happened:
        """Make one call; what it raises is part of what happened.

        Raises:
            SignatureError: The arguments do not fit, or there is no such function.
        """
        if doing.world is not None:
            self.world.machine = doing.world
        placed = self._place(doing)
        positional, named = arguments(placed.function, copy.deepcopy(dict(doing.args)))
        placed.script.begin(doing.behaviour)
        placed.journal.begin()
        if self._sampler is not None:
            self._sampler.refresh()
        slept, began = self.world.slept, self.world.time
        value, error = _outcome(placed, positional, named)
        return _told(
            placed.journal,
            doing.function.target,
            value=value,
            error=error,
            spent=(self.world.slept - slept, self.world.time - began),
        )

    def close(self) -> None:
        """Let everything go."""
        for placed in self._placed.values():
            placed.close()
        self._placed.clear()

    def _place(self, doing: Doing) -> _Placed:
        target = doing.function.target
        key = (target, doing.real)
        if key not in self._placed:
            base = _real(target) if doing.real else self.stubs[target]
            self._placed[key] = self._driven(target, base, real=doing.real)
        return self._placed[key]

    def _driven(self, target: Target, base: FunctionType, *, real: bool) -> _Placed:
        journal, code = Journal(), base.__code__
        script = Script(kind_of(code), journal, self.world)
        if real:
            script.real = twin_of(base)
        if self._sampler is None:
            self._sampler = FakeSampler(self.world)
        make = maker(self.world, notes=journal, sampler=self._sampler)
        meters = TellingMeters(journal)
        made = steps(self.plans(target), code, base, meters=meters, make=make)
        # A bug in a rule must fail the test: in a service the rule would stand aside.
        world = self.world.runtime()
        driver = from_code(code, made, target=str(target), twin=script, world=world, closed=True)
        function = FunctionType(
            driver.code, base.__globals__, base.__name__, base.__defaults__, base.__closure__
        )
        function.__kwdefaults__ = base.__kwdefaults__
        return _Placed(function, kind_of(code), journal, script, driver.close)


def _real(target: Target) -> FunctionType:
    """Return the function under *target*, its module imported."""
    try:
        found = find(importlib.import_module(target.module), target.qualname)
    except NotFound as error:
        raise SignatureError(str(error)) from None
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise SignatureError(f"`{target.module}` cannot be imported: {said}") from error
    if not found.functions:
        raise SignatureError(f"`{target}` has no Python code to call")
    return found.functions[0]


def _outcome(
    placed: _Placed, positional: tuple[Any, ...], named: dict[str, Any]
) -> tuple[Any, BaseException | None]:
    """Return what a call gives, and what it raises; items of generators as a list."""
    try:
        return _given(placed, positional, named), None
    except (KeyboardInterrupt, SystemExit) as error:
        if error is not placed.script.raised:
            raise  # somebody stops the tests
        return None, error
    except BaseException as error:  # noqa: BLE001 (whatever the test made the function raise)
        return None, error


def _given(placed: _Placed, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
    made = placed.function(*positional, **named)
    match placed.kind:
        case "function":
            return made
        case "generator":
            return list(made)
        case "coroutine":
            return asyncio.run(made)
        case "async_generator":
            return asyncio.run(_listed(made))


async def _listed(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


def _told(
    journal: Journal,
    target: Target,
    *,
    value: Any,
    error: BaseException | None,
    spent: tuple[float, float],
) -> Happened:
    events = journal.events()
    answered = {"cache.hit", "cache.stale"} & set(events)
    if error is not None:
        refused = isinstance(error, CallRefused) and error.target == str(target)
        end, via = ("refused" if refused else "error"), "nothing"
    elif journal.fallback:
        end, via = "default", "default"
    else:
        end, via = "ok", "cache" if answered else "function"
    return Happened(value, error, journal.attempts, *spent, (*events, end), via)
