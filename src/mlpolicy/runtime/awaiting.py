"""What the driver awaits, and how it holds generators that have begun."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Generator
from typing import Any


async def complete(value: Any) -> Any:
    """Return *value*, awaited if it can be."""
    return await value if inspect.isawaitable(value) else value


class Started:
    """A generator whose first item was drawn already: a failure before it could be retried.

    It iterates as the generator itself does: `send`, `throw`, `close` and the return value
    reach it and come back.
    """

    __slots__ = ("_first", "_generator", "_state", "_value")

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator
        self._value: Any = None
        self._first: Any = None
        try:
            self._first = next(generator)
            self._state = "holds"
        except StopIteration as end:
            self._value = end.value
            self._state = "ended"

    def __iter__(self) -> Started:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        """Hand out the first item, then whatever the generator gives for *value*."""
        if self._state == "runs":
            return self._generator.send(value)
        if self._state == "ended":
            raise StopIteration(self._value)
        self._state = "runs"
        first, self._first = self._first, None
        return first

    def throw(self, error: BaseException, *rest: Any) -> Any:
        """Throw into the generator: an error, or a class, a value and a traceback."""
        self._state = "runs"
        return self._generator.throw(error, *rest)

    def close(self) -> None:
        """Close the generator."""
        self._generator.close()


class StartedAsync:
    """An async generator whose first item was drawn already."""

    __slots__ = ("ended", "first", "generator")

    def __init__(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.generator = generator
        self.first: Any = None
        self.ended = False


async def start_async(generator: AsyncGenerator[Any, Any]) -> StartedAsync:
    """Draw the first item of *generator*."""
    started = StartedAsync(generator)
    try:
        started.first = await generator.__anext__()
    except StopAsyncIteration:
        started.ended = True
    return started


async def items_of(given: Any) -> AsyncGenerator[Any, Any]:
    """Yield the items of what a rule gave in place of an async generator, as `yield from` does."""
    if hasattr(given, "__aiter__"):
        async for item in given:
            yield item
    else:
        for item in given:
            yield item
