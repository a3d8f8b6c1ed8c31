"""Functions of every kind that do what a list says, one item at each call."""

from __future__ import annotations

import asyncio

import pytest

EXACT = {"jitter": "none"}


class Script:
    """Raises or gives what stands in a list, one at each call."""

    def __init__(self, *acts):
        self.acts = list(acts)
        self.calls = 0

    def __call__(self):
        act = self.acts[min(self.calls, len(self.acts) - 1)]
        self.calls += 1
        if isinstance(act, BaseException):
            raise act
        return act


def function(script):
    def fetch(key):
        return script()

    return fetch


def coroutine(script):
    async def fetch(key):
        await asyncio.sleep(0)
        return script()

    return fetch


def generator(script):
    def fetch(key):
        yield script()

    return fetch


def async_generator(script):
    async def fetch(key):
        yield script()

    return fetch


def run(made, key="key"):
    """Call what is made and return its value, or its first item."""
    result = made(key)
    if hasattr(result, "__await__"):
        return asyncio.run(awaited(result))
    if hasattr(result, "__anext__"):
        return asyncio.run(collected(result))[0]
    return next(result) if hasattr(result, "__next__") else result


async def awaited(result):
    return await result


async def collected(result):
    return [item async for item in result]


KINDS = [function, coroutine, generator, async_generator]
every_kind = pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)


def retries(place, made, reason):
    labels = {"function": f"{made.__module__}:{made.__qualname__}", "reason": reason}
    return place.meters.value("mlpolicy_retries_total", **labels)
