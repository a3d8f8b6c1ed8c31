"""A store from which the oldest entry goes first, used or not."""

import threading
from collections.abc import Hashable
from itertools import islice
from typing import Any, ClassVar

from mlpolicy.plugin import Entry, Store


class FifoStore(Store):
    """Keeps entries in the order in which they came."""

    api: ClassVar[int | None] = 1

    def __init__(
        self, max_entries: int | None, max_bytes: int | None = None, **others: Any
    ) -> None:
        super().__init__(max_entries, max_bytes, **others)
        self._lock = threading.Lock()
        self._bytes = 0

    def put(self, entry: Entry, *, now: float) -> bool:
        """Keep *entry*; the oldest make room."""
        if self.max_bytes is not None and entry.size > self.max_bytes:
            self.remove(entry.key)
            return False
        with self._lock:
            self._drop(entry.key)
            while self.entries and self._over(entry.size):
                self._drop(next(iter(self.entries)))
                self._count_evicted()
            self.entries[entry.key] = entry
            self._bytes += entry.size
        return True

    def remove(self, key: Hashable) -> None:
        """Let the entry of *key* go."""
        with self._lock:
            self._drop(key)

    def sweep(self, now: float) -> None:
        """Let the oldest entries go that are good no longer."""
        with self._lock:
            for key, entry in list(islice(self.entries.items(), 1024)):
                if entry.expires + self._linger > now:
                    break
                self._drop(key)
                self._count_expired()

    def clear(self) -> None:
        """Let every entry go."""
        with self._lock:
            self.entries.clear()
            self._bytes = 0

    def after_fork(self) -> None:
        """Take a new lock: a thread that held the old one does not exist here."""
        self._lock = threading.Lock()

    def _over(self, size: int) -> bool:
        many = self.max_entries is not None and len(self.entries) >= self.max_entries
        return many or (self.max_bytes is not None and self._bytes + size > self.max_bytes)

    def _drop(self, key: Hashable) -> None:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
