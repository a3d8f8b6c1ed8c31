"""Functions that are made at run time go when nobody holds them, decorators or not."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

import mlpolicy
from mlpolicy import cache_result, memory_guard, monitor, retry, validate_input
from mlpolicy.install import registry

DECORATORS = {
    "retry": retry(max_attempts=2, retry_on=ValueError),
    "validate": validate_input(x=int),
    "cache": cache_result(ttl=30),
    "memory": memory_guard(threshold=0.9),
    "monitor": monitor(log=False),
}


def itself(under):
    @under
    def work(x):
        return work.__name__

    work(1)
    return work


def itself_later(under):
    @under
    async def work(x):
        return work.__name__

    asyncio.run(work(1))
    return work


def itself_as_numbers(under):
    def work(x):
        yield work.__name__

    list(under(work)(1))
    return work


def of_class(under):
    class Base:
        def work(self, x):
            return x

    class Work(Base):
        @under
        def work(self, x):
            return super().work(x)

        @under
        @classmethod
        def make(cls, x):
            return __class__.__name__

    Work().work(1)
    Work.make(1)
    return Work


def each_other(under):
    @under
    def even(x):
        return x == 0 or odd(x - 1)

    @under
    def odd(x):
        return x != 0 and even(x - 1)

    assert even(4)
    return odd


def held_by_its_instance(under):
    class Job:
        def __init__(self):
            @under
            def run(x):
                return self.run is not None, x

            self.run = run

    Job().run(1)
    return Job().run


def in_globals_of_its_own(under):
    names = {"under": under, "__name__": "made_at_run_time"}
    exec("@under\ndef work(x): return work.__name__", names)
    names["work"](1)
    return names["work"]


MAKERS = [
    itself,
    itself_later,
    itself_as_numbers,
    of_class,
    each_other,
    held_by_its_instance,
    in_globals_of_its_own,
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("kind", DECORATORS)
def test_a_function_goes_with_its_decorator(kind, make):
    """Though it refers to itself, by its name, its class, its instance or another function."""
    if kind == "cache" and make is itself_as_numbers:
        kind = "retry"  # a generator has no cache
    known = len(registry.functions())

    made = [weakref.ref(make(DECORATORS[kind])) for _ in range(20)]
    gc.collect()

    assert sum(one() is not None for one in made) == 0
    assert len(registry.functions()) <= known


def test_a_function_goes_under_a_policy_too(tmp_path, monkeypatch):
    """A policy that names functions within another does not keep those that it has governed."""
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "plans"))
    path = tmp_path / "policy.yaml"
    target = f"{__name__}:itself.<locals>.work"
    path.write_text(f"version: 1\npolicies: {{'{target}': {{retry: {{max_attempts: 4}}}}}}\n")
    mlpolicy.install(policy=path)
    try:
        made = [weakref.ref(itself(DECORATORS["retry"])) for _ in range(20)]
        attempts = mlpolicy.plan(itself(DECORATORS["retry"])).rule("retry").rule.max_attempts
        gc.collect()

        assert (attempts, sum(one() is not None for one in made)) == (4, 0)
    finally:
        mlpolicy.uninstall()


def test_memory_stays_as_it_is_however_many_are_made():
    """Nothing of ours grows with the number of functions that were made and are gone."""
    for _ in range(50):
        itself(DECORATORS["retry"])
    gc.collect()
    before = len(gc.get_objects())

    for _ in range(300):
        itself(DECORATORS["retry"])
    gc.collect()

    assert len(gc.get_objects()) - before < 300
