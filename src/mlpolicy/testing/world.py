"""A world for tests: time moves when somebody sleeps, and memory is what the test says."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any

from mlpolicy.core import chance, clock
from mlpolicy.core.report import LOGGER, forget
from mlpolicy.core.site import Notes, Site
from mlpolicy.core.step import Step
from mlpolicy.core.waiting import Waiter
from mlpolicy.rules import KINDS
from mlpolicy.rules.memory.gauge import Gauge
from mlpolicy.rules.memory.probes import Reading
from mlpolicy.rules.memory.sampler import Sampler
from mlpolicy.runtime.assemble import Make
from mlpolicy.runtime.world import World
from mlpolicy.testing.grammar import WorldBlock

SEED = 0
"""Of all that is drawn by chance: the same test draws the same."""
_BEGIN = 1000.0


@dataclass(slots=True)
class VirtualWorld:
    """A clock that moves when someone sleeps or waits, and only then."""

    time: float = _BEGIN
    slept: float = 0.0
    """Seconds that rules made calls sleep or wait."""
    machine: WorldBlock = field(default_factory=WorldBlock)
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    def now(self) -> float:
        """Return the time in seconds."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

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

    def runtime(self) -> World:
        """Return it as drivers take it."""
        return World(self.now, self.sleep, self.sleep_async, self.within, self.wait)


class FakeSampler(Sampler):
    """Gives gauges that read what the test says; no thread is started."""

    def __init__(self, world: VirtualWorld) -> None:
        super().__init__(now=world.now)
        self._world = world
        self._made: list[Gauge] = []

    def gauge(self, limit: int | None, measure: str, poll: float) -> Gauge:
        """Return a gauge that calls read by themselves."""

        def read() -> Reading:
            there = limit or int(self._world.machine.limit)
            return Reading(int(self._world.machine.memory * there), there, "the test's world")

        made = Gauge(read, poll, now=self._world.now)
        self._made.append(made)
        return made

    def refresh(self) -> None:
        """Let every gate know what the test says by now."""
        for gauge in self._made:
            gauge.sample()


def maker(world: VirtualWorld, *, notes: Notes, sampler: Sampler) -> Make:
    """Return what makes steps in *world*: they are given its clock, chance and memory."""
    offered = {"now": world.now, "draw": world.chance.random, "sampler": sampler}

    def make(kind: str, settings: Any, site: Site) -> Step:
        cls = KINDS[kind].step_class()
        taken = signature(cls).parameters
        extra: dict[str, Any] = {name: one for name, one in offered.items() if name in taken}
        if "sinks" in getattr(type(settings), "model_fields", ()):
            settings = settings.model_copy(update={"sinks": ()})  # it is no event of the service
        return cls(settings, replace(site, notes=notes), **extra)

    return make


class _Heard(logging.Handler):
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
    heard, before = _Heard(), (clock.now, LOGGER.propagate)
    states = [source.getstate() for source in (random, chance.SOURCE)]
    named = {name: os.environ.get(name) for name in environ}
    forget()
    LOGGER.addHandler(heard)
    LOGGER.propagate = False
    random.seed(SEED)
    chance.SOURCE.seed(SEED)
    os.environ.update(environ)
    # A cache reads the clock of the process while a call is under way.
    clock.now = world.now
    try:
        yield heard.messages
    finally:
        clock.now, LOGGER.propagate = before
        random.setstate(states[0])
        chance.SOURCE.setstate(states[1])
        for name, value in named.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        LOGGER.removeHandler(heard)
        forget()
