"""Where a call of a test takes place: the real driver, around a stub or the function itself."""

from __future__ import annotations

import asyncio
import copy
import importlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import Site
from mlpolicy.core.step import Step
from mlpolicy.core.target import Target
from mlpolicy.errors import CallRefused
from mlpolicy.install.seek import NotFound, find
from mlpolicy.plan.plan import Plan
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import from_code, twin_of
from mlpolicy.runtime.template import kind_of
from mlpolicy.testing.grammar import CallBlock
from mlpolicy.testing.journal import Journal, JournalMeters
from mlpolicy.testing.signature import SignatureError, arguments
from mlpolicy.testing.world import VirtualWorld


@frozen()
class CallOutcome:
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
        self.play: Callable[..., Any] = {
            "function": self._next,
            "coroutine": self._next_async,
            "generator": self._items,
            "async_generator": self._items_async,
        }[kind]
        self._journal = journal
        self._world = world
        self.raised: BaseException | None = None
        """What it raised last, as the test says."""
        self.begin(())

    def begin(self, behaviour: tuple[Any, ...]) -> None:
        """Play *behaviour* from its beginning."""
        self._behaviour, self._at = behaviour, 0

    def __call__(self, *positional: Any, **named: Any) -> Any:
        """Do what is next."""
        self._journal.called()
        return self.play(*positional, **named)

    def _next(self, *_: Any, **__: Any) -> Any:
        if not self._behaviour:
            return None
        now = self._behaviour[min(self._at, len(self._behaviour) - 1)]
        self._at += 1
        self._world.time += float(now.takes)
        raising = getattr(now, "raise")
        if raising is not None:
            self.raised = raising.new()
            raise self.raised
        return copy.deepcopy(getattr(now, "return"))  # the caller may change it

    async def _next_async(self, *_: Any, **__: Any) -> Any:
        return self._next()

    def _items(self, *_: Any, **__: Any) -> Iterator[Any]:
        yield from self._next() or ()

    async def _items_async(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        for item in self._next() or ():
            yield item


@frozen()
class StagedFunction:
    """One function with its driver."""

    function: Callable[..., Any]
    kind: str
    journal: Journal
    script: Script
    close: Callable[[], None]

    def call(self, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return what a call gives; of a generator, the list of its items."""
        result = self.function(*positional, **named)
        if self.kind == "generator":
            return list(result)
        if self.kind == "coroutine":
            return asyncio.run(result)
        return asyncio.run(_listed(result)) if self.kind == "async_generator" else result


async def _listed(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


@dataclass(slots=True)
class Stage:
    """All that the calls of one test share: the world, and drivers with what they keep."""

    plans: Callable[[Target], Plan]
    stubs: Mapping[Target, FunctionType]
    world: VirtualWorld = field(default_factory=VirtualWorld)
    _functions: dict[tuple[Target, bool], StagedFunction] = field(default_factory=dict)

    def call(self, block: CallBlock) -> CallOutcome:
        """Make one call; what it raises is part of what happened.

        Raises:
            SignatureError: The arguments do not fit, or there is no such function.
        """
        world = self.world
        if block.world is not None:
            world.machine = block.world
        target = Target.parse(block.call)
        key = (target, block.real)
        if key not in self._functions:
            self._functions[key] = self._staged(target, real=block.real)
        staged = self._functions[key]
        positional, named = arguments(staged.function, copy.deepcopy(dict(block.args)))
        staged.script.begin(block.behaviour)
        staged.journal.begin()
        for prepare in world.before_call:
            prepare()
        slept, began = world.slept, world.time
        value: Any = None
        error: BaseException | None = None
        try:
            value = staged.call(positional, named)
        except (KeyboardInterrupt, SystemExit) as stop:
            if stop is not staged.script.raised:
                raise  # somebody stops the tests
            error = stop
        except BaseException as failure:  # noqa: BLE001 (whatever the test made the function raise)
            error = failure
        end, via = _end(staged.journal, target, error)
        return CallOutcome(
            value,
            error,
            staged.journal.attempts,
            world.slept - slept,
            world.time - began,
            (*staged.journal.events(), end),
            via,
        )

    def close(self) -> None:
        """Let everything go."""
        for staged in self._functions.values():
            staged.close()
        self._functions.clear()

    def _staged(self, target: Target, *, real: bool) -> StagedFunction:
        base = _real(target) if real else self.stubs[target]
        journal, code = Journal(), base.__code__
        script = Script(kind_of(code), journal, self.world)
        if real:
            script.play = twin_of(base)

        def make(kind: str, settings: Any, site: Site) -> Step:
            return self.world.step(kind, settings, replace(site, notes=journal))

        meters = JournalMeters(journal)
        made = steps(self.plans(target), code, base, meters=meters, make=make)
        # A bug in a rule must fail the test: in a service the rule would stand aside.
        world = self.world.runtime()
        driver = from_code(code, made, target=str(target), twin=script, world=world, closed=True)
        function = FunctionType(
            driver.code, base.__globals__, base.__name__, base.__defaults__, base.__closure__
        )
        function.__kwdefaults__ = base.__kwdefaults__
        return StagedFunction(function, kind_of(code), journal, script, driver.close)


def _real(target: Target) -> FunctionType:
    """Return the function under *target*, its module imported."""
    try:
        found = find(importlib.import_module(target.module), target.qualname)
    except NotFound as error:
        raise SignatureError(str(error)) from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise SignatureError(f"`{target.module}` cannot be imported: {reason}") from error
    if not found.functions:
        raise SignatureError(f"`{target}` has no Python code to call")
    return found.functions[0]


def _end(journal: Journal, target: Target, error: BaseException | None) -> tuple[str, str]:
    """Return how a call ended, and where the answer came from."""
    if error is not None:
        refused = isinstance(error, CallRefused) and error.target == str(target)
        return ("refused" if refused else "error"), "nothing"
    if journal.fallback:
        return "default", "default"
    return "ok", journal.answered or "function"
