"""What a monitor counts, times and logs, through the real driver."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from contextlib import suppress

import numpy as np
import pytest

from mlpolicy.errors import CallRefused
from mlpolicy.rules.monitor import rule as rule_module
from mlpolicy.rules.monitor.lanes import EXPORTER

EVERY = {"log": {"sample": "100%"}}


def counts(place, function):
    target = f"{function.__module__}:{function.__qualname__}"
    value = place.meters.value
    found = {
        outcome: value("mlpolicy_calls_total", function=target, outcome=outcome)
        for outcome in ("ok", "error", "refused", "fallback")
    }
    return {outcome: number for outcome, number in found.items() if number}


def test_calls_are_counted_by_outcome_and_timed(place, world):
    """Every call that ended is in the histogram, and in one outcome."""

    def work(x):
        if x < 0:
            raise ValueError(x)
        if x > 9:
            raise CallRefused(f"{work.__module__}:{work.__qualname__}", "refused")
        return x

    place(work, monitor={"log": False})
    for x in (1, 2, 3, -1, 10):
        try:
            work(x)
        except (ValueError, CallRefused):
            pass

    target = f"{work.__module__}:{work.__qualname__}"
    assert counts(place, work) == {"ok": 3, "error": 1, "refused": 1}
    assert place.meters.value("mlpolicy_call_duration_seconds", function=target) == 5
    assert (
        place.meters.value("mlpolicy_errors_total", function=target, error_type="ValueError") == 1
    )
    assert place.meters.value("mlpolicy_in_flight", function=target) == 0


def test_the_refusal_of_another_function_is_an_error_of_this_one(place):
    """Only one's own rules refuse a call."""

    def outer():
        raise CallRefused("other:f", "refused")

    place(outer, monitor={"log": False})
    with pytest.raises(CallRefused):
        outer()

    assert counts(place, outer) == {"error": 1}


def test_coroutines_and_generators_are_timed_to_their_end(place):
    """A generator that its reader closes early has not failed."""

    async def fetch():
        await asyncio.sleep(0)
        return 1

    def rows():
        yield 1
        yield 2

    async def stream():
        yield 1
        yield 2

    async def read(count):
        made = stream()
        found = [await anext(made) for _ in range(count)]
        await made.aclose()
        return found

    for function in (fetch, rows, stream):
        place(function, monitor={"log": False})
    asyncio.run(fetch())
    assert list(rows()) == [1, 2]
    early = rows()
    next(early)
    early.close()
    assert asyncio.run(read(1)) == [1]

    assert [counts(place, f) for f in (fetch, rows, stream)] == [{"ok": 1}, {"ok": 2}, {"ok": 1}]


def _tenth_fails(x):
    if x % 10 == 0:
        raise KeyError(x)
    return x


def test_totals_are_exact_under_threads(place):
    """Nothing is lost while others read, and nothing is counted twice."""

    place(_tenth_fails, monitor={"log": False})
    work, done = _tenth_fails, threading.Event()

    def call():
        for x in range(20_000):
            with suppress(KeyError):
                work(x)

    def scrape():
        while not done.is_set():
            list(place.meters.collect())

    threads = [threading.Thread(target=call) for _ in range(8)]
    reader = threading.Thread(target=scrape)
    for thread in (*threads, reader):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()

    assert counts(place, work) == {"ok": 144_000, "error": 16_000}


def test_what_ends_the_program_passes_and_is_counted(place):
    """`KeyboardInterrupt` and cancellation pass as they are."""

    def stop():
        raise KeyboardInterrupt

    place(stop, monitor={"log": False})
    with pytest.raises(KeyboardInterrupt):
        stop()

    assert counts(place, stop) == {"error": 1}


def test_an_event_says_what_happened_and_nothing_of_the_content(place, events):
    """Summaries have types, dtypes, shapes and lengths."""

    def predict(features, user):
        return {"label": 1}

    place(predict, monitor=EVERY)
    predict(np.zeros((2, 3), dtype=np.float32), user={"email": "a@b.c"})

    [event] = events()
    assert event["input"] == {
        "features": {"type": "ndarray", "dtype": "float32", "shape": [2, 3]},
        "user": {"type": "dict", "len": 1},
    }
    assert (event["output"], event["outcome"], event["severity"]) == (
        {"type": "dict", "len": 1},
        "ok",
        "INFO",
    )
    assert "a@b.c" not in json.dumps(event)


def test_errors_are_always_logged_on_one_line(place, events):
    """With class, message and fingerprint; secrets in messages are blotted out."""

    def fail():
        raise RuntimeError("line one\nline two token=abc123 " + "x" * 1000)

    place(fail, monitor={"log": {"sample": "0%"}})
    for _ in range(2):
        with pytest.raises(RuntimeError):
            fail()

    first, second = events()
    assert first["error"]["type"] == "RuntimeError"
    assert "abc123" not in first["error"]["message"]
    assert len(first["error"]["message"]) <= 501
    assert first["error"]["fingerprint"] == second["error"]["fingerprint"]
    assert first["rules"] == [] and first["attempts"] == 1


def test_attempts_and_cache_are_facts_of_the_call(place, events, world):
    """One record a logical call, with what its rules did."""
    script = [ConnectionError(), 5]

    def fetch(x):
        one = script.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    place(fetch, world=world, monitor=EVERY, retry={}, cache={"ttl": "1h"})
    assert (fetch(1), fetch(1)) == (5, 5)

    missed, hit = events()
    assert (missed["attempts"], missed["cache"], hit["attempts"], hit["cache"]) == (
        2,
        "miss",
        1,
        "hit",
    )
    assert missed["rules"][-1]["kind"] == "retry"
    assert missed["rules"][-1]["source"] == "policy.yaml:3"


def test_a_default_that_is_served_is_a_fallback(place, events):
    """It is counted as such, and always logged."""

    def predict(x):
        return x

    place(
        predict,
        monitor={"log": {"sample": "0%"}},
        validate={"args": {"x": {"type": "int"}}, "on_fail": "default", "default": 7},
    )
    assert predict("no") == 7

    [event] = events()
    assert (event["outcome"], event["severity"]) == ("fallback", "WARNING")
    assert counts(place, predict) == {"fallback": 1}


def test_full_inputs_are_written_of_failures_alone_and_redacted(place, events):
    """What is named, and what looks like a secret, is blotted out."""

    def predict(user, password):
        raise ValueError

    rule = {"log": {"inputs": "full", "redact": ["user.email", "user.tags[*]"], "sample": "100%"}}
    place(predict, monitor=rule)
    with pytest.raises(ValueError):
        predict({"email": "a@b.c", "id": 7, "tags": ["x"], "api_key": "k"}, "pw")

    [event] = events()
    assert event["input"] == {
        "user": {"email": "[redacted]", "id": 7, "tags": ["[redacted]"], "api_key": "[redacted]"},
        "password": "[redacted]",
    }


def test_inputs_too_large_are_summarised(place, events):
    """An event never grows without bound."""

    def predict(rows):
        raise ValueError

    place(predict, monitor={"log": {"inputs": "full", "redact": ["rows.x"]}})
    with pytest.raises(ValueError):
        predict(["y" * 1000] * 100)

    [event] = events()
    assert event["input"] == {"truncated": True, "rows": {"type": "list", "len": 100}}


def test_a_flood_of_errors_is_cut_and_counted(place, events):
    """At most so many are written; the others are counted as dropped."""
    from mlpolicy.core.metrics import METERS

    def fail():
        raise ValueError

    place(fail, monitor={})
    before = METERS.value("mlpolicy_dropped_events_total", sink="log", reason="rate")
    for _ in range(200):
        with pytest.raises(ValueError):
            fail()

    written = len(events())
    dropped = METERS.value("mlpolicy_dropped_events_total", sink="log", reason="rate") - before
    assert (50 <= written <= 70, written + dropped) == (True, 200)


@pytest.mark.parametrize("share", [0.01, 0.2])
def test_the_sample_is_drawn_with_equal_chances(place, share):
    """The share of sampled calls is what the rule says."""
    import random

    from mlpolicy.core.site import Site
    from mlpolicy.rules.monitor.rule import MonitorRule
    from mlpolicy.rules.monitor.step import MonitorStep

    rule = MonitorRule.model_validate({"log": {"sample": f"{share * 100}%"}})
    step = MonitorStep(rule, Site("m:f", meters=place.meters), draw=random.Random(7).random)

    gaps = [step._gap() for _ in range(20_000)]

    assert len(gaps) / sum(gaps) == pytest.approx(share, rel=0.05)


def test_a_slow_call_is_always_logged(place, events, world):
    """Whatever the sample."""

    def work():
        world.advance(3)

    place(work, world=world, monitor={"log": {"sample": "0%", "slow": "2s"}})
    work()

    [event] = events()
    assert event["duration_s"] == 3


def test_the_level_leaves_out_what_is_below(place, events):
    """ERROR keeps errors alone."""

    def work(x):
        return 1 / x

    place(work, monitor={"log": {"sample": "100%", "level": "ERROR"}})
    work(1)
    with pytest.raises(ZeroDivisionError):
        work(0)

    assert [event["outcome"] for event in events()] == ["error"]


def test_a_sink_that_blocks_holds_up_no_call(place):
    """Events wait in a queue, calls do not."""
    release = threading.Event()

    class Blocking(logging.Handler):
        def emit(self, record):
            release.wait(10)

    def work():
        return 1

    place(work, monitor=EVERY)
    handler, logger = Blocking(), logging.getLogger("mlpolicy.events")
    logger.addHandler(handler)
    try:
        assert [work() for _ in range(100)] == [1] * 100
        assert not EXPORTER.flush(0.05)
    finally:
        release.set()
        assert EXPORTER.flush(5)
        logger.removeHandler(handler)


def test_a_sink_that_raises_is_reported_once_and_fails_no_call(place):
    """Dropped with a count."""

    class Broken(logging.Handler):
        def handle(self, record):
            raise OSError("disk full")

    def work():
        return 1

    place(work, monitor=EVERY)
    handler, logger = Broken(), logging.getLogger("mlpolicy.events")
    logger.addHandler(handler)
    try:
        assert [work() for _ in range(3)] == [1] * 3
        assert EXPORTER.flush(5)
    finally:
        logger.removeHandler(handler)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"labels": {"function": "x"}}, "MP010"),
        ({"log": {"redact": ["a..b"]}}, "MP010"),
        ({"labels": {"bad-name": "x"}}, "string_pattern_mismatch"),
        ({"sinks": ["kafka"]}, "MP130"),
        ({"sinks": ["file"]}, "MP010"),
        ({"log": {"sample": 5}}, "MP101"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, code):
    """With the code of its finding."""
    from pydantic import ValidationError

    with pytest.raises(ValidationError) as caught:
        rule_module.MonitorRule.model_validate(fields)

    assert code in [one["type"] for one in caught.value.errors()]


def test_what_is_expected_is_shown_beside_the_numbers(place):
    def work():
        return 1

    target = f"{work.__module__}:{work.__qualname__}"
    wanted = {"p99": "250ms", "error_rate": "0.5%"}

    def shown(objective):
        return place.meters.value("mlpolicy_slo_target", function=target, objective=objective)

    place(work, monitor={"slo": wanted})
    assert (shown("p99"), shown("error_rate")) == (0.25, 0.005)

    place(work, monitor={"slo": {"p99": "1s"}})
    assert (shown("p99"), shown("error_rate")) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ({"slo": {"p99": "250ms"}}, []),
        ({"slo": {"p99": "10s"}}, []),
        ({"slo": {"p99": "11s"}}, ["MP907"]),
        ({"slo": {"p99": "500us"}}, ["MP907"]),
        ({"slo": {"error_rate": "1%"}}, []),
        ({"slo": {"p99": "1m"}, "buckets": ["1s", "2m"]}, []),
        ({"slo": {"p99": "1m"}, "buckets": ["2m", "1s"]}, ["MP902"]),
    ],
)
def test_a_p99_is_read_off_the_buckets(rule, codes):
    from mlpolicy.rules.monitor.check import check

    assert [one[0] for one in check(rule_module.MonitorRule.model_validate(rule))] == codes
