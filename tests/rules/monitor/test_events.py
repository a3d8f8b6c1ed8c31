"""Events: strict JSON whatever the values, bounded, and holding nothing of the call's objects."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections import OrderedDict, namedtuple
from contextlib import suppress
from decimal import Decimal
from enum import IntEnum

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlpolicy.core.metrics import METERS
from mlpolicy.errors import CallRefused, Failure, MemoryPressure, ValidationFailed
from mlpolicy.rules.monitor.event import PATIENCE, UNPRINTED, said_of
from mlpolicy.rules.monitor.lanes import EXPORTER
from mlpolicy.rules.monitor.rate import Rate

FULL = {"log": {"inputs": "full", "redact": ["x.secret_place"]}}
EVERY = {"log": {"sample": "100%"}}
Point = namedtuple("Point", "x y")
Level = IntEnum("Level", {"LOW": 7})


def fail(x):
    raise ValueError


def written(place, events, value):
    """What the event of a failed call has of its argument."""
    place(fail, monitor=FULL)
    with pytest.raises(ValueError):
        fail(value)
    [event] = events()
    return event["input"]["x"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "NaN"),
        ([float("inf"), float("-inf"), 1.5], ["Infinity", "-Infinity", 1.5]),
        (10**5000, hex(10**5000)),
        (2**63, 2**63),
        (True, True),
        (Level.LOW, 7),
        (np.float64("nan"), "NaN"),
        (np.float32(2), 2.0),
        (np.array([1.0, np.nan]), {"type": "ndarray", "dtype": "float64", "shape": [2]}
         | {"data": [1.0, "NaN"]}),
        (pd.Series([1.5, None]), {"type": "Series", "dtype": "float64", "shape": [2]}
         | {"data": [1.5, "NaN"]}),
        (pd.DataFrame({"dtype": ["private"]}), {"type": "DataFrame", "shape": [1, 1]}),
        (pl.DataFrame({"a": [1]}), {"type": "DataFrame", "shape": [1, 1]}),
        (OrderedDict(a=1), {"a": 1}),
        ({(1, 2): "x", None: 0, 1.5: 1}, {"(tuple)": "x", "None": 0, "1.5": 1}),
        (Point(1, 2), [1, 2]),
        (Decimal("1.10"), "1.10"),
        (1 + 2j, "(1+2j)"),
        (b"bytes", {"type": "bytes", "len": 5}),
        ({"secret_place": 1, "open": 2}, {"secret_place": "[redacted]", "open": 2}),
        (threading, {"type": "module"}),
        ("postgresql://me:hunter2@db/x", "postgresql://me:***@db/x"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_content_is_strict_json(place, events, value, shown):
    """What JSON has no number for is text; what is not known is its class."""
    assert written(place, events, value) == shown


def test_content_of_an_instance_is_its_attributes_as_they_are_stored(place, events):
    """No property, no hook and no method of it runs."""

    class Sly:
        def __init__(self):
            self.kept = 1

        def __getattribute__(self, name):
            raise AssertionError(name)

        @property
        def computed(self):
            raise AssertionError

    assert written(place, events, Sly()) == {"kept": 1}


def _nested(depth):
    return [1.5] * 100 if depth == 0 else [_nested(depth - 1)] * 100


@pytest.mark.parametrize(
    "value",
    [
        [[1.5] * 1000] * 10_000,
        _nested(3),
        "y" * 100_000_000,
        {"a" * 100_000: 1},
        1 << 100_000_000,
        ["y" * 1000] * 100,
        [{"a": {"b": [{}] * 100_000}}] * 100_000,
    ],
    ids=["floats", "nested", "text", "key", "integer", "texts", "dicts"],
)
def test_what_is_large_is_summarised_without_going_through_it(place, events, value):
    """The time is bounded as the size is: ten million floats take no longer than a few."""
    place(fail, monitor=FULL)
    began = time.thread_time()
    with pytest.raises(ValueError):
        fail(value)
    took = time.thread_time() - began

    [event] = events()
    assert event["input"].pop("truncated")
    assert event["input"]["x"]["type"] == type(value).__name__
    assert took < 1  # (10 s were seen)


def test_a_list_that_holds_itself_is_cut(place, events):
    """At some depth its class is all that is said."""
    value = []
    value.append(value)

    assert "truncated" not in str(written(place, events, value))


# --- messages -------------------------------------------------------------------------


class Printed(Exception):
    """Its message is made by code."""

    def __init__(self, work):
        super().__init__("arguments")
        self.work = work

    def __str__(self):
        return self.work()


def _raise():
    raise SystemExit("from __str__")


class Sleepy(Printed):
    """Its message never comes."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("plain"), "plain"),
        (KeyError("a", 1), "('a', 1)"),
        (KeyError("key"), "'key'"),
        (FileNotFoundError(2, "not there", "file"), "[Errno 2] not there: 'file'"),
        (ValueError(10**5000), UNPRINTED),
        (ValueError([1.5] * 10_000_000), "(too large to be printed)"),
        (ValueError("y" * 10_000_000), "y" * 500 + "…"),
        (Printed(lambda: "made"), "made"),
        (Printed(lambda: 5), UNPRINTED),
        (Printed(_raise), UNPRINTED),
        (ValueError(Printed(lambda: "within")), "within"),
        (ValueError("to postgresql://me:hunter2@db/x"), "to postgresql://me:***@db/x"),
    ],
)
def test_a_message_is_made_whatever_the_error(error, message):
    """Cut, and never an error of its own."""
    assert said_of(error)["message"] == message


def test_a_message_that_never_comes_holds_a_call_up_once():
    """Its class is not asked again."""
    release = threading.Event()
    begun = []

    def work():
        begun.append(1)
        release.wait(30)
        return "late"

    began = time.monotonic()
    found = [said_of(Sleepy(work))["message"] for _ in range(20)]
    took = time.monotonic() - began
    release.set()

    assert found == [UNPRINTED] * 20
    assert len(begun) == 1
    assert took < 20 * PATIENCE


def test_errors_of_one_class_and_place_have_one_fingerprint():
    """Whatever their messages."""

    def raised(error, deeper=False):
        try:
            if deeper:
                fail(0)
            raise error
        except ValueError as caught:
            return said_of(caught)["fingerprint"]

    one, other = raised(ValueError("a")), raised(ValueError("b"))
    assert one == other
    assert one not in (raised(ValueError(), deeper=True), raised(UnicodeError()))


def test_classes_made_on_the_fly_share_the_wait_for_their_message():
    """It is their code that is not asked again."""
    release = threading.Event()

    def made():
        class Made(Sleepy):
            def __str__(self):
                return self.work()

        return Made(lambda: release.wait(30))

    began = time.monotonic()
    found = {said_of(made())["message"] for _ in range(50)}
    took = time.monotonic() - began
    release.set()

    assert found == {UNPRINTED}
    assert took < 50 * PATIENCE / 2


class Blocked(CallRefused):
    """A refusal of a plugin's rule."""


CHECKED = {
    "a": {"type": "float", "range": [0, 1]},
    "b1": {"type": "float", "range": [0, 1]},
    "b2": {"type": "float", "range": [0, 1]},
    "rows": {"items": {"fields": {"x": {"type": "int"}, "y": {"type": "int"}}}},
    "ids": {"min_len": 1, "max_len": 2},
}
GOOD = {"a": 0.5, "b1": 0.5, "b2": 0.5, "rows": [], "ids": [1]}


def checked(a, b1, b2, rows, ids):
    return 1.0


def test_refusals_of_one_check_have_one_fingerprint_and_others_have_others(place, events):
    """What was asked of which argument counts; not the value, its type or its index."""
    groups = [
        [{"a": 7.0}, {"a": -12.25}, {"a": 1e300}],
        [{"a": "x"}, {"a": [1]}],
        [{"a": None}],
        [{"b1": 7.0}, {"b1": 70.0}],
        [{"b2": 7.0}, {"b2": 70.0}],
        [{"a": 7.0, "b1": 7.0}, {"a": 8.0, "b1": 9.0}],
        [{"rows": [{"x": "s"}]}, {"rows": [{"x": 1}, {"x": 1.5}, {"x": "t"}]}],
        [{"rows": [{"y": "s"}]}, {"rows": [{"y": 1}] * 12 + [{"y": 1.5}]}],
        [{"ids": []}, {"ids": ()}],
        [{"ids": [1] * 3}, {"ids": (1,) * 400}],
    ]
    place(checked, monitor={}, validate={"args": CHECKED})
    for wrong in (one for group in groups for one in group):
        with suppress(ValidationFailed):
            checked(**GOOD | wrong)

    found = iter([event["error"]["fingerprint"] for event in events()])
    prints = [{next(found) for _ in group} for group in groups]
    assert [len(one) for one in prints] == [1] * len(groups)
    assert len(set.union(*prints)) == len(groups)


def test_refusals_are_told_apart_by_function_class_and_message():
    """Numbers and quoted values in a message are of the call."""
    alike = [Blocked("m:f", f"asks too often: {n} of 5.5 a second, 'key {n}'") for n in (7, 12.5)]
    pressed = [MemoryPressure("m:f", used=one, limit=100) for one in (93, 97)]
    others = [
        Blocked("m:f", "has no token"),
        Blocked("m:g", "has no token"),
        CallRefused("m:f", "has no token"),
        MemoryPressure("m:g", used=93, limit=100),
        ValidationFailed("m:f", [Failure("x", "x", "range", "7", "at most 5")]),
        ValidationFailed("m:f", [Failure("x", "x", "type", "7", "str")]),
        ValidationFailed("m:g", [Failure("x", "x", "type", "7", "str")]),
    ]

    prints = [said_of(one)["fingerprint"] for one in (*alike, *pressed, *others)]

    assert prints[0] == prints[1]
    assert prints[2] == prints[3]
    assert len(set(prints)) == len(prints) - 2


# --- what is left out -----------------------------------------------------------------


def _dropped(reason="rate"):
    return METERS.value("mlpolicy_dropped_events_total", sink="log", reason=reason)


@pytest.mark.parametrize(("ends", "threads"), [("well", 4), ("badly", 1)])
def test_every_event_over_the_rate_is_counted(place, events, ends, threads):
    """Those that are written stand for those before them that are not."""

    def work():
        if ends == "badly":
            raise ValueError

    place(work, monitor=EVERY)
    before = _dropped()

    def call():
        for _ in range(1000 // threads):
            with suppress(ValueError):
                work()

    callers = [threading.Thread(target=call) for _ in range(threads)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()

    rates = [event["sample_rate"] for event in events()]
    step = place.step(work, "monitor")
    rate = step._samples if ends == "well" else step._failures
    # (as if time had passed: one more may be written)
    rate._left, rate._closed_until = (1.0, rate._now()), 0.0
    with suppress(ValueError):
        work()

    last = events()[-1]["sample_rate"]
    assert len(rates) + _dropped() - before == 1000
    assert sum(round(1 / one) for one in [*rates, last]) == 1001


def test_a_share_that_is_thinned_is_told(place, events):
    """`sample_rate` is the share of calls that an event stands for."""

    def work():
        return 1

    place(work, monitor={"log": {"sample": "50%"}})
    before = _dropped()
    for _ in range(2000):
        work()

    found = events()
    assert found[0]["sample_rate"] == 0.5
    assert 800 < len(found) + _dropped() - before < 1200


def test_samples_over_the_rate_are_dropped_together(place, events, monkeypatch):
    """Sixteen more with each that there is no room for, all counted: a quick function loses no time."""
    looked = []

    def work():
        return 1

    place(work, monitor={"log": {"sample": "50%"}})
    step = place.step(work, "monitor")
    monkeypatch.setattr(step, "_samples", _Full(looked, step._samples._out[1:]))
    before = _dropped()
    for _ in range(20_000):
        work()

    assert 500 < len(looked) < 700
    assert _dropped() - before == 17 * len(looked)


class _Full(Rate):
    def __init__(self, looked, drops):
        super().__init__(1e-9, 0, drops)
        self.looked = looked

    def take(self):
        self.looked.append(1)
        return super().take()


def test_an_event_tells_of_values_as_they_were_at_the_end_of_the_call(place, events):
    """Though it is made later: what the caller does with them is not told."""
    given = [1, 2, 3]

    def work(rows):
        return {"a": rows}

    place(work, monitor=EVERY)
    result = work(given)
    given.clear()
    result.clear()
    [event] = events()

    assert event["input"] == {"rows": {"type": "list", "len": 3}}
    assert event["output"] == {"type": "dict", "len": 1}


def test_an_event_in_the_queue_holds_nothing_of_the_call(place):
    """A log that is stuck keeps no argument, result or error alive."""

    class Big:
        pass

    release, stuck = threading.Event(), threading.Event()

    class Blocking(logging.Handler):
        def emit(self, record):
            stuck.set()
            release.wait(30)

    def work(x):
        if fails:
            raise ValueError(x)
        return x

    place(work, monitor=EVERY)
    handler, logger = Blocking(), logging.getLogger("mlpolicy.events")
    logger.addHandler(handler)
    try:
        alive = []
        for fails in (False, True):
            big = Big()
            alive.append(weakref.ref(big))
            with suppress(ValueError):
                work(big)
            del big
        assert stuck.wait(5)
        gc.collect()
        assert [one() for one in alive] == [None, None]
    finally:
        release.set()
        assert EXPORTER.flush(5)
        logger.removeHandler(handler)


def test_a_log_handler_that_calls_what_is_logged_makes_no_more_events(place):
    """The thread that writes events is not a caller like others."""
    calls = []

    class Calling(logging.Handler):
        def emit(self, record):
            calls.append(work())

    def work():
        return 1

    place(work, monitor=EVERY)
    handler, logger = Calling(), logging.getLogger("mlpolicy.events")
    logger.addHandler(handler)
    try:
        work()
        assert EXPORTER.flush(5)
        assert EXPORTER.flush(5)
    finally:
        logger.removeHandler(handler)
    assert calls == [1]


def test_a_handler_that_exits_ends_no_thread_of_ours(place, events):
    """It is counted as a failure of the sink, and the next event is written."""

    class Exiting(logging.Handler):
        def handle(self, record):
            raise SystemExit

    def work():
        return 1

    place(work, monitor=EVERY)
    before = _dropped("failed")
    handler, logger = Exiting(), logging.getLogger("mlpolicy.events")
    logger.addHandler(handler)
    work()
    assert EXPORTER.flush(5)
    logger.removeHandler(handler)
    work()

    assert _dropped("failed") == before + 1
    assert len(events()) == 2
