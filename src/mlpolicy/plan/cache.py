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
from collections.abc import Iterator, Sequence

import mlpolicy
from mlpolicy.core.installed import stamps as stamps_of_homes

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from typing import Any

    from mlpolicy.model.policy import Policy, PolicyFile, RuleBlock
    from mlpolicy.plan.rulebook import Rulebook

MAGIC = b"mlpolicy\x0a"
VARIABLE = "MLPOLICY_CACHE_DIR"
_SUFFIXES = (".yaml", ".yml")


class Held:
    """What an entry holds: the top-level packages, and the files, packed.

    `kinds` are those of the rules; `inputs` are all files that were read, imported ones too;
    `variables` are those of the process that the files asked for, and what they said.
    """

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
        self.tops, self.files, self.kinds = tops, files, kinds
        self.inputs, self.variables, self.mark = inputs, variables or {}, mark


def read(paths: tuple[str, ...], environment: str = "") -> Held | None:
    """Return what was held for the policy at *paths*, or None where that is out of date."""
    try:
        homes, head = stamps_of_homes(), _head()
        place = _place(paths, environment, homes)
        if place is None or not (_is_ours(os.path.dirname(place)) and _is_ours(place)):
            return None
        with open(place, "rb") as file:
            content = file.read()
        mark, body = content[len(head) :][:16], content[len(head) + 16 :]
        if content[: len(head)] != head or mark != _digest(body):
            return None
        installed, stamps, inputs, variables, tops, kinds, files = marshal.loads(body)  # noqa: S302 (our own, owner-only, checked)
        current = all(_value_of(name) == digest for name, digest in variables)
        if not (installed == homes and current and _holds(stamps, _files(paths, inputs))):
            return None
        return Held(frozenset(tops), files, kinds=frozenset(kinds), inputs=inputs, mark=mark)
    except (OSError, ValueError, EOFError, TypeError):
        return None


def stamps_of(paths: tuple[str, ...], inputs: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Return what tells whether any file of the policy is another than it was; none if one is gone."""
    try:
        return tuple((_stamp(file), _content(file)) for file in _files(paths, inputs))
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
    name = f"{_digest(key.encode()).hex()}-{sys.implementation.cache_tag}.plan"
    return os.path.join(folder, name)


def _digest(content: bytes) -> bytes:
    from _blake2 import blake2b  # (what hashlib itself uses; hashlib costs 5 ms)

    digest: bytes = blake2b(content, digest_size=16).digest()
    return digest


def _is_ours(path: str) -> bool:
    """Whether the folder or file at *path* belongs to us and nobody else may write it."""
    state = os.stat(path)
    return not hasattr(os, "getuid") or (state.st_uid == os.getuid() and not state.st_mode & 0o022)


def _holds(stamps: tuple[Any, ...], files: list[str]) -> bool:
    """Whether every file is what it was: by its stamp, else by its content."""
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


def _files(paths: tuple[str, ...], inputs: tuple[str, ...]) -> list[str]:
    """Return the files at *paths* as they are now, and those that were imported."""
    files: list[str] = []
    for path in map(os.path.abspath, paths):
        found = [] if os.path.isdir(path) else [path]
        for folder, folders, names in os.walk(path):
            folders[:] = (name for name in folders if name[0] != ".")
            mine = (name for name in names if name.endswith(_SUFFIXES) and name[0] != ".")
            found += (os.path.join(folder, name) for name in mine)
        files += sorted(found)
    return [*files, *inputs]


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
            import pickle

            self._rules = tuple(pickle.loads(self._content))  # noqa: S301 (the plan cache's, checked as a whole)
        return self._rules

    def __getitem__(self, index: Any) -> Any:
        return self._unpacked()[index]

    def __len__(self) -> int:
        return len(self._unpacked())

    def __iter__(self) -> Iterator[RuleBlock]:
        return iter(self._unpacked())


def pack(rulebook: Rulebook) -> bytes:
    """Return the files of *rulebook*; rules of profiles are in the policies, no profiles beside them."""
    import pickle
    from dataclasses import replace

    policies: dict[str, list[Policy]] = {}
    for policy in rulebook.policies:
        rules: Sequence[RuleBlock] = policy.rules
        if not any("expires" in rule.settings for rule in rules):
            rules = Packed(pickle.dumps(tuple(rules)))
        policies.setdefault(policy.span.file, []).append(replace(policy, use=(), rules=rules))
    return pickle.dumps(
        [
            replace(file, profiles=(), policies=tuple(policies.get(file.file, ())))
            for file in rulebook.files
        ]
    )


def unpack(content: bytes) -> list[PolicyFile]:
    """Return the files that were packed as *content*."""
    import pickle

    files: list[PolicyFile] = pickle.loads(content)  # noqa: S301 (the plan cache's, checked as a whole)
    return files
