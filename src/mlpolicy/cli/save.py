"""Writing a file so that nobody ever reads half of one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mlpolicy.cli import exits


def save(content: bytes, path: Path) -> None:
    """Put *content* in place of what is at *path*, at once; end the command where that fails.

    A device or pipe is written to; a link stays, and what it leads to is replaced.
    """
    try:
        if path.parts[:2] == (os.sep, "dev") or (path.exists() and not path.is_file()):
            path.write_bytes(content)
        else:
            _replace(content, Path(os.path.realpath(path)))
    except OSError as error:
        exits.stop(f"`{path}` cannot be written: {error.strerror or error}")


def _replace(content: bytes, path: Path) -> None:
    draft = path.with_name(f".mlpolicy-{os.getpid()}.draft")
    try:
        with draft.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            shutil.copymode(path, draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
