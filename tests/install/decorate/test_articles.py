"""The five decorators as articles write them: each does what it says, alone and all together."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import mlpolicy
from mlpolicy import cache_result, memory_guard, monitor, retry, validate_input
from mlpolicy.core.metrics import METERS

RIGHT = np.zeros((3, 64), dtype=np.float32)

RETRY = retry(max_retries=3, backoff_factor=2, exceptions=(ConnectionError,), delay=0.001)
VALIDATE = validate_input(features={"shape": (None, 64), "dtype": "float32"})
CACHE = cache_result(ttl=30)
MEMORY = memory_guard(threshold=0.85)


def ran(function, *arguments):
    """Return the result of a call, of a coroutine what it gives."""
    made = function(*arguments)
    return asyncio.run(made) if asyncio.iscoroutine(made) else made


@pytest.fixture(params=["sync", "async"])
def under(request):
    """Make a function under decorators, outermost first; it does what `do` does."""

    def make(do, *decorators):
        if request.param == "sync":

            def predict(features):
                return do(features)
        else:

            async def predict(features):
                return do(features)

        for one in reversed(decorators):
            predict = one(predict)
        return predict

    return make


class Failing:
    """Fails so many times, and then gives the number of its calls."""

    def __init__(self, times, error=ConnectionError):
        self.times, self.error, self.calls = times, error, 0

    def __call__(self, features):
        self.calls += 1
        if self.calls <= self.times:
            raise self.error("down")
        return self.calls


def retries(make, *others):
    do = Failing(3)
    assert ran(make(do, RETRY, *others), RIGHT) == 4
    do = Failing(4)
    with pytest.raises(ConnectionError):
        ran(make(do, RETRY, *others), RIGHT)
    assert do.calls == 4
    do = Failing(1, KeyError)
    with pytest.raises(KeyError):
        ran(make(do, RETRY, *others), RIGHT)
    assert do.calls == 1


def validates(make, *others):
    predict = make(np.sum, VALIDATE, *others)
    assert ran(predict, RIGHT) == 0
    with pytest.raises(mlpolicy.ValidationFailed, match="float64"):
        ran(predict, RIGHT.astype("float64"))
    with pytest.raises(mlpolicy.ValidationFailed, match="63"):
        ran(predict, RIGHT[:, 1:])


def caches(make, *others):
    do = Failing(0)
    predict = make(do, CACHE, *others)
    assert [ran(predict, RIGHT), ran(predict, RIGHT.copy()), ran(predict, RIGHT[:2])] == [1, 1, 2]


def guards(make, *others):
    predict = make(Failing(0), MEMORY, *others)
    assert ran(predict, RIGHT) == 1
    rule = mlpolicy.plan(predict).rule("memory").rule
    assert (rule.act_at, rule.warn_at < rule.act_at < rule.reject_at) == (0.85, True)
    tight = memory_guard(threshold=0.85, limit=2**20, measure="rss", wait=0)
    do = Failing(0)
    with pytest.raises(mlpolicy.MemoryPressure):
        ran(make(do, tight, *others), RIGHT)
    assert do.calls == 0


def monitors(make, *others):
    predict = make(Failing(0), monitor, *others)
    counted = {"function": str(mlpolicy.plan(predict).target), "outcome": "ok"}
    before = METERS.value("mlpolicy_calls_total", **counted)
    ran(predict, RIGHT)
    assert METERS.value("mlpolicy_calls_total", **counted) == before + 1


ALONE = {
    "retry": retries,
    "validate": validates,
    "cache": caches,
    "memory": guards,
    "monitor": monitors,
}
OTHERS = {
    "retry": (monitor, MEMORY, VALIDATE, CACHE),
    "validate": (monitor, MEMORY, CACHE, RETRY),
    "cache": (monitor, MEMORY, VALIDATE, RETRY),
    "memory": (monitor, CACHE, VALIDATE, RETRY),
    "monitor": (MEMORY, CACHE, VALIDATE, RETRY),
}


@pytest.mark.parametrize("does", ALONE.values(), ids=ALONE)
def test_a_decorator_alone_does_what_it_says(does, under):
    does(under)


@pytest.mark.parametrize(("name", "does"), ALONE.items(), ids=ALONE)
def test_a_decorator_among_all_five_does_what_it_says(name, does, under):
    """One driver runs all of them, in the fixed order, however they are stacked."""
    does(under, *OTHERS[name])


def test_stacked_decorators_make_one_driver_in_the_fixed_order(under):
    predict = under(Failing(0), CACHE, monitor, RETRY, MEMORY, VALIDATE)

    kinds = [rule.kind for rule in mlpolicy.plan(predict).rules]

    assert kinds == ["monitor", "validate", "cache", "retry", "memory"]
