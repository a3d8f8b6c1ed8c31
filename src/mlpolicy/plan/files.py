"""Which files of a folder are policies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

SUFFIXES = (".yaml", ".yml")
TESTS = (".test.yaml", ".test.yml")
NOT_POLICIES = "examples"


def policy_files(path: Path) -> list[Path]:
    """Return the policy files at *path*: itself, or those of a directory.

    A folder `examples` is no policy, and neither are policy tests.
    """
    if not path.is_dir():
        return [path]
    found = (one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file())
    return sorted(
        one
        for one in found
        if not one.name.endswith(TESTS) and NOT_POLICIES not in one.relative_to(path).parts[:-1]
    )


def once(paths: Iterable[Path]) -> list[Path]:
    """Return *paths* without those that are the same file by another name."""
    return list({path.resolve(): path for path in reversed(list(paths))}.values())[::-1]
