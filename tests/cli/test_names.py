"""One function has one plan, and every command says the same of it, and of one that is gone."""

from __future__ import annotations

import json

import pytest

IMPL = """
    def score(x): return x
    class Session:
        def request(self, x): return x
        send = request
"""
OWN = "svc.impl:Session.request"
POLICY = """
    version: 1
    policies:
      svc:Session.request: {retry: {max_attempts: 4}}
      svc.impl:Session.send: {monitor: true}
      svc.impl:score: {monitor: true}
"""


@pytest.fixture
def service(project):
    project.write(svc__impl=IMPL, policy=POLICY)
    (project.folder / "svc/__init__.py").write_text("from svc.impl import Session\n")
    return project


@pytest.mark.parametrize("name", [OWN, "svc:Session.request", "svc.impl:Session.send"])
def test_every_name_explains_the_one_plan(service, name):
    """By where the function is defined; the other names are said to be that."""
    ended = service.run("explain", name, "--policy", "policy.yaml", "--format", "json")
    text = service.run("explain", name, "--policy", "policy.yaml").out

    assert (ended.code, ended.content["target"]) == (0, OWN)
    assert [rule["kind"] for rule in ended.content["rules"]] == ["monitor", "retry"]
    assert (f"`{name}` is another name of it" in text) == (name != OWN)


@pytest.mark.parametrize("command", ["list", "compile", "apply --module svc"])
def test_it_is_one_target(service, command):
    """With the rules of all policies."""
    ended = service.run(*command.split(), "--policy", "policy.yaml", "--format", "json")
    found = {one["target"]: one["rules"] for one in json.loads(ended.out)["targets"]}

    assert set(found) == {OWN, "svc.impl:score"}
    kinds = [one if isinstance(one, str) else one["kind"] for one in found[OWN]]
    assert kinds == ["monitor", "retry"]


def test_what_two_names_contradict_each_other_in_is_found(service):
    """They rank alike: which module hands a function out makes none the closer one."""
    policy = POLICY.replace("send: {monitor: true}", "send: {retry: {max_attempts: 5}}")
    service.write(policy=policy)
    for command in ("validate", "apply --module svc --check"):
        ended = service.run(*command.split(), "--policy", "policy.yaml")
        assert ended.code == 1
        assert "error[MP401] two policies of equal rank set `retry.max_attempts`" in ended.out


def test_a_finding_about_one_name_sees_what_the_other_has(service):
    """A monitor under one name sees the effect of rules under another."""
    assert "MP906" not in service.run("validate", "policy.yaml").out


def test_a_change_is_one_of_the_function(service):
    """Whatever name each side uses."""
    service.write(policy2=POLICY.replace("svc:Session.request", OWN))
    ended = service.run("diff", "policy.yaml", "policy2.yaml", "--exit-code")

    assert (ended.code, ended.out) == (0, "Nothing changes.\n")


# --- a function that was renamed ------------------------------------------------------

COMMANDS = {
    "validate": "validate policy.yaml",
    "list": "list --policy policy.yaml",
    "explain": "explain svc.impl:score --policy policy.yaml",
    "diff": "diff policy.yaml policy.yaml",
    "doctor": "doctor --policy policy.yaml",
    "compile": "compile policy.yaml",
    "apply": "apply --policy policy.yaml --module svc --check",
}


@pytest.mark.parametrize(
    ("command", "gone", "settings"),
    [
        *((command, "function", "error") for command in COMMANDS),
        *((command, "module", "error") for command in ("list", "explain", "apply")),
        *((command, "function", "warn") for command in ("list", "validate", "apply")),
    ],
)
def test_a_function_that_is_gone_is_gone_for_every_command(service, command, gone, settings):
    """One question, one answer; where the settings only warn, no command fails of it but a proof."""
    if gone == "function":
        service.write(svc__impl=IMPL.replace("score", "rate"))
    policy = POLICY
    if gone == "module":
        policy = policy.replace("svc.impl:score", "svc.implied:score")
    if settings == "warn":
        policy = policy.replace("policies:", "settings: {on_missing_target: warn}\n    policies:")
    service.write(policy=policy)
    arguments = COMMANDS[command].replace(
        "svc.impl:score", "svc.implied:score" if gone == "module" else "svc.impl:score"
    )
    if command == "apply" and gone == "module":
        arguments = arguments.replace("--module svc", "--all")

    ended = service.run(*arguments.split())

    fails = settings == "error" or command == "apply"
    assert (ended.code != 0) == fails, ended.out + ended.err
    if command != "doctor":
        told = "svc.implied" if gone == "module" else "has no function `score`"
        assert told in ended.out + ended.err
    if command == "list":
        [row] = [line for line in ended.out.splitlines() if ":score" in line]
        assert row.split()[2] == "missing"


def test_a_function_that_a_pattern_would_take_is_gone_too(service):
    """Its rules are shown, and that nobody is under them."""
    service.write(policy='version: 1\npolicies:\n  all: {match: "svc.impl:*", monitor: true}\n')

    ended = service.run("explain", "svc.impl:scored", "--policy", "policy.yaml")

    assert (ended.code, "did you mean `svc.impl:score`?" in ended.err) == (1, True)
