"""Results that are asked for again."""

from __future__ import annotations

import pytest

from tests.rules.retry.scripts import (
    EXACT,
    Script,
    async_generator,
    coroutine,
    function,
    generator,
    retries,
    run,
)


@pytest.mark.parametrize("make", [function, coroutine])
@pytest.mark.parametrize(
    ("wish", "results", "given", "calls"),
    [
        ({"is_none": True}, [None, None, "value"], "value", 3),
        ({"is_none": True}, [0], 0, 1),
        ({"is_none": True}, [None], None, 3),
        ({"equals": "pending"}, ["pending", "done"], "done", 2),
        ({"equals": "pending"}, ["done"], "done", 1),
        ({"equals": 0}, [False], False, 1),
        ({"equals": False}, [False, 0], 0, 2),
        ({"equals": 1.5}, [1.5, 2.0], 2.0, 2),
    ],
)
def test_an_unwanted_result_is_asked_for_again(place, world, make, wish, results, given, calls):
    script = Script(*results)
    fetch = place(make(script), world=world, retry={**EXACT, "on_result": wish})

    assert run(fetch) is given
    assert script.calls == calls


def test_results_and_errors_share_the_attempts(place, world):
    script = Script(None, ConnectionError("last"), None, ConnectionError("never"))
    fetch = place(function(script), world=world, retry={**EXACT, "on_result": {"is_none": True}})

    assert fetch(1) is None
    assert (script.calls, world.slept) == (3, [0.2, 0.4])
    assert retries(place, fetch, "attempts_exhausted") == 1


def test_no_array_is_compared(place):
    class Array:
        def __eq__(self, other):
            raise AssertionError

        __hash__ = None

    array = Array()
    fetch = place(function(Script(array)), retry={"on_result": {"equals": "pending"}})

    assert fetch(1) is array


@pytest.mark.parametrize("make", [generator, async_generator])
def test_items_of_a_generator_are_no_results(place, world, make):
    script = Script(None)
    fetch = place(make(script), world=world, retry={**EXACT, "on_result": {"is_none": True}})

    assert (run(fetch), script.calls) == (None, 1)


def test_shadow_counts_unwanted_results(place, world):
    script = Script(None)
    settings = {**EXACT, "on_result": {"is_none": True}, "mode": "shadow"}
    fetch = place(function(script), world=world, retry=settings)

    assert (fetch(1), script.calls) == (None, 1)
    labels = {"function": f"{fetch.__module__}:{fetch.__qualname__}", "kind": "retry"}
    assert place.meters.value("mlpolicy_shadow_total", **labels, would="retry") == 1
