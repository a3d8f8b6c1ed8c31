"""Monitor: what counting and timing a call costs."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from bench import subject
from bench.harness import Bench, Contender
from bench.policy import governed

REGISTRY = CollectorRegistry()
CALLS = Counter("bench_calls", "Calls.", ["function", "outcome"], registry=REGISTRY)
SECONDS = Histogram("bench_seconds", "Seconds.", ["function"], registry=REGISTRY)


def labels(function: Callable[..., Any]) -> Callable[..., Any]:
    """Count and time with `labels()` at every call."""
    name = function.__qualname__

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            result = function(*args, **kwargs)
        except Exception:
            CALLS.labels(name, "error").inc()
            raise
        CALLS.labels(name, "ok").inc()
        SECONDS.labels(name).observe(time.perf_counter() - began)
        return result

    return wrapper


def bound(function: Callable[..., Any]) -> Callable[..., Any]:
    """Count and time with children bound once."""
    name = function.__qualname__
    ok, error, seconds = CALLS.labels(name, "ok"), CALLS.labels(name, "error"), SECONDS.labels(name)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            result = function(*args, **kwargs)
        except Exception:
            error.inc()
            raise
        ok.inc()
        seconds.observe(time.perf_counter() - began)
        return result

    return wrapper


def bound_async(function: Callable[..., Any]) -> Callable[..., Any]:
    """Do the same around a coroutine function."""
    name = function.__qualname__
    ok, error, seconds = CALLS.labels(name, "ok"), CALLS.labels(name, "error"), SECONDS.labels(name)

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            result = await function(*args, **kwargs)
        except Exception:
            error.inc()
            raise
        ok.inc()
        seconds.observe(time.perf_counter() - began)
        return result

    return wrapper


def benches() -> Iterator[Bench]:
    """Yield the row of the budget."""
    logging.getLogger("mlpolicy.events").addHandler(logging.NullHandler())
    watched = subject.copy_of(subject.predict, "watched")
    with governed({"watched": "monitor: {log: {sample: 1%, inputs: summary}}"}):
        yield Bench(
            "monitor call",
            subject.bare(subject.predict),
            [
                Contender("mlpolicy", watched, peer=False),
                Contender("prometheus_client, labels", labels(subject.predict)),
                Contender("prometheus_client, bound", bound(subject.predict)),
            ],
            2.2,
            arguments=(3,),
            note="ours with 1% of the calls logged",
        )
