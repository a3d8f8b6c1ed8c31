"""A policy and its tests in a folder, read and run as `mlpolicy test` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pytest

from mlpolicy.source import SourceTree, roots
from mlpolicy.testing.runner import CaseResult, Prepared

POLICY = """
version: 1
vars: {ttl: 30s}
policies:
  shop.serve:predict:
    monitor: true
    cache: {ttl: "${vars.ttl}", max_entries: 10k}
    validate:
      args: {x: {type: int, range: [0, 9]}}
    memory: {act_at: 85%, reject_at: 92%, wait: 2s}
  shop.embed:encode:
    retry: {max_attempts: 3, initial_delay: 50ms, jitter: none, retry_on: [TimeoutError]}
environments:
  prod:
    vars: {ttl: 2m}
    policies:
      shop.embed:encode: {retry: {max_attempts: 5}}
"""
HEAD = """\
version: 1
policies: [policy.yaml]
stubs:
  shop.serve:predict: {signature: "(x, user=None)"}
  shop.embed:encode: {signature: "(text)"}
"""


@dataclass
class Bench:
    """A folder with a policy, and tests of it."""

    folder: Path
    allow_real: bool = False
    """Whether tests may call functions themselves."""

    def policy(self, text: str) -> None:
        self.folder.joinpath("policy.yaml").write_text(dedent(text).lstrip("\n"))

    def prepare(self, text: str) -> Prepared:
        """Read a whole file of tests."""
        path = Path("policy.test.yaml")
        path.write_text(text)
        tree = SourceTree(roots((str(self.folder),)))
        return Prepared(path, tree, allow_real=self.allow_real)

    def tests(self, text: str, *, head: str = HEAD) -> Prepared:
        """Read some tests, under the usual head."""
        return self.prepare(f"{head}tests:\n{indent(dedent(text).strip(chr(10)), '  ')}\n")

    def run(self, text: str, *, head: str = HEAD) -> list[CaseResult]:
        """Run some tests of which nothing is wrong."""
        prepared = self.tests(text, head=head)
        assert [str(one) for one in prepared.diagnostics] == []
        return [prepared.run(case) for case in prepared.cases]

    def differences(self, text: str, *, head: str = HEAD) -> list[tuple[str, str, str]]:
        """Return (field, expected, found) of everything in which tests differ."""
        results = self.run(text, head=head)
        return [(d.field, d.expected, d.found) for one in results for d in one.differences]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    made = Bench(tmp_path)
    made.policy(POLICY)
    return made
