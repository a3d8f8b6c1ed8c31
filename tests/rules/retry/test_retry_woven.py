"""The rule around real functions."""

from __future__ import annotations

import asyncio
import gc
import time
import traceback
import weakref

import httpx
import pytest
import requests

from mlpolicy.errors import MemoryPressure, ValidationFailed
from tests.rules.retry import answers
from tests.rules.retry.scripts import EXACT, Script, every_kind, function, retries, run


@every_kind
def test_what_may_pass_is_called_again(place, world, make):
    script = Script(ConnectionError(), TimeoutError(), "value")
    fetch = place(make(script), world=world, retry=EXACT)

    assert run(fetch) == "value"
    assert (script.calls, world.slept) == (3, [0.2, 0.4])
    assert retries(place, fetch, "success") == 1


@every_kind
def test_success_is_handed_on(place, world, make):
    script = Script("value")
    fetch = place(make(script), world=world, retry=EXACT)

    assert (run(fetch), script.calls, world.slept) == ("value", 1, [])
    assert retries(place, fetch, "success") == 0


@every_kind
def test_what_does_not_pass_is_raised_as_it_is(place, world, make):
    error = ConnectionError("down")
    script = Script(error)
    fetch = place(make(script), world=world, retry={**EXACT, "max_attempts": 4})

    with pytest.raises(ConnectionError) as caught:
        run(fetch)

    assert caught.value is error
    assert script.calls == 4
    assert len(error.__notes__) == 1
    assert "gave up after 4 attempts and 1.4 s" in error.__notes__[0]
    assert retries(place, fetch, "attempts_exhausted") == 1


@every_kind
def test_each_attempt_stands_alone(place, world, make):
    """No error is the context of the next, and the traceback is that of the last attempt."""
    script = Script(ConnectionError("1"), ConnectionError("2"), ConnectionError("3"))
    fetch = place(make(script), world=world, retry=EXACT)

    with pytest.raises(ConnectionError, match="3") as caught:
        run(fetch)

    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "__call__"
    assert names.count("__call__") == 1


@every_kind
def test_another_error_passes_at_once(place, world, make):
    error = ValueError("wrong")
    script = Script(error)
    fetch = place(make(script), world=world, retry=EXACT)

    with pytest.raises(ValueError, match="wrong") as caught:
        run(fetch)

    assert caught.value is error
    assert (script.calls, world.slept) == (1, [])
    assert not hasattr(error, "__notes__")
    assert retries(place, fetch, "not_retryable") == 1


@every_kind
@pytest.mark.parametrize("cls", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_ends_the_program_passes(place, world, make, cls):
    script = Script(cls(), "value")
    fetch = place(make(script), world=world, retry={"retry_on": ["Exception"]})

    with pytest.raises(cls):
        run(fetch)

    assert script.calls == 1


@every_kind
def test_shadow_calls_once_and_counts(place, world, make):
    script = Script(ConnectionError())
    fetch = place(make(script), world=world, retry={**EXACT, "mode": "shadow"})

    with pytest.raises(ConnectionError) as caught:
        run(fetch)

    assert (script.calls, world.slept) == (1, [])
    assert not hasattr(caught.value, "__notes__")
    labels = {"function": f"{fetch.__module__}:{fetch.__qualname__}", "kind": "retry"}
    assert place.meters.value("mlpolicy_shadow_total", **labels, would="retry") == 1


def test_arguments_are_those_of_the_call(place, world):
    seen = []

    def fetch(key, /, *rest, limit, **more):
        seen.append((key, rest, limit, more))
        if len(seen) < 3:
            raise ConnectionError

    place(fetch, world=world, retry=EXACT)
    fetch(1, 2, limit=3, other=4)

    assert seen == [(1, (2,), 3, {"other": 4})] * 3


def test_parameters_may_bear_any_name(place, world):
    def fetch(trial, error, now, started, Exception):
        if not error:
            error.append(1)
            raise ConnectionError
        return trial, now, started, Exception

    place(fetch, world=world, retry={**EXACT, "max_elapsed": "1s"})

    assert fetch(1, [], 2, 3, 4) == (1, 2, 3, 4)


def test_max_elapsed_bounds_pauses(place, world):
    script = Script(ConnectionError())
    settings = {**EXACT, "max_attempts": 9, "max_elapsed": "1s"}
    fetch = place(function(script), world=world, retry=settings)

    with pytest.raises(ConnectionError) as caught:
        fetch(1)

    assert world.slept == [0.2, 0.4]
    assert "max_elapsed is 1 s" in caught.value.__notes__[0]
    assert retries(place, fetch, "deadline") == 1


def test_max_elapsed_counts_the_time_of_attempts(place):
    def fetch():
        time.sleep(0.03)
        raise ConnectionError

    settings = {**EXACT, "initial_delay": "1ms", "max_attempts": 100, "max_elapsed": "50ms"}
    place(fetch, retry=settings)

    began = time.perf_counter()
    with pytest.raises(ConnectionError):
        fetch()

    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "error",
    [
        answers.of_requests(503, **{"Retry-After": "3"}),
        answers.of_httpx(503, **{"Retry-After": "3"}),
    ],
)
def test_the_pause_that_a_server_asks_for_is_slept(place, world, error):
    script = Script(error, "value")
    fetch = place(function(script), world=world, retry={**EXACT, "retry_on": ["http:5xx"]})

    assert (fetch(1), world.slept) == ("value", [3.0])


@pytest.mark.parametrize("error", [requests.ConnectTimeout(), httpx.ReadError("cut")])
def test_errors_of_http_clients_are_transient(place, world, error):
    script = Script(error, "value")
    fetch = place(function(script), world=world, retry=EXACT)

    assert (fetch(1), script.calls) == ("value", 2)


@pytest.mark.parametrize(
    "error", [ValidationFailed("a:b", []), MemoryPressure("a:b", used=1, limit=2)]
)
def test_a_refusal_is_retried_where_it_is_named(place, world, error):
    script = Script(error, "value")
    name = f"mlpolicy.{type(error).__name__}"
    fetch = place(function(script), world=world, retry={**EXACT, "retry_on": [name]})
    broad = place(function(Script(error)), world=world, retry={"retry_on": ["Exception"]})

    assert fetch(1) == "value"
    with pytest.raises(type(error)):
        broad(1)


def test_one_object_raised_at_each_call_does_not_collect_notes(place, world):
    error = ConnectionError("always the same")
    fetch = place(function(Script(error)), world=world, retry=EXACT)

    for _ in range(5):
        with pytest.raises(ConnectionError):
            fetch(1)

    assert len(error.__notes__) == 1


def test_a_failed_call_keeps_nothing_alive(place, world):
    class Big:
        pass

    def fetch(big):
        raise ConnectionError

    place(fetch, world=world, retry=EXACT)
    big = Big()
    gone = weakref.ref(big)

    gc.disable()
    try:
        with pytest.raises(ConnectionError):
            fetch(big)
        del big
        # pytest's own record of the error went with the block above.
        assert gone() is None
    finally:
        gc.enable()


def test_the_lines_mention_nothing_from_outside(place):
    fetch = place(function(Script(1)), retry={"max_elapsed": "1s", "on_result": {"equals": 1}})

    assert fetch.__code__.co_names == ("__class__", "usual")  # (attributes, and no global)


def test_a_success_costs_a_try_and_two_stores(place):
    """No argument that its annotation says to be plain is looked at."""

    def fetch(key: str):
        return key

    source = place.source(place(fetch, retry={}))

    assert source.splitlines()[1:7] == [
        "    trial = None",
        "    marks = False",
        "    while True:",
        "        try:",
        "            result = twin(key)",
        "        except Exception as error:",
    ]


def test_of_other_arguments_the_class_is_looked_at(place):
    """One look-up each; a plain one is asked for nothing more."""
    source = place.source(place(function(Script(1)), retry={}))

    assert source.splitlines()[1:8] == [
        "    trial = None",
        "    marks = False",
        "    try:",
        "        if type(key) not in plain:",
        "            marks = look(key)",
        "    except TypeError:",
        "        marks = look(key)",
    ]
