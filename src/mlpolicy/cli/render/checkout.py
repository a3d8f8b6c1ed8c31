"""What a file is called in the repository: hosts of code know no other name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

_ROOTS: Final = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def checkout(environ: Mapping[str, str] = os.environ) -> str:
    """Return the folder of the checkout: the one the CI names, if this is in it, else this one."""
    here = os.path.realpath(os.getcwd())
    for name in _ROOTS:
        root = os.path.realpath(environ[name]) if environ.get(name) else ""
        if root and _below(here, root):
            return root
    return here


def in_checkout(file: str, root: str) -> str:
    """Return *file* below *root* with slashes; as an absolute path where it is elsewhere."""
    path = os.path.abspath(file)
    folder = os.path.realpath(os.path.dirname(path))
    path = os.path.join(folder, os.path.basename(path))
    return (os.path.relpath(path, root) if _below(path, root) else path).replace(os.sep, "/")


def _below(path: str, root: str) -> bool:
    try:
        return os.path.commonpath([path, root]) == root
    except ValueError:  # other drives
        return False
