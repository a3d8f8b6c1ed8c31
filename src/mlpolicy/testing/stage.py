"""Where a call of a test takes place: the real driver, around a stub or the function itself."""

from __future__ import annotations

import asyncio
import copy
import importlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import replace
from types import FunctionType
from typing import Any

from mlpolicy.core.classes import frozen
from mlpolicy.core.site import Site
from mlpolicy.core.step import Step
from mlpolicy.core.target import Target
from mlpolicy.errors import CallRefused
from mlpolicy.install.lookup import NotFound, find
from mlpolicy.plan.plan import Plan
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import from_code, kind_of, twin_of
from mlpolicy.testing.classes import NeedsReal
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


class StagedFunction:
    """One function under its driver: behind that stands what the test says, or the function."""

    def __init__(self, base: FunctionType, plan: Plan, world: VirtualWorld, *, real: bool) -> None:
        code, journal = base.__code__, Journal()
        self.kind, self.journal, self._world = kind_of(code), journal, world
        self.raised: BaseException | None = None
        """What the stub raised last, as the test says."""
        self._behaviour: list[Any] = []
        scripts: dict[str, Callable[..., Any]] = {
            "function": self._next,
            "coroutine": self._next_async,
            "generator": self._items,
            "async_generator": self._items_async,
        }
        behind = twin_of(base) if real else scripts[self.kind]

        def twin(*positional: Any, **named: Any) -> Any:
            journal.called()
            return behind(*positional, **named)

        def make(kind: str, settings: Any, site: Site) -> Step:
            return world.step(kind, settings, replace(site, notes=journal, resolve=world.resolve))

        made = steps(plan, code, base, meters=JournalMeters(journal), make=make)
        # A bug in a rule must fail the test: in a service the rule would stand aside.
        runtime, target = world.runtime(), str(plan.target)
        driver = from_code(code, made, target=target, twin=twin, world=runtime, closed=True)
        self.close = driver.close
        self.function = FunctionType(
            driver.code, base.__globals__, base.__name__, base.__defaults__, base.__closure__
        )
        self.function.__kwdefaults__ = base.__kwdefaults__

    def call(self, block: CallBlock) -> Any:
        """Return what a call gives; of a generator, the list of its items."""
        positional, named = arguments(self.function, copy.deepcopy(dict(block.args)))
        self._behaviour = list(block.behaviour)
        self.journal.begin()
        for prepare in self._world.before_call:
            prepare()
        result = self.function(*positional, **named)
        if self.kind == "generator":
            return list(result)
        if self.kind == "async_generator":
            return asyncio.run(_listed(result))
        return asyncio.run(result) if self.kind == "coroutine" else result

    def _next(self, *_: Any, **__: Any) -> Any:
        """Do what the test says of this attempt; the last of it is what is done ever after."""
        if not self._behaviour:
            return None
        now = self._behaviour.pop(0) if len(self._behaviour) > 1 else self._behaviour[0]
        self._world.time += float(now.takes)
        raising = getattr(now, "raise")
        if raising is not None:
            error: BaseException = raising.new()
            self.raised = error
            raise error
        return copy.deepcopy(getattr(now, "return"))  # the caller may change it

    async def _next_async(self, *_: Any, **__: Any) -> Any:
        return self._next()

    def _items(self, *_: Any, **__: Any) -> Iterator[Any]:
        yield from self._next() or ()

    async def _items_async(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        for item in self._next() or ():
            yield item


async def _listed(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


class Stage:
    """All that the calls of one test share: the world, and drivers with what they keep."""

    def __init__(
        self, plans: Callable[[Target], Plan], stubs: Mapping[Target, FunctionType]
    ) -> None:
        self.plans = plans
        self.world = VirtualWorld()
        self._stubs = stubs
        self._functions: dict[tuple[Target, bool], StagedFunction] = {}

    def call(self, block: CallBlock) -> CallOutcome:
        """Make one call; what it raises is part of what happened.

        Raises:
            SignatureError: The arguments do not fit, or there is no such function.
            NeedsReal: A rule wants more of a function than a stand-in has.
        """
        world, target = self.world, Target.parse(block.call)
        if block.world is not None:
            world.machine = block.world
        staged = self._functions.get((target, block.real))
        if staged is None:
            base = _real(target) if block.real else self._stubs[target]
            staged = StagedFunction(base, self.plans(target), world, real=block.real)
            self._functions[target, block.real] = staged
        slept, began = world.slept, world.time
        value: Any = None
        error: BaseException | None = None
        try:
            value = staged.call(block)
        except (SignatureError, NeedsReal):
            raise
        except BaseException as failure:  # (whatever the test made the function raise)
            if isinstance(failure, KeyboardInterrupt | SystemExit) and failure is not staged.raised:
                raise  # somebody stops the tests
            error = failure
        journal = staged.journal
        end, via = "ok", journal.answered or "function"
        if isinstance(error, CallRefused) and vars(error).get("target") == str(target):
            end, via = "refused", "nothing"
        elif error is not None:
            end, via = "error", "nothing"
        elif journal.fallback:
            end = via = "default"
        spent = (world.slept - slept, world.time - began)
        return CallOutcome(value, error, journal.attempts, *spent, (*journal.events(), end), via)

    def close(self) -> None:
        """Let everything go."""
        for staged in self._functions.values():
            staged.close()


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
    home = str(found.functions[0].__globals__.get("__name__")).partition(".")[0]
    if home in sys.stdlib_module_names:
        raise SignatureError(f"`{target}` is of the standard library: leave out `real`")
    return found.functions[0]
