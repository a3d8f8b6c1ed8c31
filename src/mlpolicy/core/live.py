"""Live objects: reached by a driver at every call, and pickled by name, never by content.

cloudpickle carries a function of `__main__` by value, its code's constants with it.
A constant that holds locks, queues or a cache must not travel: what travels is where it
lives, and the other process looks its own up.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

_K = TypeVar("_K")
_V = TypeVar("_V")


Home = tuple[str, str, str]
"""Where a live object lives: its target, its kind of rule, and its part there."""
_live: WeakValueDictionary[Home, Live] = WeakValueDictionary()


class Live:
    """Mixed into whatever a driver holds: pickling gives its home."""

    home: Home | None = None

    def settle(self, home: Home) -> None:
        """Give this object its home, once; later calls change nothing."""
        if self.home is None:
            self.home = home
            _live[home] = self

    @classmethod
    def idle(cls) -> Any:
        """Return what stands in where the policy is not in force: it lets everything go on."""
        return cls.__new__(cls)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        """Travel as a name."""
        home = self.home or ("", type(self).__name__, "")
        return revive, (*home, type(self).__module__, type(self).__qualname__)


def revive(target: str, kind: str, part: str, module: str, qualname: str) -> object:
    """Return the live object of that home in this process.

    Where the policy is not in force here, an idle one stands in: the function still works.
    """
    found = _live.get((target, kind, part))
    if found is not None:
        return found
    from mlpolicy.core.kind import load

    cls: Any = load(f"{module}:{qualname}")
    return cls.idle()


class Table(dict[_K, _V], Live):
    """A mapping that pickles by name, and can be a constant of drivers."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # (a constant of drivers)
    __reduce__ = Live.__reduce__  # (dict's own travels by content)


class Ring(deque[Any], Live):
    """A deque that pickles by name; its `append` is what a driver calls."""

    @classmethod
    def idle(cls) -> Any:
        """Return one that keeps nothing: nobody would ever empty it."""
        return cls(maxlen=0)

    __reduce__ = Live.__reduce__  # type: ignore[assignment]  # deque's own travels by content


class Ticker(itertools.count, Live):  # type: ignore[type-arg]  # a count of int
    """An exact counter under threads: `__next__` is one atomic step of the interpreter.

    The count is read from `repr`, the only way that does not move it and does not go away
    with `count.__reduce__` in Python 3.14.
    """

    def read(self) -> int:
        """Return how often it was advanced."""
        return int(itertools.count.__repr__(self)[len(type(self).__name__) + 1 : -1])

    __reduce__ = Live.__reduce__  # count's own travels by content


def new_ticker() -> Ticker:
    """Return a ticker at zero; type checkers take `Ticker()` for the `count` that it derives from."""
    made: Any = Ticker()
    ticker: Ticker = made
    return ticker
