"""What a process does to know a policy that was read before."""

from __future__ import annotations

import pytest

import mlpolicy
from mlpolicy.core.target import Target
from mlpolicy.install.bootstrap import InForce
from mlpolicy.model import read as reader
from mlpolicy.plan import cache
from mlpolicy.plan.load import load

POLICY = """
version: 1
policies:
  m:f: {retry: 3, cache: {ttl: 1s}}
  other:g: {use: [usual]}
profiles:
  usual: {monitor: {}}
"""


def awaken(paths, held):
    return InForce(paths, held, "").read()


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
    assert all(isinstance(one, cache.PackedRules) for one in rules.values())
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
    assert not isinstance(rules, cache.PackedRules)


def test_another_mlpolicy_reads_anew(paths, monkeypatch):
    """It may read the same files otherwise, and ships other profiles."""
    awaken(paths, None)
    assert cache.read(paths) is not None
    monkeypatch.setattr(mlpolicy, "__version__", "99")
    assert cache.read(paths) is None


def test_a_profile_of_mlpolicy_is_an_input_where_it_is_used(paths, tmp_path, monkeypatch):
    """As it is while somebody works on it."""
    copies = tmp_path / "profiles"
    copies.mkdir()
    for name in ("openai", "httpx"):
        (copies / f"{name}.yaml").write_bytes(reader.profile_path(name).read_bytes())
    monkeypatch.setattr(reader, "profile_path", lambda name: copies / f"{name}.yaml")
    policy = POLICY.replace("{monitor: {}}", "{extends: [openai]}")
    (tmp_path / "policy.yaml").write_text(policy)
    awaken(paths, None)
    assert cache.read(paths).inputs[1:] == (str(copies / "openai.yaml"),)
    (copies / "httpx.yaml").write_text("version: 1\n")
    assert cache.read(paths) is not None
    (copies / "openai.yaml").write_text("version: 1\n")
    assert cache.read(paths) is None


def test_what_changed_while_it_was_read_is_not_kept(paths, monkeypatch):
    """Its stamps would be those of the new file, with the rules of the old."""

    def late(given, terms):
        loaded = load(given, terms)
        given[0].write_text(POLICY.replace("retry: 3", "retry: 4"))
        return loaded

    monkeypatch.setattr("mlpolicy.plan.load.load", late)
    awaken(paths, None)
    assert cache.read(paths) is None


def test_what_is_gone_while_it_is_read_is_not_kept(paths, monkeypatch):
    monkeypatch.setattr("mlpolicy.plan.load.load", lambda *_: load([]))
    awaken((*paths, f"{paths[0]}.gone"), None)
    assert cache.read((*paths, f"{paths[0]}.gone")) is None
