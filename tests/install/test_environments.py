"""Environments and variables at run time, and what the plan cache must notice of them."""

from __future__ import annotations

import pytest

import mlpolicy

CALLS = []


def work(x):
    CALLS.append(x)
    return len(CALLS)


POLICY = f"""
version: 1
imports: [./common.yaml]
policies:
  {__name__}:work:
    use: [kept]
    cache: {{ttl: 1h, max_entries: "${{env:WORK_ENTRIES:-10}}"}}
environments:
  prod:
    policies:
      {__name__}:work: {{cache: {{ttl: 2h}}}}
  staging:
    policies:
      {__name__}:work: {{cache: null, monitor: {{log: false}}}}
"""
COMMON = "version: 1\nprofiles:\n  kept: {cache: {ttl_jitter: 5%}}\n"


@pytest.fixture
def policy(tmp_path, monkeypatch):
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "common.yaml").write_text(COMMON)
    yield folder
    mlpolicy.uninstall()


def cached(policy, **more):
    mlpolicy.install(policy=policy / "policy.yaml", **more)
    rule = mlpolicy.plan(f"{__name__}:work").rule("cache")
    if rule is None:
        return None
    return str(rule.rule.ttl), rule.rule.max_entries, str(rule.rule.ttl_jitter)


@pytest.mark.parametrize("again", range(2))
def test_each_environment_has_its_plan(policy, monkeypatch, again):
    """The argument beats the variable; both times, read and from the cache, the same."""
    for _ in range(2):
        assert cached(policy) == ("1h", 10, "5%")
        assert cached(policy, env="prod") == ("2h", 10, "5%")
        assert cached(policy, env="staging") is None
        with pytest.raises(mlpolicy.PolicyError, match="did you mean `staging`"):
            cached(policy, env="stagin")
    monkeypatch.setenv("MLPOLICY_ENV", "prod")
    assert cached(policy) == ("2h", 10, "5%")
    assert cached(policy, env="") == ("1h", 10, "5%")


def test_a_variable_that_changes_is_noticed(policy, monkeypatch):
    assert cached(policy) == ("1h", 10, "5%")
    monkeypatch.setenv("WORK_ENTRIES", "7")
    assert cached(policy) == ("1h", 7, "5%")
    monkeypatch.delenv("WORK_ENTRIES")
    assert cached(policy) == ("1h", 10, "5%")


def test_an_imported_file_that_changes_is_noticed(policy):
    assert cached(policy) == ("1h", 10, "5%")
    (policy / "common.yaml").write_text(COMMON.replace("5%", "50%"))
    assert cached(policy) == ("1h", 10, "50%")


def test_an_imported_file_that_is_gone_is_noticed(policy):
    assert cached(policy) == ("1h", 10, "5%")
    (policy / "common.yaml").unlink()
    with pytest.raises(mlpolicy.PolicyError, match="MP120"):
        cached(policy)


def test_an_unknown_environment_may_be_the_base(policy, caplog):
    """One file says so for all; the name is in the log."""
    (policy / "common.yaml").write_text(COMMON + "settings: {on_unknown_environment: base}\n")

    assert cached(policy, env="another") == ("1h", 10, "5%")

    assert "no file names an environment `another`" in caplog.text


def test_a_service_that_knows_no_environment_starts_in_any(policy):
    (policy / "policy.yaml").write_text(POLICY.partition("\nenvironments:")[0])

    assert cached(policy, env="prod") == ("1h", 10, "5%")


def test_a_refused_environment_leaves_the_policy_in_force(policy):
    assert cached(policy, env="prod") == ("2h", 10, "5%")

    with pytest.raises(mlpolicy.PolicyError, match="no file names an environment `live`"):
        mlpolicy.install(policy=policy, env="live")

    assert str(mlpolicy.plan(f"{__name__}:work").rule("cache").rule.ttl) == "2h"
