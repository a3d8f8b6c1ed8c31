"""What a process does to know a policy that was read before."""

from __future__ import annotations

import pytest

from mlpolicy.core.target import Target
from mlpolicy.install.awaken import awaken
from mlpolicy.plan import cache
from mlpolicy.plan.packed import Packed

POLICY = """
version: 1
policies:
  m:f: {retry: 3, cache: {ttl: 1s}}
  other:g: {use: [usual]}
profiles:
  usual: {monitor: {}}
"""


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "plans"))
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return (str(file),)


def test_rules_stay_packed_until_somebody_asks_for_them(paths):
    awaken(paths, None)
    held = cache.read(paths)
    assert held is not None
    rulebook = awaken(paths, held).rulebook
    rules = {policy.name: policy.rules for policy in rulebook.policies}
    assert all(isinstance(one, Packed) for one in rules.values())
    assert [one._rules for one in rules.values()] == [None, None]
    plan = rulebook.plan(Target("m", "f"))
    assert [one.kind for one in plan.rules] == ["cache", "retry"]
    assert rules["other:g"]._rules is None


def test_an_entry_knows_the_kinds_of_its_rules(paths):
    awaken(paths, None)
    assert cache.read(paths).kinds == {"retry", "cache", "monitor"}


def test_a_kind_that_is_gone_is_read_anew(paths):
    awaken(paths, None)
    held = cache.read(paths)
    held.kinds = frozenset({"gone"})
    rules = awaken(paths, held).rulebook.policies[0].rules
    assert not isinstance(rules, Packed)
