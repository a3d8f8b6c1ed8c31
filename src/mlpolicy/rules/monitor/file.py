"""Events as lines of JSON in a file that all workers of a service share, rotated by size."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from mlpolicy.core.report import say_once
from mlpolicy.rules.monitor.event import as_line
from mlpolicy.rules.monitor.lanes import Sink, dropping
from mlpolicy.rules.monitor.rule import EventFileBlock

_FLAGS: Final = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


class FileSink(Sink):
    """Appends events, several in one write; whoever finds the file full begins the next."""

    together: int = 100

    def __init__(self, settings: EventFileBlock) -> None:
        self._path = os.path.abspath(settings.path)
        self._largest = int(settings.max_size)
        self._keep = settings.keep
        self._file = -1
        self._state: Any = None
        """What tells whether it is that file yet."""
        self._torn = False
        """Whether the last write ended within a line."""

    def write(self, event: Mapping[str, Any]) -> None:
        """Append one event."""
        self.write_all([event])

    def write_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Append *events*; those for which there is no room, or no file, are lost and counted."""
        rest = "".join(f"{as_line(event)}\n" for event in events).encode()
        try:
            while rest:
                rest = self._append(rest)
            if os.fstat(self._file).st_size >= self._largest:
                with suppress(FileNotFoundError):  # (another process is quicker)
                    self._rotate()
        except OSError as error:
            for _ in range(rest.count(b"\n")):
                dropping("file", "failed").add()
            say_once(f"sink:file:{self._path}", f"{self._path} cannot be written", error=error)

    def finish(self) -> None:
        """Have what was written on the disk."""
        if self._holds():
            os.fsync(self._file)

    def _append(self, lines: bytes) -> bytes:
        """Write *lines*, and return those that are not in the file as a whole."""
        self._open_anew()
        begun = b"\n" if self._torn else b""
        written = os.write(self._file, begun + lines) - len(begun)
        self._torn = written > 0 and lines[written - 1 : written] != b"\n"
        if not os.fstat(self._file).st_nlink:  # it was removed meanwhile
            return lines
        return lines[lines.rfind(b"\n", 0, max(written, 0)) + 1 :]

    def _open_anew(self) -> None:
        """Open the file unless what is open is the one at the path: others rotate it too."""
        if self._holds():
            if self._is(os.lstat, self._path):
                return
            os.close(self._file)
        self._file, self._torn = self._opened(_FLAGS), False
        self._state = os.fstat(self._file)

    def _holds(self) -> bool:
        """Whether it is open yet: a process that becomes a daemon closes what it finds."""
        return self._state is not None and self._is(os.fstat, self._file)

    def _is(self, look: Callable[[Any], os.stat_result], at: str | int) -> bool:
        try:
            return os.path.samestat(look(at), self._state)
        except OSError:
            return False

    def _opened(self, flags: int) -> int:
        """Return a descriptor of the file, which is one of ours: nobody chooses where we write."""
        descriptor = os.open(self._path, flags, 0o600)
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_uid not in (0, os.geteuid()):
            os.close(descriptor)
            raise PermissionError(f"{self._path} is not a file of ours")
        return descriptor

    def _rotate(self) -> None:
        """Begin a new file, unless another process is about to, or has."""
        import fcntl

        # (its own descriptor: a lock is shared by all that came of one by forking)
        descriptor = self._opened(_FLAGS & ~os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            state = os.fstat(descriptor)
            if state.st_size < self._largest or not os.path.samestat(os.lstat(self._path), state):
                return
            numbers = range(1, self._keep + 1)
            free = (at for at in numbers if not os.path.lexists(f"{self._path}.{at}"))
            for at in range(next(free, self._keep), 1, -1):
                os.replace(f"{self._path}.{at - 1}", f"{self._path}.{at}")
            if self._keep:
                os.replace(self._path, f"{self._path}.1")
            else:
                os.unlink(self._path)
        except BlockingIOError:
            return
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
