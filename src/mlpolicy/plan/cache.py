"""The plan cache: policy files that were read and checked once, for workers to load quickly.

It imports `marshal` and little else: `json` would cost a worker 8 ms, yaml and pydantic 100.
An entry holds while path, inode, size and time of every input are what they were, or its content,
and nothing was installed since: a package may carry policies, and mlpolicy profiles.
It lies in a directory that only its owner can write, since what reads it trusts it.
"""

from __future__ import annotations

import marshal
import os
import sys

import mlpolicy
from mlpolicy.core.homes import stamps as stamps_of_homes

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from typing import Any

MAGIC = b"mlpolicy\x09"
VARIABLE = "MLPOLICY_CACHE_DIR"
_SUFFIXES = (".yaml", ".yml")


class Held:
    """What an entry holds: the top-level packages, and the files, packed.

    `kinds` are those of the rules; `inputs` are all files that were read, imported ones too;
    `variables` are those of the process that the files asked for, and what they said.
    """

    __slots__ = ("files", "inputs", "kinds", "mark", "tops", "variables")

    def __init__(
        self,
        tops: frozenset[str],
        files: bytes,
        *,
        kinds: frozenset[str] = frozenset(),
        inputs: tuple[str, ...] = (),
        variables: dict[str, str | None] | None = None,
        mark: bytes = b"",
    ) -> None:
        self.tops = tops
        self.files = files
        self.kinds = kinds
        self.inputs = inputs
        self.variables = variables or {}
        self.mark = mark


def read(paths: tuple[str, ...], environment: str = "") -> Held | None:
    """Return what was held for the policy at *paths*, or None where that is out of date."""
    try:
        homes = stamps_of_homes()
        place = _place(paths, environment, homes)
        if place is None or not (_is_ours(os.path.dirname(place)) and _is_ours(place)):
            return None
        with open(place, "rb") as file:
            content = file.read()
        head, body = content[: len(_head())], content[len(_head()) :]
        if head != _head() or body[:16] != _digest(body[16:]):
            return None
        installed, stamps, inputs, variables, tops, kinds, files = marshal.loads(body[16:])  # noqa: S302 (our own, owner-only, checked)
        current = all(_value_of(name) == digest for name, digest in variables)
        if not (installed == homes and current and _holds(stamps, paths, inputs)):
            return None
        named = {"kinds": frozenset(kinds), "inputs": inputs, "mark": body[:16]}
        return Held(frozenset(tops), files, **named)
    except (OSError, ValueError, EOFError, TypeError):
        return None


def stamps_of(paths: tuple[str, ...], inputs: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Return what tells whether any file of the policy is another than it was; none if one is gone."""
    try:
        return tuple((_stamp(file), _content(file)) for file in _every(paths, inputs))
    except OSError:
        return ()


def write(
    paths: tuple[str, ...], held: Held, environment: str = "", *, before: tuple[Any, ...]
) -> bytes:
    """Hold *held* for the policy at *paths*; return the entry's mark, nothing where none is written.

    *before* are the stamps of *paths* when their reading began: where one of them is another by
    now, what was read may be older than what is there.
    """
    try:
        homes = stamps_of_homes()
        place = _place(paths, environment, homes)
        if place is None:
            return b""
        folder = os.path.dirname(place)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        stamps = stamps_of(paths, held.inputs)
        if not (_is_ours(folder) and before and stamps[: len(before)] == before):
            return b""
        variables = tuple((name, _value_of(name)) for name in held.variables)
        named = (tuple(held.tops), tuple(held.kinds))
        body = marshal.dumps((homes, stamps, held.inputs, variables, *named, held.files))
        draft = f"{place}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_head() + _digest(body) + body)
        os.replace(draft, place)
    except (OSError, ValueError):
        return b""
    return _digest(body)


def _value_of(name: str) -> bytes | None:
    """Return a digest of what a variable of the process says; its text need not be kept."""
    value = os.environ.get(name)
    return None if value is None else _digest(value.encode(errors="surrogateescape"))


def _head() -> bytes:
    """Return what an entry begins with: another mlpolicy may read the same files otherwise."""
    parts = (mlpolicy.__version__, sys.implementation.cache_tag or "none")
    return MAGIC + "\0".join(parts).encode() + b"\0"


def _place(paths: tuple[str, ...], environment: str, homes: tuple[Any, ...]) -> str | None:
    """Return the file of the entry for *paths*; None where there is no home for it."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        folder = os.path.join(home, "mlpolicy")
    if not os.path.isabs(folder):
        return None
    # Places are held as they were written, so another spelling is another entry.
    absolute = (os.path.abspath(path) for path in paths)
    key = "\0".join([environment, *paths, "", *absolute, "", *(folder for folder, _ in homes)])
    return os.path.join(
        folder, f"{_digest(key.encode()).hex()}-{sys.implementation.cache_tag}.plan"
    )


def _digest(content: bytes) -> bytes:
    from _blake2 import blake2b  # (what hashlib itself uses; hashlib costs 5 ms)

    digest: bytes = blake2b(content, digest_size=16).digest()
    return digest


def _is_ours(path: str) -> bool:
    """Whether the folder or file at *path* belongs to us and nobody else may write it."""
    state = os.stat(path)
    return not hasattr(os, "getuid") or (state.st_uid == os.getuid() and not state.st_mode & 0o022)


def _every(paths: tuple[str, ...], inputs: tuple[str, ...]) -> list[str]:
    """Return the files at *paths* as they are now, and those that were imported."""
    return [*(file for path in paths for file in _files(path)), *inputs]


def _holds(stamps: tuple[Any, ...], paths: tuple[str, ...], inputs: tuple[str, ...]) -> bool:
    """Whether every file is what it was: by its stamp, else by its content."""
    files = _every(paths, inputs)
    return len(files) == len(stamps) and all(
        _stamp(file) == stamp or (file == stamp[0] and _content(file) == digest)
        for file, (stamp, digest) in zip(files, stamps, strict=True)
    )


def _stamp(path: str) -> tuple[str, int, int, int]:
    state = os.stat(path)
    return (path, state.st_ino, state.st_size, state.st_mtime_ns)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return _digest(file.read())


def _files(path: str) -> list[str]:
    path = os.path.abspath(path)
    if not os.path.isdir(path):
        return [path]
    found: list[str] = []
    for folder, folders, names in os.walk(path):
        folders[:] = (name for name in folders if name[0] != ".")
        mine = (name for name in names if name.endswith(_SUFFIXES) and name[0] != ".")
        found += (os.path.join(folder, name) for name in mine)
    return sorted(found)
