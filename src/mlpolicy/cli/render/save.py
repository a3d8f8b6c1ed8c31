"""Writing a report to a file, so that nobody ever reads half of one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def save(content: bytes, path: Path) -> None:
    """Put *content* in place of what is at *path*, at once.

    A device or pipe is written to; a link stays, and what it leads to is replaced.

    Raises:
        OSError: The file cannot be written; what was there is still there.
    """
    if path.parts[:2] == (os.sep, "dev") or (path.exists() and not path.is_file()):
        path.write_bytes(content)
        return
    place = Path(os.path.realpath(path))
    draft = place.with_name(f".mlpolicy-{os.getpid()}.draft")
    try:
        with draft.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if place.exists():
            shutil.copymode(place, draft)
        os.replace(draft, place)
    finally:
        draft.unlink(missing_ok=True)
