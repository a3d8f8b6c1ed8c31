"""Source written for one test, and what policies are found to be wrong against it."""

from __future__ import annotations

import textwrap

import pytest

from mlpolicy.lint.targets import of_source
from mlpolicy.source import SourceTree
from policies import loaded


@pytest.fixture
def findings(tmp_path, monkeypatch):
    """Write source files, and return the findings of a policy against them and nothing else."""
    monkeypatch.chdir(tmp_path)

    def find(policy, within=(tmp_path,), **files):
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        found = loaded(policy)
        assert not [one for one in found.errors if one.severity == "error"], found.errors
        return of_source(found.rulebook, SourceTree(list(within)))

    return find


@pytest.fixture
def codes(findings):
    """The codes of those findings."""
    return lambda policy, **files: [one.code for one in findings(policy, **files)]


@pytest.fixture
def on(codes):
    """The codes of one rule on the function `f` of a module."""

    def find(rule, source):
        return codes(f"policies:\n  'shop:f': {{{rule}}}\n", shop=source)

    return find
