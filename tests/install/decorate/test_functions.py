"""Decorators leave no trace on what they stand on, whatever sort of function it is."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle

import cloudpickle
import pytest

import mlpolicy
from mlpolicy import retry
from mlpolicy.core.metrics import METERS


class Down(Exception):
    pass


def again(function):
    return retry(max_attempts=3, initial_delay=0, retry_on=Down)(function)


class Tries:
    """Fails until it is asked for the third time."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        if self.calls % 3:
            raise Down
        return x


tries = Tries()


@again
def plain(x: int, /, y: int = 2, *rest: int, z: int = 3, **more: int) -> tuple:
    """Say what was given."""
    tries(x)
    return x, y, rest, z, more


@again
async def later(x):
    return tries(x)


@again
def numbers(x):
    yield tries(x)
    yield x + 1


@again
async def numbers_later(x):
    yield tries(x)
    yield x + 1


def outer(cell):
    @again
    def inner(x):
        return tries(x), cell

    return inner


class Model:
    def __init__(self, weight=1):
        self.weight = weight

    @again
    def predict(self, x):
        return tries(x), self.weight

    @again
    @classmethod
    def above(cls, x):
        return tries(x), cls.__name__

    @classmethod
    @again
    def below(cls, x):
        return tries(x), cls.__name__

    @again
    @staticmethod
    def clip(x):
        return tries(x)

    @staticmethod
    @again
    def cut(x):
        return tries(x)

    def bare(self, x):
        return tries(x), self.weight

    @property
    @again
    def size(self):
        return tries(5)

    @functools.cached_property
    @again
    def cost(self):
        return tries(6)

    @again
    def __call__(self, x):
        return tries(x)


class Child(Model):
    @again
    def predict(self, x):
        return ("child", *super().predict(x))


@functools.lru_cache
def cached(x):
    return tries(x)


async def every(numbers):
    return [one async for one in numbers]


CALLS = [
    (lambda: plain(1, 5, 6, z=7, w=8), (1, 5, (6,), 7, {"w": 8})),
    (lambda: asyncio.run(later(2)), 2),
    (lambda: list(numbers(3)), [3, 4]),
    (lambda: asyncio.run(every(numbers_later(4))), [4, 5]),
    (lambda: outer("cell")(5), (5, "cell")),
    (lambda: Model(9).predict(6), (6, 9)),
    (lambda: Model.above(7), (7, "Model")),
    (lambda: Child.below(8), (8, "Child")),
    (lambda: Model.clip(9), 9),
    (lambda: Model().cut(10), 10),
    (lambda: Model().size, 5),
    (lambda: Model().cost, 6),
    (lambda: Model()(11), 11),
    (lambda: again(lambda x: tries(x))(12), 12),
    (lambda: again(functools.partial(tries, 13))(), 13),
    (lambda: again(tries)(14), 14),
    (lambda: again(cached)(15), 15),
    (lambda: again(Model(9).bare)(9), (9, 9)),
]


@pytest.mark.parametrize(("call", "given"), CALLS)
def test_every_sort_of_function_is_tried_again(call, given):
    tries.calls = 0

    assert call() == given


def test_super_works_under_decorators_of_both():
    """The inner ones try again first; the outer never need to."""
    tries.calls = 0

    assert Child().predict(1) == ("child", 1, 1)
    assert tries.calls == 3


def test_a_function_looks_as_it_did():
    def bare(x: int, /, y: int = 2, *rest: int, z: int = 3, **more: int) -> tuple: ...

    assert inspect.signature(plain) == inspect.signature(bare)
    assert plain.__doc__ == "Say what was given."
    assert (plain.__name__, plain.__module__, vars(plain)) == ("plain", __name__, {})
    assert not hasattr(plain, "__wrapped__")
    assert "return x, y, rest, z, more" in inspect.getsource(plain)
    assert inspect.iscoroutinefunction(later)
    assert inspect.isgeneratorfunction(numbers)
    assert inspect.isasyncgenfunction(numbers_later)
    assert inspect.getclosurevars(outer("cell")).nonlocals["cell"] == "cell"


@pytest.mark.parametrize("function", [plain, Model.clip, Model().predict, Model.below])
def test_pickle_finds_the_same_function(function):
    found = pickle.loads(pickle.dumps(function))

    assert getattr(found, "__func__", found) is getattr(function, "__func__", function)


def test_cloudpickle_carries_a_closure():
    """By value, with its cells; here, where it is governed, it is governed there."""
    tries.calls, inner = 0, outer("cell")
    function = cloudpickle.loads(cloudpickle.dumps(inner))

    assert function(1) == (1, "cell")


def test_a_closure_that_was_carried_is_given_no_answer_of_another():
    """Closures of one name have caches of their own, wherever they are unpickled."""

    def make(cell):
        return mlpolicy.cache_result(ttl=60)(lambda x: (cell, x))

    first, second = make("first"), make("second")
    second(1)
    carried = cloudpickle.loads(cloudpickle.dumps(first))

    assert (carried(1), first(1)) == (("first", 1), ("first", 1))


def test_decorating_gives_back_the_very_object():
    def work():
        return 1

    held = staticmethod(work)

    assert retry(work) is work
    assert mlpolicy.monitor(log=False)(held) is held


def test_metrics_bear_the_path_of_the_function():
    tries.calls = 0
    name = f"{__name__}:Model.predict"
    before = METERS.value("mlpolicy_retries_total", function=name, reason="success")

    Model().predict(1)

    assert METERS.value("mlpolicy_retries_total", function=name, reason="success") == before + 1
