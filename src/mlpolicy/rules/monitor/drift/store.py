"""Where the window stands: in this process, or in a file that all workers of a service add to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from mlpolicy.core.report import interrupts, say_once
from mlpolicy.rules.monitor.drift.detect import Batch, Standing, Tally

FOLDERS: Final = ("MLPOLICY_STATE_DIR", "PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")


@dataclass(slots=True)
class Window:
    """The window that is being filled, and how signals stand after those before it."""

    batch: Batch
    standings: dict[str, Standing] = field(default_factory=dict)
    windows: int = 0


class Store:
    """Holds the window in this process; `with` gives it to one thread."""

    is_shared = False

    def __init__(self, empty: Callable[[], Batch]) -> None:
        self._empty = empty
        self.window = Window(empty())

    def __enter__(self) -> Window:
        return self.window

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""


class SharedStore(Store):
    """Holds the window in a file, under a lock that dies with its process.

    A file that cannot be read or written is said once; the process counts for itself meanwhile.
    """

    is_shared = True

    def __init__(self, empty: Callable[[], Batch], path: Path) -> None:
        super().__init__(empty)
        self._path = path
        self._file: IO[str] | None = None
        self._before = (0, 0)

    def __enter__(self) -> Window:
        import fcntl

        try:
            self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
            fcntl.flock(self._file, fcntl.LOCK_EX)
            text = self._file.read()
            self.window = self._read(json.loads(text)) if text else Window(self._empty())
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._say(error)
        self._before = self._moment()
        return self.window

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the window, and let others have it."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            with file:
                if cls is None and self._moment() != self._before:
                    file.seek(0)
                    file.write(json.dumps(asdict(self.window)))
                    file.truncate()
        except OSError as failure:
            self._say(failure)

    def _moment(self) -> tuple[int, int]:
        return self.window.windows, self.window.batch.rows

    def _read(self, written: Any) -> Window:
        tallies = {name: Tally(**one) for name, one in written["batch"]["tallies"].items()}
        batch = Batch(tallies, written["batch"]["rows"], written["batch"]["since"])
        standings = {name: Standing(**one) for name, one in written["standings"].items()}
        return Window(batch, standings, written["windows"])

    def _say(self, error: Exception) -> None:
        if interrupts(error):
            raise error
        text = f"windows of drift cannot be shared in `{self._path}`: each worker counts for itself"
        say_once(f"drift:store:{self._path}", text, error=error)


def store_of(name: str, empty: Callable[[], Batch]) -> Store:
    """Return the store of that *name*: shared where the environment names a folder for that."""
    folder = next((os.environ[one] for one in FOLDERS if os.environ.get(one)), "")
    if not folder or not os.path.isdir(folder) or os.name != "posix":
        return Store(empty)
    return SharedStore(empty, Path(folder) / f"mlpolicy-drift-{name}.json")
