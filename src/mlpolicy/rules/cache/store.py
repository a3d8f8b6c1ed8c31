"""Entries in the memory of the process, bounded by SIEVE.

A hit reads `entries` and sets one bit on what it finds, with no lock and no call; all else goes
through the methods, from any thread.
The entries form a ring, oldest first, that begins and ends with a root; to evict, a hand goes from old to new, clears the bit
of what was used since it came by, and takes the first that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from math import inf
from typing import Any

from mlpolicy.core.threads import Lock, Table

_MOST_SWEPT = 256
"""Entries that are let go at one visit: a call pays no more for those of others."""


class Entries(Table[Any, "CacheEntry"]):
    """Key to entry; a driver reads it by its bound `get`."""


class CacheEntry:
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
        """Whether it was used since the hand last looked: anything true."""
        self.size = 0
        self.older: Any = None
        self.newer: Any = None

    def given(self) -> object:
        """Return what a caller gets."""
        return self.value if self.copied is None else self.copied(self.value)


class NearStore:
    """A bounded number of entries, of a bounded size; those go first that were not used.

    Args:
        max_entries: How many entries there may be; None for any number.
        max_bytes: How large they may be together, by their `size`; None for any size.
        linger: Seconds that an entry is of use after it expired.
        evicted: Is called for each entry that went to make room.
        expired: Is called for each entry that went because it was good no longer.
    """

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
        self._lock = Lock()
        self._root = CacheEntry(None, None, born=0.0, expires=inf)
        self._whole = False
        """Whether ring and table agree; not while a thread changes them, nor after it was
        stopped in the middle by an exception of a signal handler, or by a fork."""
        self._begin()
        self._whole = True

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[CacheEntry]:
        """Yield the entries of this moment, those that are to go first, first."""
        return iter(list(self.entries.values()))

    def put(self, entry: CacheEntry, *, now: float) -> bool:
        """Keep *entry*, and let go what it displaces; say whether it could be kept at all."""
        if self.max_bytes is not None and entry.size > self.max_bytes:
            self.remove(entry.key)
            return False
        if self._lock.held():
            return False
        dropped: list[CacheEntry] = []  # freed when the lock is not held: a finalizer may call us
        with self._lock:
            self._begin()
            self._sweep(now, dropped)
            present = self.entries.get(entry.key)
            if present is not None:
                self._unlink(present, dropped)
            while self.entries and self._is_full(entry.size):
                self._evict(dropped)
                self._count_evicted()
            self._append(entry)
            self._whole = True
        return True

    def remove(self, key: Hashable) -> None:
        """Let the entry of *key* go, if there is one."""
        if key not in self.entries or self._lock.held():
            return
        dropped: list[CacheEntry] = []
        with self._lock:
            self._begin()
            entry = self.entries.get(key)
            if entry is not None:
                self._unlink(entry, dropped)
            self._whole = True

    def sweep(self, now: float) -> None:
        """Let go of old entries that are good no longer; a bounded number of them."""
        if self._lock.held():
            return
        dropped: list[CacheEntry] = []
        with self._lock:
            self._begin()
            self._sweep(now, dropped)
            self._whole = True

    def clear(self) -> None:
        """Let every entry go."""
        if self._lock.held():
            return
        with self._lock:
            self._whole = False
            dropped = list(self.entries.values())
            self.entries.clear()
            self._begin()
            self._whole = True
        for entry in dropped:  # a ring of neighbours would wait for the garbage collector
            entry.older = entry.newer = None

    def _begin(self) -> None:
        """Begin a change; where one was not ended, make the ring anew from the table first."""
        if not self._whole:
            root = self._root
            self._hand = root.older = root.newer = root
            self.bytes = 0
            for entry in list(self.entries.values()):  # (oldest first, as the ring is)
                self._append(entry)
        self._whole = False

    def _append(self, entry: CacheEntry) -> None:
        newest = self._root.older
        entry.older, entry.newer = newest, self._root
        newest.newer = self._root.older = entry
        self.bytes += entry.size
        self.entries[entry.key] = entry

    def _unlink(self, entry: CacheEntry, dropped: list[CacheEntry]) -> None:
        del self.entries[entry.key]
        older, newer = entry.older, entry.newer
        if self._hand is entry:
            self._hand = newer
        older.newer, newer.older = newer, older
        entry.older = entry.newer = None
        self.bytes -= entry.size
        dropped.append(entry)

    def _is_full(self, size: int) -> bool:
        """Whether an entry of *size* bytes has no room."""
        many = self.max_entries is not None and len(self.entries) >= self.max_entries
        return many or (self.max_bytes is not None and self.bytes + size > self.max_bytes)

    def _evict(self, dropped: list[CacheEntry]) -> None:
        entry = self._root.newer if self._hand is self._root else self._hand
        self._root.visited = True  # (so that the hand passes it)
        # Hits set bits while the hand clears them: after one round it takes what it meets.
        for _ in range(len(self.entries) + 1):
            if not entry.visited:
                break
            entry.visited = False
            entry = entry.newer
        self._hand = entry.newer
        self._unlink(entry, dropped)

    def _sweep(self, now: float, dropped: list[CacheEntry]) -> None:
        """Drop expired entries from the old end, where nearly all of them are."""
        for _ in range(_MOST_SWEPT):
            entry = self._root.newer
            if entry.expires + self._linger > now:  # (the root never expires)
                return
            self._unlink(entry, dropped)
            self._count_expired()
