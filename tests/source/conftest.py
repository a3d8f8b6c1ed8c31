"""Packages written for one test, and what their source says of them."""

from __future__ import annotations

import textwrap

import pytest

from mlpolicy.core.target import Target
from mlpolicy.source import Defined, SourceTree


class Written:
    """A folder of source files; never on the path of this process."""

    def __init__(self, folder):
        self.folder = folder
        self.source = SourceTree([folder])

    def __call__(self, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return self

    def look_up(self, target):
        return self.source.look_up(Target.parse(target))

    def defined(self, target):
        found = self.look_up(target)
        assert isinstance(found, Defined), found
        return found

    def names(self, target):
        """The names of the target's parameters, None where they are not known."""
        found = self.defined(target).parameters
        return None if found is None else [one.name for one in found]


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes files below the working folder; a source looks for modules there and nowhere else."""
    monkeypatch.chdir(tmp_path)
    return Written(tmp_path)
