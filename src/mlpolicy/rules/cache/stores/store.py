"""What a store is, ours or a plugin's: entries in the memory of the process, and who must go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from typing import Any, ClassVar

from mlpolicy.core.live import Table


class Entries(Table[Any, "Entry"]):
    """Key to entry; a driver reads it by its bound `get`."""


class Entry:
    """One result, and how long it is good."""

    __slots__ = (
        "born", "copied", "expires", "key", "newer", "older", "size", "value", "visited"
    )  # fmt: skip

    def __init__(self, key: Hashable, value: object, *, born: float, expires: float) -> None:
        self.key = key
        self.value = value
        self.born = born
        self.expires = expires
        self.copied: Callable[[Any], object] | None = None
        """Makes what a caller gets; None where the value itself is handed out."""
        self.visited: object = False
        """Whether it was used since the store last looked: anything true."""
        self.size = 0
        self.older: Entry | None = None
        self.newer: Entry | None = None

    def given(self) -> object:
        """Return what a caller gets."""
        return self.value if self.copied is None else self.copied(self.value)


class Store(ABC):
    """A bounded number of entries, of a bounded size.

    A hit reads `entries` and sets `visited` on what it finds, with no lock and no call of the
    store; all else goes through the methods, from any thread.

    Args:
        max_entries: How many entries there may be; None for any number.
        max_bytes: How large they may be together, by their `size`; None for any size.
        linger: Seconds that an entry is of use after it expired.
        evicted: Is called for each entry that went to make room.
        expired: Is called for each entry that went because it was good no longer.
    """

    api: ClassVar[int | None] = None
    """The version of the interface that a plugin is made for."""
    entries: Entries
    """What there is, by key; `put` and `remove` alone change it."""

    def __init__(
        self,
        max_entries: int | None,
        max_bytes: int | None = None,
        *,
        linger: float = 0.0,
        evicted: Callable[[], object] = int,
        expired: Callable[[], object] = int,
    ) -> None:
        self.entries = Entries()
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self._linger = linger
        self._count_evicted = evicted
        self._count_expired = expired

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries of this moment, those that are to go first, first."""
        return iter(list(self.entries.values()))

    @abstractmethod
    def put(self, entry: Entry, *, now: float) -> bool:
        """Keep *entry*, and let go what it displaces; say whether it could be kept at all."""

    @abstractmethod
    def remove(self, key: Hashable) -> None:
        """Let the entry of *key* go, if there is one."""

    @abstractmethod
    def sweep(self, now: float) -> None:
        """Let go of entries that are good no longer; a bounded number of them."""

    @abstractmethod
    def clear(self) -> None:
        """Let every entry go."""

    @abstractmethod
    def after_fork(self) -> None:
        """Be usable in a forked child, where a thread that held a lock does not exist."""
