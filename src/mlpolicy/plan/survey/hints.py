"""Where else a module may be that was not found."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from os.path import isfile
from pathlib import Path

_MOST = 200
_SKIPPED = frozenset({"node_modules", "build", "dist", "site-packages", "__pycache__"})


def where_to_look(name: str, roots: Collection[Path]) -> str:
    """Return which `--src` would find the top-level module *name*; mostly nothing."""
    asked = {_real(one) for one in roots}
    for folder in _candidates():
        if _has(folder, name) and _real(folder) not in asked:
            return f"it is in `{folder.as_posix()}`: add `--src {folder.as_posix()}`"
    return ""


def _candidates() -> Iterator[Path]:
    """Yield the folders where projects keep their packages, the likeliest first."""
    yield Path("src")
    outer = list(_folders(Path()))
    for folder in outer:
        yield from (folder, folder / "src")
    for folder in outer:
        for inner in _folders(folder):
            yield from (inner, inner / "src")


def _folders(within: Path) -> Iterator[Path]:
    try:
        found = (one for one in sorted(within.iterdir()) if one.is_dir())
        wanted = (one for one in found if one.name not in _SKIPPED and one.name[0] not in "._")
        yield from islice(wanted, _MOST)
    except OSError:
        return


def _has(folder: Path, name: str) -> bool:
    return isfile(folder / name / "__init__.py") or isfile(folder / f"{name}.py")


def _real(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError):
        return folder
