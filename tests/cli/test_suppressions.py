"""Suppressions against guardrails: what keeps a service from starting is hidden by nobody."""

from __future__ import annotations

import pytest

import mlpolicy

SERVICE = """
    def predict(x, user=None):
        return x

    def popular():
        return 1
"""
GUARD = """
    version: 1
    settings: {allow_call: ["acme.safe:*"], require: [owner]}
    policies:
      guard: {match: "serve:pre*", final: true, owner: platform, retry: {max_attempts: 3}}
"""
TEAMS = {
    "MP010": 'memory: {reject_at: 80%, relieve: [{call: "serve:popular"}]}, owner: me',
    "MP402": "retry: {max_attempts: 9}, owner: me",
    "MP505": "memory: {reject_at: 80%}",
    "MP502": "owner: me, expires: 2020-01-01, monitor: {}",
}
"""A policy that breaks a guardrail, by the finding that says so."""
COMMENT = "# mlpolicy: ignore[{code}] we know better"
IGNORED = "settings: {{lint: {{ignore: {{{code}: we know better}}}}}}"


def team(code, *, comment="", settings="", environment=""):
    policy = f"  'serve:predict': {{{TEAMS[code]}}}  {comment.format(code=code)}\n"
    body = f"policies:\n{policy}"
    if environment:
        body = f"environments:\n  {environment}:\n    policies:\n    {policy}"
    return f"version: 1\n{settings.format(code=code)}\n{body}"


@pytest.fixture
def service(project, monkeypatch):
    monkeypatch.syspath_prepend(str(project.folder))
    project.write(serve=SERVICE, policies__guard=GUARD)
    yield project
    mlpolicy.uninstall()


def codes(ended):
    return sorted(one["code"] for one in ended.content["diagnostics"])


WAYS = {"comment": {"comment": COMMENT}, "settings": {"settings": IGNORED}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", TEAMS)
def test_no_suppression_hides_the_error_of_a_policy(service, code, way):
    """It is shown beside the note that the suppression is in vain."""
    service.write(policies__team=team(code, **WAYS[way]))

    ended = service.run("validate", "--format", "json")

    assert ended.code == 1
    assert codes(ended) == sorted([code, "MP092"])
    [vain] = [one for one in ended.content["diagnostics"] if one["code"] == "MP092"]
    assert vain["file"] == "policies/team.yaml"
    assert vain["message"].startswith(f"{code} is found, and shown all the same")


COMMANDS = {
    "apply": ["--module", "serve"],
    "apply --check": ["--all"],
    "run": ["-m", "serve"],
    "run --require-all": ["-m", "serve"],
    "compile": [],
    "diff": ["policies", "policies"],
    "list": [],
    "explain": ["serve:predict"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("code", ["MP010", "MP402", "MP505"])
def test_every_command_refuses_what_a_team_suppresses(service, code, command):
    service.write(policies__team=team(code, comment=COMMENT, settings=IGNORED))

    assert service.run(*command.split(), *COMMANDS[command]).code == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", ["MP010", "MP402", "MP505"])
def test_a_service_does_not_start_with_a_suppressed_error(service, code, way):
    """Twice: nothing of it is held in the plan cache."""
    service.write(policies__team=team(code, **WAYS[way]))

    for _ in range(2):
        with pytest.raises(mlpolicy.PolicyError, match=code):
            mlpolicy.install(policy="policies")
    assert not list((service.folder / ".plans").glob("*.plan"))


@pytest.mark.parametrize("code", ["MP010", "MP402", "MP505"])
def test_an_environment_hides_nothing(service, code):
    """Neither does what is suppressed without an environment reach into it."""
    text = team(code, comment=COMMENT, settings=IGNORED, environment="prod")
    service.write(policies__team=text)

    ended = service.run("validate", "--format", "json")

    assert (ended.code, code in codes(ended)) == (1, True)
    with pytest.raises(mlpolicy.PolicyError, match=code):
        mlpolicy.install(policy="policies", env="prod")


def test_the_file_of_the_guardrail_hides_no_error_either(service):
    """What `validate` passes starts: nowhere is an error hidden that a service refuses."""
    service.write(policies__guard=GUARD.replace("{allow", "{lint: {ignore: {MP402: so}}, allow"))
    service.write(policies__team=team("MP402"))

    ended = service.run("validate", "--format", "json")

    assert (ended.code, codes(ended)) == (1, ["MP092", "MP402"])


def test_policies_that_contradict_each_other_in_the_code_are_an_error_all_the_same(service):
    """Two patterns that meet are seen in the source alone; the team hides none of it."""
    policy = "mine: {match: 'serve:*ct', retry: 9, owner: me}"
    text = f"version: 1\npolicies:\n  {policy}  {COMMENT.format(code='MP402')}\n"
    service.write(policies__team=text)

    ended = service.run("validate", "--format", "json")

    assert (ended.code, codes(ended)) == (1, ["MP092", "MP402"])


@pytest.mark.parametrize("mark", ["comment", "settings"])
def test_what_is_not_there_yet_may_be_suppressed_in_its_own_file(service, mark):
    """By `validate`; what proves or starts the service tells it all the same."""
    note = COMMENT.format(code="MP301") if mark == "comment" else ""
    settings = IGNORED.format(code="MP301") if mark == "settings" else ""
    policy = (
        f"version: 1\n{settings}\npolicies:\n  'serve:later': {{retry: 3, owner: me}}  {note}\n"
    )
    service.write(policies__team=policy)

    checked = service.run("validate", "--fail-on", "info")
    proved = service.run("apply", "--all", "--check", "--format", "json")
    started = service.run("run", "--require-all", "-m", "serve")

    assert (checked.code, proved.code, started.code) == (0, 1, 1)
    assert codes(proved) == ["MP092", "MP301"]
    assert "MP301" in started.out


def test_the_settings_of_one_file_hide_no_error_of_another(service):
    """Nor does the note about it stay away."""
    service.write(
        policies__team="version: 1\npolicies: {'serve:later': {retry: 3, owner: me}}\n",
        policies__other=f"version: 1\n{IGNORED.format(code='MP301')}\n",
    )

    ended = service.run("validate", "--format", "json")

    assert (ended.code, codes(ended)) == (1, ["MP092", "MP301"])
    [vain] = [one for one in ended.content["diagnostics"] if one["code"] == "MP092"]
    assert "an error in `policies/team.yaml` is suppressed there alone" in vain["message"]


def test_warnings_are_suppressed_as_ever(service):
    """Of other files, too."""
    service.write(
        policies__team="version: 1\npolicies: {'serve:popular': {retry: 20, owner: me}}\n",
        policies__other=f"version: 1\n{IGNORED.format(code='MP609')}\n",
    )

    assert service.run("validate", "--fail-on", "info").code == 0


def test_a_policy_test_tells_an_error_that_is_suppressed(service):
    """It neither runs nor passes."""
    service.write(policies__team=team("MP505", comment=COMMENT, settings=IGNORED))
    path = service.folder / "policies" / "a.test.yaml"
    head = "version: 1\npolicies: [guard.yaml, team.yaml]\ntests:\n"
    path.write_text(f"{head}  - {{name: kept, resolve: 'serve:predict', expect: {{rules: []}}}}\n")

    ended = service.run("test")

    assert (ended.code, "MP505" in ended.out) == (1, True)


@pytest.mark.parametrize("way", WAYS)
def test_no_suppression_hides_that_what_is_called_is_defined_elsewhere(service, way):
    """Only the source tells, and it is the guardrail's error all the same."""
    service.write(
        acme__safe="from os import system\n",
        policies__team=team("MP010", **WAYS[way]).replace("serve:popular", "acme.safe:system"),
    )

    ended = service.run("validate", "--format", "json")

    assert (ended.code, codes(ended)) == (1, ["MP010", "MP092"])
