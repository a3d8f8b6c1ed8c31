"""Which files of a folder are policies."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

SUFFIXES = (".yaml", ".yml")
TESTS = (".test.yaml", ".test.yml")
NOT_POLICIES = "examples"


def policy_files(path: Path) -> list[Path]:
    """Return the policy files at *path*: itself, or those of a directory.

    A folder `examples` is no policy, and neither are policy tests, nor what has a name that
    begins with a dot: editors, notebooks, git and volumes of Kubernetes keep their own things so.
    What cannot be read is among them, and so is a folder that cannot be searched: a policy must
    not be missed in silence. Links to folders are followed, each folder once.
    """
    if not os.path.isdir(path):
        return [path]
    closed: list[OSError] = []
    found: list[Path] = []
    seen = {str(one) for one in real(path).parents}
    for folder, folders, names in os.walk(path, onerror=closed.append, followlinks=True):
        place = os.path.realpath(folder)
        if place in seen:  # links may go in a circle
            folders.clear()
            continue
        seen.add(place)
        folders[:] = (one for one in folders if one != NOT_POLICIES and one[0] != ".")
        found += (Path(folder, one) for one in names if _is_policy(one))
    found += (Path(one.filename) for one in closed if not vanished(one.filename))
    return sorted(found)


def _is_policy(name: str) -> bool:
    return name[0] != "." and name.endswith(SUFFIXES) and not name.endswith(TESTS)


def vanished(path: Path | str) -> bool:
    """Whether what was listed at *path* is there no longer.

    A volume of Kubernetes takes the link to a file away just after the file itself.
    """
    try:
        return os.readlink(path).startswith("..data/") and not os.path.exists(path)
    except FileNotFoundError:
        return True
    except OSError:  # it is there, and no link
        return False


def once(paths: Iterable[Path]) -> list[Path]:
    """Return *paths* without those that are the same file by another name."""
    return list({real(path): path for path in reversed(list(paths))}.values())[::-1]


def real(path: Path) -> Path:
    """Return what *path* leads to; where links go in a circle, as far as that can be told."""
    return Path(os.path.realpath(path))
