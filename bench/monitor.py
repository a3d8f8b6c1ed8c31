"""Monitor: what counting and timing a call costs."""

from __future__ import annotations

import functools
import json
import logging
import logging.handlers
import queue
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, Counter, Histogram

from bench import subject
from bench.harness import Bench, Contender
from bench.policy import governed
from mlpolicy.cli.main import program

REGISTRY = CollectorRegistry()
CALLS = Counter("bench_calls", "Calls.", ["function", "outcome"], registry=REGISTRY)
FAILURES = Counter("bench_failures", "Failures.", ["function"], registry=REGISTRY)
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


def own(function: Callable[..., Any]) -> Callable[..., Any]:
    """Count and time with the client's own decorators."""
    name = function.__qualname__
    return SECONDS.labels(name).time()(FAILURES.labels(name).count_exceptions()(function))


def opentelemetry(*, spans: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Count and time with OpenTelemetry's SDK, or open a span, which nothing exports."""
    meter = MeterProvider([InMemoryMetricReader()]).get_meter("bench")
    calls, seconds = meter.create_counter("calls"), meter.create_histogram("seconds")
    tracer = TracerProvider().get_tracer("bench")

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        said = {"code.function.name": function.__qualname__, "outcome": "ok"}

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            result = function(*args, **kwargs)
            calls.add(1, said)
            seconds.record(time.perf_counter() - began, said)
            return result

        return tracer.start_as_current_span(function.__qualname__)(function) if spans else wrapper

    return wrap


def queued(function: Callable[..., Any]) -> Callable[..., Any]:
    """Log each call as JSON by a `QueueHandler`, which a listener empties, with no id and no rate."""
    logger = logging.getLogger("bench.queued")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    logger.addHandler(logging.handlers.QueueHandler(waiting))
    logging.handlers.QueueListener(waiting, logging.NullHandler()).start()

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        result = function(*args, **kwargs)
        said = {"function": function.__qualname__, "duration_s": time.perf_counter() - began}
        logger.info(json.dumps(said | {"input": [type(one).__name__ for one in args]}))
        return result

    return wrapper


DRIFTING = {
    "one key": (["features.a"], {"a": 0.3}, 2.5),
    "one argument": (["features"], 0.3, 2.5),
    "argument and result": (["features", "result"], 0.3, 4.0),
    "ten numbers": ([f"features[{at}]" for at in range(10)], [0.1 * at for at in range(10)], 9.0),
}
"""The signals of a row, what the call is given, and the target."""


def drifting(folder: str) -> Iterator[Bench]:
    """Yield a row for each kind of signals, over the same call without drift."""
    for number, (row, (names, given, target)) in enumerate(DRIFTING.items()):
        rows = [{name: random.gauss(0, 1) for name in names} for _ in range(5000)]
        data, profile = Path(folder, "data.jsonl"), Path(folder, f"profile{number}.json")
        data.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        asked = ["--target", f"bench.subject:drifting{number}", "--signals", ", ".join(names)]
        asked += ["--data", str(data), "-o", str(profile)]
        made = CliRunner().invoke(program, ["profile", *asked], catch_exceptions=False)
        assert made.exit_code == 0, made.output
        drift = subject.copy_of(subject.classify, f"drifting{number}")
        counted = subject.copy_of(subject.classify, f"counted{number}")
        rules = {f"drifting{number}": f"monitor: {{log: false, drift: {{profile: {profile}}}}}"}
        with governed(rules | {f"counted{number}": "monitor: {log: false}"}):
            yield Bench(
                f"drift, {row}",
                counted,
                [Contender("mlpolicy", drift, peer=False)],
                target,
                arguments=(given,),
                note="over the same call without drift",
            )


def benches() -> Iterator[Bench]:
    """Yield the rows of the budget."""
    logging.getLogger("mlpolicy.events").addHandler(logging.NullHandler())
    watched = subject.copy_of(subject.predict, "watched")
    recorded = subject.copy_of(subject.predict, "recorded")
    with tempfile.TemporaryDirectory() as folder:
        sinks = f"sinks: [prometheus, {{record: {{path: {folder}/events.db}}}}]"
        rules = {
            "watched": "monitor: {log: {sample: 1%, inputs: summary}}",
            "recorded": f"monitor: {{log: {{sample: 1%, inputs: summary}}, {sinks}}}",
        }
        with governed(rules):
            yield Bench(
                "monitor call, recorded",
                subject.bare(subject.predict),
                [
                    Contender("mlpolicy", recorded, peer=False),
                    Contender("its own decorators", own(subject.predict)),
                    Contender(
                        "OpenTelemetry, numbers", opentelemetry(spans=False)(subject.predict)
                    ),
                    Contender("OpenTelemetry, spans", opentelemetry(spans=True)(subject.predict)),
                ],
                2.2,
                arguments=(3,),
                note="ours with 1% of the calls in an SQLite file, at most 100 a second",
            )
        each = subject.copy_of(subject.predict, "each")
        counted = subject.copy_of(subject.predict, "counted")
        sinks = f"sinks: [prometheus, {{record: {{path: {folder}/each.db}}}}]"
        both = {"each": f"monitor: {{log: {{sample: 100%, inputs: summary}}, {sinks}}}"}
        with governed(both | {"counted": "monitor: {log: false}"}):
            yield Bench(
                "event, every call sampled",
                counted,
                [
                    Contender("mlpolicy", each, peer=False),
                    Contender("QueueHandler", queued(counted)),
                ],
                6.0,
                arguments=(3,),
                note="over the same call without events; of ours 100 a second are kept, the rest counted",
            )
        yield from drifting(folder)
    with governed({"watched": rules["watched"]}):
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
