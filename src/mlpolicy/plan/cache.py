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
from collections.abc import Sequence

import mlpolicy
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
_MARK = 16
"""Bytes of a digest; an entry begins with that of the rest."""


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
        place = _place(paths, environment, homes)
        if not (_is_ours(os.path.dirname(place)) and _is_ours(place)):
            return None
        with open(place, "rb") as file:
            content = file.read()
        mark, body = content[:_MARK], content[_MARK:]
        if mark != _digest(body):
            return None
        installed, stamps, inputs, names, values, tops, kinds, files = marshal.loads(body)  # noqa: S302 (our own, owner-only, checked)
        if installed != homes or values != _values(names) or not _holds(stamps, paths, inputs):
            return None
        return Held(frozenset(tops), files, kinds=frozenset(kinds), inputs=inputs, mark=mark)
    except (OSError, ValueError, EOFError, TypeError):
        return None


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
        folder = os.path.dirname(place)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        stamps, names = stamps_of(paths, held.inputs), held.variables
        if not (_is_ours(folder) and before and stamps[: len(before)] == before):
            return b""
        named = (names, _values(names), tuple(held.tops), tuple(held.kinds))
        body = marshal.dumps((homes, stamps, held.inputs, *named, held.files))
        mark, draft = _digest(body), f"{place}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(mark + body)
        os.replace(draft, place)
    except (OSError, ValueError):
        return b""
    return mark


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


def _values(names: Iterable[str]) -> bytes:
    """Return a digest of what variables of the process say; their text need not be kept."""
    return _digest(repr([os.environ.get(name) for name in names]).encode())


def _place(paths: tuple[str, ...], environment: str, homes: tuple[Any, ...]) -> str:
    """Return the file of the entry for *paths*: another one for another mlpolicy or Python."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.environ.get(VARIABLE) or os.path.join(home, "mlpolicy")
    if not os.path.isabs(folder):
        raise ValueError(folder)
    # Places are held as they were written, so another spelling is another entry.
    absolute, folders = map(os.path.abspath, paths), [folder for folder, _ in homes]
    reader = (mlpolicy.__version__, sys.implementation.cache_tag or "none")
    key = "\0".join([*reader, environment, *paths, "", *absolute, "", *folders])
    return os.path.join(folder, f"{_digest(key.encode()).hex()}-{reader[1]}.plan")


def _digest(content: bytes) -> bytes:
    from _blake2 import blake2b  # (what hashlib itself uses; hashlib costs 5 ms)

    digest: bytes = blake2b(content, digest_size=_MARK).digest()
    return digest


def _is_ours(path: str) -> bool:
    """Whether the folder or file at *path* belongs to us and nobody else may write it."""
    state = os.stat(path)
    return not hasattr(os, "getuid") or (state.st_uid == os.getuid() and not state.st_mode & 0o022)


# --- what is held ---------------------------------------------------------------------


class Packed(Sequence["RuleBlock"]):
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
        return Packed, (self._content,)

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
            rules = Packed(pickle.dumps(tuple(rules)))
        policies[policy.span.file].append(replace(policy, use=(), rules=rules))
    files = [(file, tuple(policies[file.file])) for file in rulebook.files]
    return pickle.dumps([replace(file, profiles=(), policies=of_it) for file, of_it in files])


def unpack(content: bytes) -> Any:
    """Return what was packed as *content*: files, or rules."""
    import pickle

    return pickle.loads(content)  # noqa: S301 (the plan cache's, checked as a whole)
