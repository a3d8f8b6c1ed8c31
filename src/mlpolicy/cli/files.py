"""Which policy files a command is about, and how it writes a file."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlpolicy.cli import exits
from mlpolicy.plan.gather import TESTS, policy_files

VARIABLE = "MLPOLICY_POLICY"
FOLDER = "policies"
PROJECT = "pyproject.toml"


def paths(given: Sequence[str]) -> tuple[Path, ...]:
    """Return the paths to read: those given, else the environment's, the project's, `policies/`.

    Files of tests are left out: a shell gives them with the policies for `policies/*.yaml`.
    Ends the command with code 2 where a path does not exist, and with 5 where there is none.
    """
    named, by = ([Path(name) for name in given], "") if given else _usual()
    for path in named:
        if not os.path.exists(path):
            exits.stop(f"`{shown(path)}`{by} does not exist")
    policies = tuple(path for path in named if path.is_dir() or not path.name.endswith(TESTS))
    if not any(policy_files(path) for path in policies):
        where = ", ".join(f"`{path}`" for path in named) or f"`{FOLDER}/`"
        exits.stop(f"no policy file in {where}", exits.NOTHING_TO_DO)
    return policies


def any_policy() -> bool:
    """Whether a policy is found where none is named."""
    return any(os.path.exists(path) and policy_files(path) for path in _usual()[0])


def shown(path: Path) -> Path:
    """Return *path* as people would write it: relative where it is below here."""
    below = path.is_absolute() and path.resolve().is_relative_to(Path.cwd())
    return path.resolve().relative_to(Path.cwd()) if below else path


def _usual() -> tuple[list[Path], str]:
    """Return the paths where a command names none, and what named them."""
    named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    if named:
        return named, f", which {VARIABLE} names,"
    here = Path.cwd()
    projects = (folder / PROJECT for folder in (here, *here.parents))
    file = next(filter(Path.is_file, projects), None)
    of_project = _of_project(file) if file else []
    if file and of_project:
        return [file.parent / path for path in of_project], f", which `{shown(file)}` names,"
    return [path for path in (Path(FOLDER),) if path.is_dir()], ""


def _of_project(file: Path) -> list[str]:
    """Return the paths that the section [tool.mlpolicy] of a pyproject.toml names."""
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError) as error:
        exits.stop(f"`{shown(file)}` cannot be read: {error}")
    table = tool.get("mlpolicy", {}) if isinstance(tool, dict) else {}
    listed: Any = table.get("policy", []) if isinstance(table, dict) else None
    is_right = isinstance(listed, list) and all(isinstance(path, str) for path in listed)
    if not is_right or not table.keys() <= {"policy"}:
        exits.stop(f'`{shown(file)}`: [tool.mlpolicy] takes a list alone: policy = ["policies"]')
    named: list[str] = listed
    return named


def save(content: bytes, path: Path) -> None:
    """Put *content* in place of what is at *path*, at once; end the command where that fails.

    Nobody ever reads half of it. A device or pipe is written to; a link stays, and what it leads
    to is replaced.
    """
    try:
        if path.parts[:2] == (os.sep, "dev") or (path.exists() and not path.is_file()):
            path.write_bytes(content)
            return
        real = Path(os.path.realpath(path))
        draft = real.with_name(f".mlpolicy-{os.getpid()}.draft")
        try:
            with draft.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            if real.exists():
                shutil.copymode(real, draft)
            os.replace(draft, real)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        exits.stop(f"`{path}` cannot be written: {error.strerror or error}")
