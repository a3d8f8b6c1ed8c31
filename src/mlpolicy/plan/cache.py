"""The plan cache: policy files that were read and checked once, for workers to load quickly.

It imports `marshal` and little else: `json` would cost a worker 8 ms, yaml and pydantic 100.
An entry holds while path, inode, size and time of every input are what they were, or its content,
and nothing was installed since: a package may carry policies, and mlpolicy profiles.
What reads it trusts it: it lies in a folder that only its owner can write, opened once and checked
by its descriptor, and bears a seal by a key of that folder.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Sequence

import mlpolicy
from mlpolicy.core.program import private_folder, read_private, write_private
from mlpolicy.core.program import stamps as stamps_of_homes

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mlpolicy.model.policy import Policy, RuleBlock
    from mlpolicy.plan.rulebook import Rulebook

VARIABLE = "MLPOLICY_CACHE_DIR"
LARGEST = 1 << 20
"""As many bytes of a file are looked at as a policy may have."""
_MARK, _KEY = 16, 32
"""Bytes of a digest, with which an entry begins, and of the key that it is made with."""


class Held:
    """What an entry holds: the top-level packages, and the files, packed.

    `kinds` are those of the rules; `inputs` are all files that were read, imported ones too;
    `variables` are those of the process that the files asked for.
    """

    def __init__(
        self,
        tops: frozenset[str],
        files: bytes,
        *,
        kinds: frozenset[str] = frozenset(),
        inputs: tuple[str, ...] = (),
        variables: Iterable[str] = (),
        mark: bytes = b"",
    ) -> None:
        self.tops, self.files, self.kinds = tops, files, kinds
        self.inputs, self.variables, self.mark = inputs, tuple(variables), mark


def read(paths: tuple[str, ...], environment: str = "") -> Held | None:
    """Return what was held for the policy at *paths*, or None where that is out of date."""
    try:
        homes = stamps_of_homes()
        path, name = _place(paths, environment, homes)
        folder = private_folder(path)
        try:
            key, content = _key_in(folder), read_private(folder, name)
        finally:
            os.close(folder)
        mark, body = content[:_MARK], content[_MARK:]
        if mark != _sealed(name, body, key):
            return None
        installed, stamps, inputs, names, values, tops, kinds, files = marshal.loads(body)  # nosec B302  # noqa: S302 (our own, owner-only, sealed)
        if installed != homes or values != _values(names, key) or not _holds(stamps, paths, inputs):
            return None
        return Held(frozenset(tops), files, kinds=frozenset(kinds), inputs=inputs, mark=mark)
    except (OSError, ValueError, EOFError, TypeError):
        return None


def write(
    paths: tuple[str, ...], held: Held, environment: str = "", *, before: tuple[Any, ...]
) -> bytes:
    """Hold *held* for the policy at *paths*; return the entry's mark, nothing where none is written.

    *before* are the stamps of *paths* when their reading began: where one of them is another by
    now, what was read may be older than what is there. What variables hold secrets has no entry.
    """
    try:
        homes = stamps_of_homes()
        path, name = _place(paths, environment, homes)
        folder = private_folder(path, make=True)
        try:
            if any(map(_is_secret, held.variables)):
                os.unlink(name, dir_fd=folder)  # (one of an mlpolicy that held them)
                return b""
            stamps, names = stamps_of(paths, held.inputs), held.variables
            if not before or stamps[: len(before)] != before:
                return b""
            key = _key_in(folder, make=True)
            named = (names, _values(names, key), tuple(held.tops), tuple(held.kinds))
            body = marshal.dumps((homes, stamps, held.inputs, *named, held.files))
            mark = _sealed(name, body, key)
            write_private(folder, name, mark + body)
        finally:
            os.close(folder)
    except (OSError, ValueError):
        return b""
    return mark


def _key_in(folder: int, *, make: bool = False) -> bytes:
    """Return the key that seals the entries of *folder*: others' are none, wherever they come from."""
    try:
        key = read_private(folder, "key")
    except FileNotFoundError:
        key = b""
    if len(key) != _KEY and make:
        write_private(folder, "key", os.urandom(_KEY))
        key = read_private(folder, "key")  # (another process may have been later)
    if len(key) != _KEY:
        raise ValueError("no key")
    return key


def _is_secret(name: str) -> bool:
    """Whether the variable *name* of this process holds what must not lie in a file."""
    from mlpolicy.core.report import is_secret, passwords_in

    return is_secret(name) or bool(passwords_in(os.environ.get(name, "")))


def stamps_of(paths: tuple[str, ...], inputs: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Return what tells whether any file of the policy is another than it was; none if one is gone."""
    try:
        return tuple((*_stamp(file), _content(file)) for file in _files(paths, inputs))
    except OSError:
        return ()


def _holds(stamps: tuple[Any, ...], paths: tuple[str, ...], inputs: tuple[str, ...]) -> bool:
    """Whether every file is what it was: by its stamp, else by its content."""
    files = _files(paths, inputs)
    return files == [path for path, *_ in stamps] and all(
        _stamp(path) == (path, *state) or _content(path) == content
        for path, *state, content in stamps
    )


def _stamp(path: str) -> tuple[str, int, int, int]:
    state = os.stat(path)
    if state.st_mode & 0o170000 != 0o100000:
        raise OSError(path)  # a pipe or a device: nobody waits for what it says
    return (path, state.st_ino, state.st_size, state.st_mtime_ns)


def _content(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        return _digest(file.read(LARGEST) or b"")


def _files(paths: tuple[str, ...], inputs: tuple[str, ...]) -> list[str]:
    """Return the files at *paths* as they are now, and those that were imported."""
    files: list[str] = []
    for path in map(os.path.abspath, paths):
        found = [] if os.path.isdir(path) else [path]
        for folder, folders, names in os.walk(path):
            folders[:] = (name for name in folders if name[0] != ".")
            mine = (name for name in names if name.endswith((".yaml", ".yml")) and name[0] != ".")
            found += (os.path.join(folder, name) for name in mine)
        files += sorted(found)
    return [*files, *inputs]


def _values(names: Iterable[str], key: bytes) -> bytes:
    """Return a digest of what variables of the process say; their text need not be kept."""
    return _digest(repr([os.environ.get(name) for name in names]).encode(), key)


def folder_of_entries() -> str:
    """Return the folder of the plan cache; ValueError where it is named by a relative path."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.environ.get(VARIABLE) or os.path.join(home, "mlpolicy")
    if not os.path.isabs(folder):
        raise ValueError(f"{folder} is a relative path")
    return folder


def _place(paths: tuple[str, ...], environment: str, homes: tuple[Any, ...]) -> tuple[str, str]:
    """Return folder and name of the entry for *paths*: another one for another mlpolicy or Python."""
    folder = folder_of_entries()
    # Places are held as they were written, so another spelling is another entry.
    absolute, folders = map(os.path.abspath, paths), [folder for folder, _ in homes]
    reader = (mlpolicy.__version__, sys.implementation.cache_tag or "none")
    key = "\0".join([*reader, environment, *paths, "", *absolute, "", *folders])
    return folder, f"{_digest(key.encode()).hex()}-{reader[1]}.plan"


def _digest(content: bytes, key: bytes = b"") -> bytes:
    from _blake2 import blake2b  # (what hashlib itself uses; hashlib costs 5 ms)

    digest: bytes = blake2b(content, digest_size=_MARK, key=key).digest()
    return digest


def _sealed(name: str, body: bytes, key: bytes) -> bytes:
    """Return the mark of an entry: nobody without the key makes it, for this name or another."""
    return _digest(name.encode() + body, key)


# --- what is held ---------------------------------------------------------------------


class PackedRules(Sequence["RuleBlock"]):
    """The rules of one policy, as bytes until somebody asks for them; none of them has a date.

    Most policies of a process name modules that it never imports.
    """

    __slots__ = ("_content", "_rules")
    dateless = True

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._rules: tuple[RuleBlock, ...] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Be packed as the bytes alone."""
        return PackedRules, (self._content,)

    def _unpacked(self) -> tuple[RuleBlock, ...]:
        if self._rules is None:
            self._rules = tuple(unpack(self._content))
        return self._rules

    def __getitem__(self, index: Any) -> Any:
        return self._unpacked()[index]

    def __len__(self) -> int:
        return len(self._unpacked())


def pack(rulebook: Rulebook) -> bytes:
    """Return the files of *rulebook*; rules of profiles are in the policies, no profiles beside them."""
    import pickle
    from dataclasses import replace

    policies: dict[str, list[Policy]] = {file.file: [] for file in rulebook.files}
    for policy in rulebook.policies:
        rules: Sequence[RuleBlock] = policy.rules
        if not any("expires" in rule.settings for rule in rules):
            rules = PackedRules(pickle.dumps(tuple(rules)))
        policies[policy.span.file].append(replace(policy, use=(), rules=rules))
    files = [(file, tuple(policies[file.file])) for file in rulebook.files]
    return pickle.dumps([replace(file, profiles=(), policies=of_it) for file, of_it in files])


def unpack(content: bytes) -> Any:
    """Return what was packed as *content*: files, or rules."""
    import pickle

    return pickle.loads(content)  # nosec B301  # noqa: S301 (the plan cache's, checked as a whole)
