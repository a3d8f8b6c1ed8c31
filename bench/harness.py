"""Contenders timed in turns, as ratios to a bare wrapper in the same run.

The machine may be noisy: the turns are short and interleaved, each contender's figure is the
lowest of its turns, and the ratio is to a bare `def w(*a, **k): return f(*a, **k)` that took
its turns among them.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

BARE = "bare wrapper"


@dataclass(frozen=True)
class Contender:
    """One way to make the call."""

    name: str
    call: Callable[..., Any]
    """Called with the arguments of the bench; awaited where that is asynchronous."""
    peer: bool = True


@dataclass(frozen=True)
class Bench:
    """Contenders for one row of the budget."""

    row: str
    bare: Callable[..., Any]
    """The function in a bare `*args, **kwargs` wrapper."""
    contenders: Sequence[Contender]
    target: float
    """The most that mlpolicy may cost, as a multiple of the bare wrapper."""
    asynchronous: bool = False
    note: str = ""
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Figure:
    """What one contender cost."""

    name: str
    ns: float
    ratio: float
    peer: bool


@dataclass(frozen=True)
class Outcome:
    """A row measured: the median over runs."""

    bench: Bench
    bare_ns: float
    figures: tuple[Figure, ...]

    @property
    def ours(self) -> Figure:
        """The figure of mlpolicy."""
        return next(figure for figure in self.figures if not figure.peer)

    @property
    def best_peer(self) -> Figure | None:
        """The quickest peer."""
        peers = [figure for figure in self.figures if figure.peer]
        return min(peers, key=lambda figure: figure.ratio, default=None)


def measure(bench: Bench, *, runs: int = 5, turns: int = 9, seconds: float = 0.01) -> Outcome:
    """Return the median of *runs*, each the lowest of *turns* interleaved turns."""
    everyone = [Contender(BARE, bench.bare), *bench.contenders]
    loops = [_loops(bench, one.call, seconds) for one in everyone]
    ratios: dict[str, list[float]] = {one.name: [] for one in everyone}
    absolute: dict[str, list[float]] = {one.name: [] for one in everyone}
    for _ in range(runs):
        lowest = _run(bench, everyone, loops, turns)
        for one in everyone:
            ratios[one.name].append(lowest[one.name] / lowest[BARE])
            absolute[one.name].append(lowest[one.name])
    figures = tuple(
        Figure(
            one.name,
            statistics.median(absolute[one.name]) * 1e9,
            statistics.median(ratios[one.name]),
            one.peer,
        )
        for one in bench.contenders
    )
    return Outcome(bench, statistics.median(absolute[BARE]) * 1e9, figures)


def _run(
    bench: Bench, everyone: Sequence[Contender], loops: Sequence[int], turns: int
) -> dict[str, float]:
    lowest = dict.fromkeys((one.name for one in everyone), float("inf"))
    gc.collect()
    gc.disable()
    try:
        for _ in range(turns):
            for one, count in zip(everyone, loops, strict=True):
                lowest[one.name] = min(lowest[one.name], _time(bench, one.call, count))
    finally:
        gc.enable()
    return lowest


def _loops(bench: Bench, function: Callable[..., Any], seconds: float) -> int:
    """Return how many calls fill a turn."""
    _time(bench, function, 1)  # (the first call may weave, and fill a turn by itself)
    count = 1
    while count < MOST:
        took = _time(bench, function, count) * count
        if took >= seconds:
            break
        count = max(count * 2, int(count * seconds / max(took, 1e-7)))
    return min(count, MOST)


MOST = 1_000_000


def _time(bench: Bench, function: Callable[..., Any], count: int) -> float:
    """Return the seconds of one call, over *count* of them; the loop is subtracted nowhere."""
    loop = _loop(len(bench.arguments), asynchronous=bench.asynchronous)
    took = loop(range(count), function, *bench.arguments)
    return (asyncio.run(took) if bench.asynchronous else took) / count


@functools.cache
def _loop(arguments: int, *, asynchronous: bool) -> Callable[..., Any]:
    """Return a function that times calls written out in a loop, as `timeit` does."""
    names = ", ".join(f"a{at}" for at in range(arguments))
    word, wait = ("async def", "await ") if asynchronous else ("def", "")
    text = (
        f"{word} loop(turns, function, {names}):\n"
        "    began = clock()\n"
        f"    for _ in turns: {wait}function({names})\n"
        "    return clock() - began\n"
    )
    names_of: dict[str, Any] = {"clock": time.perf_counter}
    exec(text, names_of)
    made: Callable[..., Any] = names_of["loop"]
    return made
