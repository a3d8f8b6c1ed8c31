"""The cgroups of this process, from its own up to the root: version 1, version 2, or both."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mlpolicy.rules.memory.probes import Bound, Kept

VARIABLE = "MLPOLICY_CGROUP_ROOT"
_ROOT = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
"""Version 1 says "no limit" as the largest number of whole pages, which differs by page size."""


class Version(NamedTuple):
    """How one version of cgroups names its files."""

    limits: tuple[str, ...]
    usage: str
    inactive: bytes
    active: bytes


# Above `memory.high` the kernel slows the process down until nothing moves: a limit, too.
V2 = Version(("memory.max", "memory.high"), "memory.current", b"inactive_file", b"active_file")
V1 = Version(
    ("memory.limit_in_bytes",),
    "memory.usage_in_bytes",
    b"total_inactive_file",
    b"total_active_file",
)
_ABOVE = b"hierarchical_memory_limit"
"""In version 1 the tightest limit up the tree, even where a container does not show the tree."""


def root(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where cgroups are mounted."""
    return Path(environ.get(VARIABLE) or _ROOT)


def bounds(root: Path, proc: Path, measure: str) -> Iterator[Bound]:
    """Yield each cgroup with a limit, the process's own first."""
    found = _own(root, proc)
    if found is None:
        return
    version, mount, own = found
    for directory in (own, *own.parents):
        yield from _bounds(version, directory, measure, own=directory == own)
        if directory == mount:
            return


def _own(root: Path, proc: Path) -> tuple[Version, Path, Path] | None:
    """Return the version that controls memory, its mount, and the process's directory in it."""
    lines = _memberships(proc)
    # A hybrid mount has both; the version whose line names the controller is in charge.
    for controllers, path in lines:
        mounts = (root / "memory", root / controllers)
        mount = next(filter(Path.is_dir, mounts), None)
        if mount is not None and "memory" in controllers.split(","):
            return V1, mount, _within(mount, path)
    for controllers, path in lines:
        mount = next(filter(Path.is_dir, (root / "unified", root)), None)
        if mount is not None and not controllers:
            return V2, mount, _within(mount, path)
    return None


def _memberships(proc: Path) -> list[tuple[str, PurePosixPath]]:
    """Return (controllers, path) of each line of `/proc/self/cgroup`; version 2 names none."""
    try:
        text = (proc / "cgroup").read_text(errors="surrogateescape")
    except OSError:
        return []
    lines = [line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2]
    return [(controllers, PurePosixPath(path)) for _, controllers, path in lines]


def _within(mount: Path, path: PurePosixPath) -> Path:
    """Return the directory of *path*.

    In a container the path may be that on the machine while the mount shows the container's
    part alone: leading names are dropped until the rest is there.
    """
    parts = path.relative_to("/").parts if path.is_absolute() else path.parts
    if ".." in parts:  # of a process that was put outside of its cgroup namespace
        return mount
    for start in range(len(parts)):
        directory = mount.joinpath(*parts[start:])
        if directory.is_dir():
            return directory
    return mount


def _bounds(version: Version, directory: Path, measure: str, *, own: bool) -> Iterator[Bound]:
    limits = [_limit(directory / name) for name in version.limits]
    try:
        usage, stat = Kept(directory / version.usage), Kept(directory / "memory.stat")
    except OSError:
        return  # the root, or a cgroup without the controller: it has neither limit nor usage
    if own and version is V1:
        limits.append(_number(stat.read(), _ABOVE))
    limit = min((limit for limit in limits if limit is not None), default=_UNLIMITED)
    if limit < _UNLIMITED:
        used = _used(usage, stat, version, measure)
        yield Bound(max(limit, 1), used, f"cgroup {directory}")


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
        return None if text == "max" else int(text)
    except (OSError, ValueError):
        return None


def _used(usage: Kept, stat: Kept, version: Version, measure: str) -> Callable[[], int]:
    """Return what reads the usage less the cached files, which the kernel drops when in need."""
    names = [version.inactive] if measure == "workingset" else [version.inactive, version.active]

    def used() -> int:
        text = stat.read()
        cached = sum(_number(text, name) or 0 for name in names)
        return max(int(usage.read()) - cached, 0)

    return used


def _number(text: bytes, name: bytes) -> int | None:
    """Return the number on the line of *name*; found, not split: a sample must cost little."""
    at = (b"\n" + text).find(b"\n" + name + b" ")
    if at < 0:
        return None
    start = at + len(name) + 1
    end = text.find(b"\n", start)
    return int(text[start:] if end < 0 else text[start:end])
