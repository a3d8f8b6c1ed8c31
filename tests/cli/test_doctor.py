"""`mlpolicy doctor`, `mlpolicy list`."""

from __future__ import annotations

import pytest

SERVICE = """
    def predict(x):
        return x

    power = pow
"""
POLICY = """
    version: 1
    policies:
      serve:predict:
        owner: team
        expires: 2099-12-31
        retry: 3
      watched: {match: "serve:*", monitor: true}
      old: {match: "serve:pow*", retry: 2, expires: 2020-01-31}
"""


@pytest.fixture
def service(project):
    project.write(serve=SERVICE, policies__a=POLICY)
    return project


def checks(ended):
    return {one["check"]: one for one in ended.content["checks"]}


# --- doctor ---------------------------------------------------------------------------


def test_all_is_well(service):
    service.write(policies__a=POLICY.replace("2020", "2099"))
    ended = service.run("doctor", "--module", "serve", "--format", "json")

    found = checks(ended)
    assert ended.code == 0, ended.out
    assert found["interpreter"]["state"] == found["libyaml"]["state"] == "ok"
    assert found["serve:predict"]["found"] == "applied, inner"
    assert " of " in found["memory"]["found"]


def test_each_thing_that_is_amiss_has_a_remedy(service):
    """A policy with errors, metrics of several workers, a switch that was forgotten."""
    ended = service.run(
        "doctor",
        "--format",
        "json",
        WEB_CONCURRENCY="4",
        MLPOLICY_DISABLE="retry",
        MLPOLICY_CACHE_DIR=str(service.folder / "serve.py" / "plans"),
    )

    found = checks(ended)
    assert ended.code == 1
    assert {name: one["state"] for name, one in found.items() if one["state"] != "ok"} == {
        "policy": "fail",
        "metrics": "warn",
        "kill switch": "warn",
        "plan cache": "warn",
    }
    assert "MP905" in found["metrics"]["found"]
    assert all(one["remedy"] for one in found.values() if one["state"] in ("warn", "fail"))


def test_a_limit_above_the_machine(service):
    service.write(
        policies__a="version: 1\npolicies:\n  serve:predict: {memory: {limit: 900000GiB}}\n"
    )

    ended = service.run("doctor", "--format", "json")

    assert (ended.code, "MP802" in checks(ended)["serve:predict"]["found"]) == (1, True)


def test_a_target_that_is_missing(service):
    service.write(policies__a="version: 1\npolicies:\n  serve:gone: {retry: 3}\n")

    ended = service.run("doctor", "--module", "serve")

    assert (ended.code, "missing" in ended.out, "correct the target" in ended.out) == (
        1,
        True,
        True,
    )


def test_without_a_policy_the_machine_is_looked_at(project):
    assert project.run("doctor").code == 0


# --- list -----------------------------------------------------------------------------


def test_what_expires_comes_in_order(service):
    rows = service.run("list", "expiring", "--format", "json").content["expiring"]

    assert [(one["policy"], one["expires"]) for one in rows] == [
        ("old", "2020-01-31"),
        ("serve:predict", "2099-12-31"),
    ]
    assert rows[0]["left"] == "expired"


def test_targets_are_those_of_patterns_too(service):
    rows = service.run("list", "targets", "--format", "json").content["targets"]

    assert [one["target"] for one in rows] == ["serve:predict"]
    assert rows[0]["rules"] == ["monitor", "retry"]


def test_what_cannot_be_read_is_no_silent_gap_in_a_list(service):
    """What is there is listed, and that it is not all is said."""
    service.write(policies__a="version: 1\npolicies:\n  serve:predict: {rety: 3}\n")

    ended = service.run("list", "policies", "--format", "json")

    assert (ended.code, len(ended.content["policies"])) == (1, 1)
    assert "1 error in these files" in ended.err


def test_profiles_have_users(service):
    service.write(
        policies__a="version: 1\nprofiles:\n  a: {retry: 3}\n  b: {extends: [a]}\n"
        "policies:\n  serve:predict: {use: [b]}\n"
    )

    rows = service.run("list", "profiles", "--format", "json").content["profiles"]

    assert [(one["profile"], one["extends"], one["used by"]) for one in rows] == [
        ("a", [], []),
        ("b", ["a"], ["serve:predict"]),
    ]


@pytest.mark.parametrize(("max_bytes", "told"), [("900000GiB", True), ("1kB", False)])
def test_a_cache_above_the_machine(service, max_bytes, told):
    """Where `limit` is left to the machine, only the machine tells what there is."""
    rules = f"{{memory: true, cache: {{ttl: 30s, max_bytes: {max_bytes}}}}}"
    service.write(policies__a=f"version: 1\npolicies:\n  serve:predict: {rules}\n")

    found = checks(service.run("doctor", "--format", "json"))

    assert ("MP708" in str(found.get("serve:predict"))) is told


def test_a_switch_that_names_nothing_is_found(service):
    """In an emergency, one letter must not leave everything on in silence."""
    ended = service.run("doctor", "--format", "json", MLPOLICY_DISABLE="retyr")

    assert checks(ended)["kill switch"]["state"] == "fail"
    assert checks(ended)["kill switch"]["remedy"] == "did you mean `retry`?"
