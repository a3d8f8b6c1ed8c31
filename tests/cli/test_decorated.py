"""Functions with decorators of ours on the command line: targets like others."""

from __future__ import annotations

import pytest

SERVICE = """
    import mlpolicy

    class Down(Exception):
        pass

    @mlpolicy.retry(max_attempts=5, retry_on=Down, final=True)
    def fixed(x):
        return x

    @mlpolicy.retry(max_attempts=5, initial_delay=0.1)
    @mlpolicy.cache_result(ttl=30, key=lambda x: x)
    def predict(x):
        return x

    def bare(x):
        return x
"""
POLICY = """
    version: 1
    policies:
      serve:predict: {retry: {max_attempts: 2}, monitor: {}}
      serve:fixed: {retry: {max_attempts: 2}, monitor: {}}
"""


@pytest.fixture
def service(project):
    project.write(serve=SERVICE, policy=POLICY)
    return project


def rows(ended):
    return [line.split() for line in ended.out.splitlines()]


def test_decorators_are_explained_without_any_policy(service):
    """The module is imported, in an interpreter of its own, for what its source shows to have."""
    ended = service.run("explain", "serve:predict")

    assert ended.code == 0
    assert ["max_attempts", "5", f"{service.folder}/serve.py:10:1", "code"] in rows(ended)
    assert ["key", "serve:<lambda>", f"{service.folder}/serve.py:11:1", "code"] in rows(ended)


def test_a_policy_over_decorators_is_explained(service):
    ended = service.run("explain", "serve:predict", "--policy", "policy.yaml")
    source = service.run("explain", "serve:predict", "--policy", "policy.yaml", "--source")
    content = service.run(
        "explain", "serve:predict", "--policy", "policy.yaml", "--format", "json"
    ).content

    assert ["max_attempts", "2", "policy.yaml:3:41", "policies.serve:predict"] in rows(ended)
    assert "def predict(x):" in source.out and "twin(x)" in source.out
    [retry] = [one for one in content["rules"] if one["kind"] == "retry"]
    assert retry["values"]["initial_delay"]["layer"] == "code"
    assert retry["values"]["max_attempts"]["beats"][0]["value"] == "5"
    assert content["policies"] == ["serve:predict", "code"]


def test_list_shows_the_functions_of_a_module(service):
    alone = service.run("list", "--module", "serve")
    under = service.run("list", "--module", "serve", "--policy", "policy.yaml", "--format", "json")

    assert [row[:3] for row in rows(alone)[1:]] == [
        ["serve:fixed", "retry", "enforce"],
        ["serve:predict", "cache,", "retry"],
    ]
    assert [one["rules"] for one in under.content["targets"]] == [
        ["monitor", "retry"],
        ["monitor", "cache", "retry"],
    ]


def test_apply_says_which_policy_a_decorator_keeps_from_taking_effect(service):
    """A finding at the field of the policy; the decorator's value stays."""
    ended = service.run("apply", "--module", "serve", "--policy", "policy.yaml")

    assert ended.code == 1
    assert "error[MP402] `retry.max_attempts` has no effect: the decorator in the code" in ended.out
    assert "--> policy.yaml:4:" in ended.out


def test_a_module_that_cannot_be_imported_is_told(project):
    project.write(serve="import mlpolicy\n@mlpolicy.monitor\ndef f(): ...\nraise OSError('no')\n")

    explained = project.run("explain", "serve:f")
    listed = project.run("list", "--module", "serve")

    assert explained.code == listed.code == 3
    assert "OSError: no" in explained.err and "OSError: no" in listed.err


def test_a_mistake_in_a_decorator_is_told_by_apply(project):
    """In our words, at its line."""
    project.write(
        serve="import mlpolicy\n\n@mlpolicy.retry(max_atempts=3)\ndef f(): ...\n",
        policy="version: 1\npolicies: {serve:f: {monitor: {}}}\n",
    )

    ended = project.run("apply", "--module", "serve", "--policy", "policy.yaml")

    assert ended.code == 3
    assert "serve.py:3:1: error[MP005] unknown argument `max_atempts`" in ended.err


def test_list_with_a_module_is_about_targets(service):
    ended = service.run("list", "policies", "--module", "serve", "--policy", "policy.yaml")

    assert ended.code == 2
    assert "--module goes with targets" in ended.err
