"""Getting memory back: never within a call, never too often, and seldom where it does not help."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from mlpolicy.core.report import say_once, told

Free = Callable[[], object]
LITTLE = 0.01
"""A relief that frees less than this share of the limit has freed next to nothing."""
MOST_PUT_OFF = 16
"""How many intervals a relief that frees nothing is put off at most; it is tried again, for the
memory of a process may change its nature."""


class Relief:
    """A list of ways to free memory, done together.

    Garbage that is collected stays with the C library until it is trimmed, so that what one of
    them frees tells nothing: they are done one after the other, and judged together.
    """

    def __init__(self, ways: tuple[Free, ...], interval: float) -> None:
        self._ways = ways
        self._interval = interval
        self._pause = interval
        self._ended = float("-inf")

    def due(self, now: float) -> bool:
        """Whether enough time has passed since the last one."""
        return now - self._ended >= self._pause

    def run(self) -> None:
        """Free what can be freed."""
        for way in self._ways:
            try:
                way()
            except BaseException as error:  # noqa: BLE001 (a function of the user's may raise anything, and this thread is ours)
                name = getattr(way, "__qualname__", repr(way))
                said = f"memory relief by {name} failed ({told(error)})"
                say_once(f"memory:relieve:{name}", said)

    def ended(self, now: float, *, freed: float) -> None:
        """Take note that one is done, and which share of the limit it freed."""
        self._ended = now
        longer = min(self._pause * 2, self._interval * MOST_PUT_OFF)
        self._pause = longer if freed < LITTLE else self._interval


def named(path: str, resolve: Callable[[str], object] | None) -> Free:
    """Return what calls a function of the user's, imported when it is first needed."""

    def call() -> object:
        found = resolve(path) if resolve else None
        if not callable(found):
            raise TypeError(f"{path} is no function")
        return found()

    call.__qualname__ = path
    return call


_shared: WeakValueDictionary[tuple[Any, ...], Relief] = WeakValueDictionary()


def shared(
    names: tuple[str, ...], interval: float, resolve: Callable[[str], object] | None
) -> Relief:
    """Return the relief of those *names*, the same for all functions: memory is the process's.

    Functions that may not import the same by name have none in common that does.
    """
    key = (names, interval, None if _WAYS.keys() >= {*names} else resolve)
    relief = _shared.get(key)
    if relief is None:
        ways = tuple(_WAYS.get(name) or named(name, resolve) for name in names)
        relief = _shared[key] = Relief(ways, interval)
    return relief


def trim() -> None:
    """Give memory that the C library keeps for later back to the system, where it is glibc."""
    import ctypes

    # Found among what is loaded already. It lets other threads run, but locks one heap after
    # the other: who allocates there waits.
    release = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if release is not None:
        release(0)


_WAYS: dict[str, Free] = {"gc": gc.collect, "trim": trim}
