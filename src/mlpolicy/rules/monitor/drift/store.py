"""Where the window stands: in this process, or in a file that all workers of a service add to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from mlpolicy.core.report import interrupts, say_once
from mlpolicy.rules.monitor.drift.detect import Batch, BinTally, Standing

FOLDERS: Final = ("MLPOLICY_STATE_DIR", "PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")


@dataclass(slots=True)
class Window:
    """The window that is being filled, and how signals stand after those before it."""

    batch: Batch
    standings: dict[str, Standing] = field(default_factory=dict)
    windows: int = 0
    rows: int = 0
    """How many windows were judged, and the calls in them."""


class Store:
    """Holds the window in this process; `with` gives it to one thread."""

    is_shared = False

    def __init__(self, empty: Callable[[], Batch]) -> None:
        self._empty = empty
        self.begin()

    def begin(self) -> None:
        """Begin, or begin anew in a forked child."""
        self.window = Window(self._empty())

    def __enter__(self) -> Window:
        return self.window

    def __exit__(self, *_: object) -> None:
        """Give it back."""


class SharedStore(Store):
    """Holds the window in a file, under a lock that no child inherits and that dies with its process.

    A file that cannot be read or written is said once; the process counts for itself meanwhile.
    """

    is_shared = True
    _file = -1

    def __init__(self, empty: Callable[[], Batch], path: Path) -> None:
        super().__init__(empty)
        self._path = path
        self._text = ""

    def begin(self) -> None:
        """Let go of what the parent had open."""
        super().begin()
        self._close()

    def __enter__(self) -> Window:
        import fcntl

        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            self._text = os.pread(self._file, os.fstat(self._file).st_size, 0).decode()
            self.window = _read(json.loads(self._text)) if self._text else Window(self._empty())
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._say(error)
        return self.window

    def __exit__(self, *raised: object) -> None:
        """Write the window, and let others have it."""
        try:
            text = json.dumps(asdict(self.window))
            if not any(raised) and self._file >= 0 and text != self._text:
                os.truncate(self._file, os.pwrite(self._file, text.encode(), 0))
        except OSError as failure:
            self._say(failure)
        finally:
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _say(self, error: Exception) -> None:
        if interrupts(error):
            raise error
        text = f"windows of drift cannot be shared in `{self._path}`: each worker counts for itself"
        say_once(f"drift:store:{self._path}", text, error=error)


def _read(written: Any) -> Window:
    tallies = {name: BinTally(**one) for name, one in written["batch"].pop("tallies").items()}
    standings = {name: Standing(**one) for name, one in written.pop("standings").items()}
    return Window(Batch(tallies, **written.pop("batch")), standings, **written)


def store_of(name: str, empty: Callable[[], Batch]) -> Store:
    """Return the store of that *name*: shared where the environment names a folder for that."""
    folder = next((os.environ[one] for one in FOLDERS if os.environ.get(one)), "")
    if not folder or not os.path.isdir(folder) or os.name != "posix":
        return Store(empty)
    return SharedStore(empty, Path(folder) / f"mlpolicy-drift-{name}.json")
