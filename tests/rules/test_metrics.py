"""Every metric that there is, and what moves it."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from mlpolicy.core.metrics import METERS, Meters
from mlpolicy.errors import CallRefused, MemoryPressure, ValidationFailed
from mlpolicy.rules.monitor import lanes

FULL = {"limit": "1MiB", "wait": "0s", "poll": "10ms", "relieve": []}
INT = {"args": {"x": {"type": "int"}}}
NOW = {"initial_delay": "0s"}


class Asked(ConnectionError):
    """Asks to be tried again in an hour."""

    def __init__(self):
        super().__init__()
        self.retry_after = 3600


class Unkeyed:
    """An argument that makes no key."""

    __slots__ = ()


def served(x=1):
    """Do what *x* says; each error of a list once."""
    if isinstance(x, list) and x:
        raise x.pop(0)
    if isinstance(x, BaseException):
        raise x
    return x


def answers(x=1):
    """Return what cannot be kept."""
    return [threading.Lock()]


def counts(x=1):
    """Return one more each time."""
    counts.told += 1
    return counts.told


counts.told = 0
ME = f"{__name__}:served"


class Row(NamedTuple):
    """One series: it is 0 when the rules are placed, and `moved` after the calls."""

    metric: str
    labels: dict[str, str]
    rules: dict[str, Any]
    calls: list[Any]
    moved: float = 1
    function: Any = served


def monitor(metric, calls, moved=1, *, rules=None, **labels):
    return Row(metric, labels, {"monitor": {"log": False}, **(rules or {})}, calls, moved)


def retried(reason, calls, moved=1, **fields):
    rules = {"retry": {"initial_delay": "0s", **fields}}
    return Row("mlpolicy_retries_total", {"reason": reason}, rules, calls, moved)


def cached(result, calls, moved=1, function=served, **fields):
    rules = {"cache": {"ttl": "1h", **fields}}
    return Row("mlpolicy_cache_requests_total", {"result": result}, rules, calls, moved, function)


def decided(decision, moved=1, **fields):
    rules = {"memory": {**FULL, **fields}}
    return Row("mlpolicy_memory_decisions_total", {"decision": decision}, rules, [1], moved)


def shadowed(kind, would, fields, calls, function=served):
    rules = {kind: {**fields, "mode": "shadow"}}
    return Row("mlpolicy_shadow_total", {"kind": kind, "would": would}, rules, calls, 1, function)


REFUSED = CallRefused(ME, "refused")
WITH_DEFAULT = {"validate": {**INT, "on_fail": "default", "default": 7}}
ROWS = [
    monitor("mlpolicy_calls_begun_total", [1, 2, ValueError()], 3),
    monitor("mlpolicy_call_duration_seconds", [1, 2, ValueError(), REFUSED], 4),
    monitor("mlpolicy_calls_total", [1, 2, ValueError()], 2, outcome="ok"),
    monitor("mlpolicy_calls_total", [1, ValueError()], outcome="error"),
    monitor("mlpolicy_calls_total", [1, REFUSED], outcome="refused"),
    monitor("mlpolicy_calls_total", ["no"], rules={"validate": INT}, outcome="refused"),
    monitor("mlpolicy_calls_total", [1], rules={"memory": FULL}, outcome="refused"),
    monitor("mlpolicy_calls_total", ["no", 1], rules=WITH_DEFAULT, outcome="fallback"),
    monitor("mlpolicy_errors_total", [ValueError(), KeyError()], error_type="KeyError"),
    monitor("mlpolicy_refusals_total", ["no", 1], rules={"validate": INT}, kind="validate"),
    monitor("mlpolicy_refusals_total", [1], rules={"memory": FULL}, kind="memory"),
    Row("mlpolicy_refusals_total", {"kind": "validate"}, {"validate": INT}, ["no"]),
    Row("mlpolicy_refusals_total", {"kind": "memory"}, {"memory": FULL}, [1]),
    Row(
        "mlpolicy_attempts_total",
        {"outcome": "error"},
        {"retry": NOW},
        [[ConnectionError()] * 2],
        2,
    ),
    Row("mlpolicy_attempts_total", {"outcome": "ok"}, {"retry": NOW}, [[ConnectionError()]]),
    retried("success", [[ConnectionError()]]),
    retried("not_retryable", [ValueError()]),
    retried("attempts_exhausted", [ConnectionError()]),
    retried("deadline", [ConnectionError()], max_elapsed="1ms", initial_delay="1h", max_delay="1h"),
    retried("retry_after_too_long", [Asked()]),
    cached("miss", [1, 2], 2),
    cached("hit", [1, 1, 1], 2),
    cached("bypass", [Unkeyed()]),
    cached("error", [1], function=answers, copy="deep"),
    Row(
        "mlpolicy_cache_evictions_total",
        {"reason": "capacity"},
        {"cache": {"ttl": "1h", "max_entries": 1}},
        [1, 2],
    ),
    Row("mlpolicy_cache_entries", {}, {"cache": {"ttl": "1h"}}, [1, 2], 2),
    Row(
        "mlpolicy_validation_failures_total",
        {"check": "type", "field": "x"},
        {"validate": INT},
        ["no"],
    ),
    decided("reject"),
    decided("proceed", on_pressure="proceed"),
    decided("default", on_pressure="default", default=7),
    decided("wait", wait="10ms"),
    shadowed("retry", "retry", {}, [ConnectionError()]),
    shadowed("validate", "reject", INT, ["no"]),
    shadowed("cache", "hit", {"ttl": "1h"}, [1, 1]),
    shadowed("cache", "stale_mismatch", {"ttl": "1h"}, [1, 1], function=counts),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.metric} {row.labels}")
def test_a_metric_is_there_from_the_start_and_moves(place, row):
    """Zero when the function is placed, and what the table says after the calls."""
    place(row.function, **row.rules)
    labels = {"function": f"{__name__}:{row.function.__name__}", **row.labels}
    before = place.meters.value(row.metric, **labels)

    for x in row.calls:
        with suppress(Exception):
            row.function(x)

    assert (before, place.meters.value(row.metric, **labels)) == (0, row.moved)


@pytest.mark.parametrize(
    ("metric", "labels", "fields"),
    [
        ("mlpolicy_memory_decisions_total", {"decision": "warn"}, FULL),
        ("mlpolicy_memory_decisions_total", {"decision": "relieve"}, {**FULL, "relieve": ["gc"]}),
        (
            "mlpolicy_shadow_total",
            {"kind": "memory", "would": "reject"},
            {**FULL, "mode": "shadow"},
        ),
    ],
)
def test_what_a_thread_of_ours_finds_is_counted(place, metric, labels, fields):
    """Memory is read beside the calls."""
    place(served, memory=fields)
    end = time.monotonic() + 20
    while not place.meters.value(metric, function=ME, **labels):
        assert time.monotonic() < end
        with suppress(MemoryPressure):
            served()


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_what_is_shown_can_be_read_from_then_on(place, mode):
    """A scrape, or the thread that writes the numbers, may come while a rule is being placed."""

    class Read(Meters):
        def gauge(self, name, help, read, **labels):
            super().gauge(name, help, read, **labels)
            list(self.collect())

        def counted(self, name, help, read, **labels):
            super().counted(name, help, read, **labels)
            list(self.collect())

    place.meters = Read()
    rules = {"cache": {"ttl": "1h"}, "memory": {}, "retry": {}, "validate": INT}
    placed = {kind: {**rule, "mode": mode} for kind, rule in rules.items()}

    place(served, monitor={"slo": {"p99": "1s"}}, **placed)


def test_calls_under_way_are_shown(place):
    """From their beginning to their end."""
    inside, leave = threading.Event(), threading.Event()

    def waits():
        inside.set()
        leave.wait(30)

    place(waits, monitor={"log": False})
    name = f"{__name__}:{waits.__qualname__}"
    caller = threading.Thread(target=waits)
    caller.start()
    inside.wait(30)
    during = place.meters.value("mlpolicy_in_flight", function=name)
    leave.set()
    caller.join()

    assert (during, place.meters.value("mlpolicy_in_flight", function=name)) == (1, 0)


def test_memory_is_shown(place):
    """What is used and what there is, as one number for all processes that share it."""
    place(served, memory={"limit": "1MiB"})

    read = place.meters.value
    assert read("mlpolicy_memory_limit_bytes", function=ME) == 1024**2
    assert read("mlpolicy_memory_used_bytes", function=ME) > 0


def test_what_is_expected_is_shown(place):
    """The objectives of `slo`."""
    place(served, monitor={"slo": {"p99": "250ms"}})

    assert place.meters.value("mlpolicy_slo_target", function=ME, objective="p99") == 0.25


@pytest.mark.parametrize("reason", ["rate", "queue_full", "failed"])
def test_events_that_are_lost_are_counted(place, monkeypatch, reason):
    """For each way to lose them."""
    labels = {"sink": "log", "reason": reason}
    release, stuck = threading.Event(), threading.Event()

    class Handler(logging.Handler):
        def handle(self, record):
            stuck.set()
            release.wait(30)
            if reason == "failed":
                raise OSError

    if reason == "queue_full":
        monkeypatch.setattr(lanes, "MOST_QUEUED", 3)
    else:
        release.set()
    place(served, monitor={"log": {"sample": "100%"}})
    handler, logger = Handler(), logging.getLogger("mlpolicy.events")
    logger.addHandler(handler)
    before = METERS.value("mlpolicy_dropped_events_total", **labels)
    try:
        served()
        assert stuck.wait(10)
        for _ in range(300 if reason == "rate" else 5):
            served()
        release.set()
        assert lanes.EXPORTER.flush(10)
    finally:
        release.set()
        logger.removeHandler(handler)

    lost = METERS.value("mlpolicy_dropped_events_total", **labels) - before
    assert lost == {"queue_full": 2, "failed": 6}.get(reason, lost)
    assert lost > 0


def test_a_bug_of_ours_is_counted(place, monkeypatch):
    """Where a rule stands aside."""
    place(served, retry=NOW)
    step = place.step(served, "retry")
    monkeypatch.setattr(step, "site", None)
    labels = {"function": ME}
    before = METERS.value("mlpolicy_engine_errors_total", **labels)

    with pytest.raises(ConnectionError):
        served(ConnectionError())

    assert METERS.value("mlpolicy_engine_errors_total", **labels) > before


def test_errors_of_rules_are_those_that_callers_see(place):
    """The refusals that are counted are the exceptions that were raised."""
    place(served, monitor={"log": False}, validate=INT)
    with pytest.raises(ValidationFailed):
        served("no")

    place(answers, memory=FULL)
    with pytest.raises(MemoryPressure):
        answers()
