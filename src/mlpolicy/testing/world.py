"""A world for tests: time moves when somebody sleeps, and memory is what the test says."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from inspect import signature
from typing import Any, cast
from unittest.mock import patch

from mlpolicy.core import chance, clock
from mlpolicy.core.kind import load
from mlpolicy.core.report import LOGGER, forget
from mlpolicy.core.site import Site
from mlpolicy.core.step import Step
from mlpolicy.core.threads import Waiter
from mlpolicy.core.world import World
from mlpolicy.rules import KINDS
from mlpolicy.testing.classes import stand_in
from mlpolicy.testing.grammar import WorldBlock

SEED = 0
"""Of all that is drawn by chance: the same test draws the same."""


@dataclass(slots=True)
class VirtualWorld:
    """A clock that moves when someone sleeps or waits, and only then."""

    time: float = 1000.0
    slept: float = 0.0
    """Seconds that rules made calls sleep or wait."""
    machine: WorldBlock = field(default_factory=WorldBlock)
    resolve: Callable[[str], object] = stand_in
    """Gives what a rule names."""
    before_call: list[Callable[[], None]] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    def now(self) -> float:
        """Return the time in seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass, as a rule asked for."""
        self.slept += seconds
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        """Let time pass, and other tasks run."""
        self.sleep(seconds)
        await asyncio.sleep(0)

    @asynccontextmanager
    async def within(self, seconds: float | None) -> AsyncIterator[None]:
        """Raise TimeoutError at the end of a block that took longer by this clock."""
        begin = self.time
        yield
        if seconds is not None and self.time - begin > seconds:
            self.time = begin + seconds
            raise TimeoutError

    def wait(self, waiter: Waiter, at_most: float) -> bool:
        """Let *at_most* seconds pass unless *waiter* is woken already; nobody else is there."""
        if not waiter.woken:
            self.sleep(at_most)
        return waiter.woken

    def memory(self, limit: int | None) -> tuple[int, int]:
        """Return how much memory is in use, and how much there is where nothing else limits it."""
        there = limit or int(self.machine.limit)
        return int(self.machine.memory * there), there

    def runtime(self) -> World:
        """Return it as drivers take it."""
        return World(self.now, self.sleep, self.sleep_async, self.within, self.wait)

    def step(self, kind: str, settings: Any, site: Site) -> Step:
        """Return the step of a rule in this world, with its clock, chance and machine."""
        cls, virtual = KINDS[kind].step_class(), KINDS[kind].virtual
        offered: dict[str, Any] = {"now": self.now, "draw": self._chance.random}
        if virtual is not None:
            offered |= cast("Any", load(virtual))(self)
        taken = signature(cls).parameters
        extra = {name: part for name, part in offered.items() if name in taken}
        if "sinks" in getattr(type(settings), "model_fields", ()):
            settings = settings.model_copy(update={"sinks": ()})  # not an event of the service
        return cls(settings, site, **extra)


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def entered(world: VirtualWorld, environ: Mapping[str, str]) -> Iterator[list[str]]:
    """Let the process live in *world*; give what mlpolicy warns of meanwhile.

    Chance begins at the same point each time.
    """
    warnings = _Warnings()
    sources: tuple[Any, ...] = (random, chance.SOURCE)
    states = [source.getstate() for source in sources]
    forget()
    LOGGER.addHandler(warnings)
    for source in sources:
        source.seed(SEED)
    # A cache reads the clock of the process while a call is under way.
    clocked = patch.object(clock, "now", world.now)
    try:
        with clocked, patch.object(LOGGER, "propagate", False), patch.dict(os.environ, environ):
            yield warnings.messages
    finally:
        for source, state in zip(sources, states, strict=True):
            source.setstate(state)
        LOGGER.removeHandler(warnings)
        forget()
