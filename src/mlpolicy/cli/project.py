"""The project that a first policy is written into: how it is installed, and where its CI looks."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from mlpolicy.core.frozen import frozen


@frozen()
class Project:
    """A folder with code, and what its files say of it."""

    folder: Path

    @property
    def repository(self) -> Path:
        """The root of the git repository that the folder is in; the folder itself where it is in none."""
        here = self.folder.resolve()
        return next((one for one in (here, *here.parents) if (one / ".git").exists()), here)

    @property
    def within(self) -> str:
        """The folder as its repository names it: `.`, or `services/reco`."""
        return self.folder.resolve().relative_to(self.repository).as_posix()

    @property
    def needs(self) -> str:
        """What `pip install` takes for the code to be imported."""
        packaged = (self.folder / "setup.py").exists() or {"project", "build-system"} & set(
            self._pyproject
        )
        listed = (self.folder / "requirements.txt").exists()
        parts = (" ." if packaged else "", " -r requirements.txt" if listed else "")
        return "".join(parts)

    def packaging_hint(self, module: str) -> str:
        """Return what keeps setuptools from taking `policies/` for a package; nothing if none is needed.

        Beside another package it refuses to guess, and beside a single module it takes the folder
        alone.
        """
        backend = str(self._pyproject.get("build-system", {}).get("build-backend", "setuptools"))
        told = self._pyproject.get("tool", {}).get("setuptools", {}).keys()
        other = any((self.folder / name).exists() for name in ("setup.py", "setup.cfg", "src"))
        guesses = "project" in self._pyproject and backend.startswith("setuptools")
        if not guesses or other or {"packages", "py-modules"} & set(told):
            return ""
        top = module.partition(".")[0]
        if (self.folder / f"{top}.py").exists():
            return f'[tool.setuptools]\npy-modules = ["{top}"]'
        return f'[tool.setuptools.packages.find]\ninclude = ["{top}*"]'

    @property
    def _pyproject(self) -> dict[str, Any]:
        try:
            return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
