"""The functions that are timed: one copy for each rule, so that each has its own policy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def predict(x: int) -> int:
    """The work: next to nothing, so that what stands around it shows."""
    return x + 1


async def predict_async(x: int) -> int:
    """The same, awaited."""
    return x + 1


def score(x: int, y: float) -> float:
    """Two scalars."""
    return x + y


def classify(features: Any) -> int:
    """One array, which is not touched."""
    return 1


def copy_of(function: Callable[..., Any], name: str) -> Any:
    """Return another function of the same code, under the name *name* of this module."""
    from types import FunctionType

    made = FunctionType(function.__code__, function.__globals__, name)
    made.__qualname__ = name
    made.__module__ = __name__
    made.__annotations__ = function.__annotations__
    globals()[name] = made
    return made


def bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return *function* in the wrapper that everything is measured by."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def bare_async(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the coroutine function *function* in such a wrapper."""

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper
