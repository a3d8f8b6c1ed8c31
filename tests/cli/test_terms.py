"""Environments, and values set on the command line."""

from __future__ import annotations

import pytest

SERVICE = """
    def predict(x, user=None):
        return x

    def fetch(q):
        return q
"""
POLICY = """
    version: 1
    vars: {attempts: 3}
    policies:
      serve:predict:
        retry: {max_attempts: "${vars.attempts}"}
        cache: {ttl: "${env:TTL:-30s}", key: [x]}
      broad: {match: "serve:*", retry: {max_attempts: 2, max_delay: 4s}}
    environments:
      prod:
        vars: {attempts: 4}
        policies: {"serve:predict": {cache: null}}
      staging:
        defaults: {mode: shadow}
"""


@pytest.fixture
def service(project):
    project.write(serve=SERVICE, policies__a=POLICY)
    return project


def retry_of(ended):
    [retry] = [one for one in ended.content["rules"] if one["kind"] == "retry"]
    return retry


def test_every_environment_is_checked(service):
    ended = service.run("validate")

    assert (ended.code, "No problems found in 1 file, 2 policies, 3 environments" in ended.out) == (
        0,
        True,
    )


def test_a_finding_says_its_environment(service):
    """What holds without one is said once; what only one of them brings names it."""
    text = POLICY.replace("attempts: 4}", "attempts: 0}").replace("4s", "4")
    service.write(policies__a=text)

    found = service.run("validate", "--format", "json").content["diagnostics"]

    assert [(one["code"], one["environment"] or "") for one in found] == [
        ("MP101", ""),
        ("MP010", "prod"),
    ]


def test_the_environment_that_is_asked_for_holds(service):
    """The option beats the variable."""
    ask = ("explain", "serve:predict", "--format", "json")

    base = service.run(*ask)
    prod = service.run(*ask, "--env", "prod")
    staging = service.run(*ask, MLPOLICY_ENV="staging")
    both = service.run(*ask, "--env", "prod", MLPOLICY_ENV="staging")

    assert [retry_of(one)["values"]["max_attempts"]["value"] for one in (base, prod, both)] == [
        "3",
        "4",
        "4",
    ]
    assert {one["kind"]: one["mode"] for one in staging.content["rules"]} == {
        "retry": "shadow",
        "cache": "shadow",
    }
    assert [one["kind"] for one in prod.content["rules"]] == ["retry"]


COMMANDS = {
    "validate": [],
    "apply": ["--module", "serve"],
    "apply --check": ["--module", "serve"],
    "run": ["serve.py"],
    "doctor": [],
    "list": [],
    "list policies": [],
    "explain": ["serve:predict"],
    "diff": ["policies", "policies"],
    "compile": [],
}


@pytest.mark.parametrize("by_option", [False, True], ids=["variable", "option"])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_environment_that_no_file_names(service, command, by_option):
    """It is refused alike by every command, however it is given."""
    option, variable = (["--env=prdo"], {}) if by_option else ([], {"MLPOLICY_ENV": "prdo"})

    ended = service.run(*command.split(), *option, *COMMANDS[command], **variable)

    assert (ended.code, ended.out) == (2, "")
    assert "no file names an environment `prdo`; did you mean `prod`?" in ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_an_environment_that_no_file_names_may_be_the_base(service, command):
    """`settings.on_unknown_environment: base` in any file warns, and nothing is otherwise."""
    service.write(policies__more="version: 1\nsettings: {on_unknown_environment: base}\n")

    ended = service.run(*command.split(), *COMMANDS[command], MLPOLICY_ENV="dev")

    assert ended.code == 0
    assert "no file names an environment `dev`" in ended.err


def test_an_environment_where_no_file_names_any(service):
    """What is set for a whole fleet stops no service that knows none; it is said once."""
    service.write(policies__a="version: 1\npolicies: {serve:predict: {retry: 3}}\n")

    ended = service.run("run", "-m", "serve", MLPOLICY_ENV="prod")

    assert ended.code == 0
    assert ended.err.count("no file names any environment: `prod` changes nothing") == 1


def test_what_keeps_files_from_being_read_goes_first(service):
    """Nobody knows which environments a broken file names."""
    service.write(policies__broken="version: 1\nenvironments: {dev: [\n")

    ended = service.run("validate", "--env", "dev")

    assert (ended.code, "MP002" in ended.out) == (1, True)


def test_an_environment_with_a_wrong_value_is_known(service):
    service.write(policies__more="version: 1\nenvironments:\n  dev:\n")

    ended = service.run("validate", "--env", "dev")

    assert (ended.code, "MP009" in ended.out) == (1, True)


def test_a_value_is_set_over_all(service):
    """It is shown as such, with what it beats."""
    ended = service.run(
        "explain", "serve:predict", "--set", "retry.max_attempts=7", "--format", "json"
    )

    attempts = retry_of(ended)["values"]["max_attempts"]
    assert (attempts["value"], attempts["from"]) == ("7", "--set retry.max_attempts=7")
    assert [(one["value"], one["why"]) for one in attempts["beats"]] == [
        ("2", "set on the command line"),
        ("3", "set on the command line"),
    ]


def test_variables_are_set_and_assumed(service):
    ask = ("explain", "serve:predict", "--format", "json")

    fixed = service.run(*ask, "--set", "vars.attempts=9", "--env", "prod")
    assumed = service.run(*ask, "--assume", "TTL=5m")

    assert retry_of(fixed)["values"]["max_attempts"]["value"] == "9"
    [kept] = [one for one in assumed.content["rules"] if one["kind"] == "cache"]
    assert kept["values"]["ttl"]["value"] == "5m"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("retry.max_attempts=x", "a whole number"),
        ("retry.max_atempts=3", "max_attempts"),
        ("retrry.max_attempts=3", "did you mean `retry`"),
        ("retry.max_delay=3", "3s"),
        ("retry", "NAME=VALUE"),
        ("retry=3", "did you mean `retry.SETTING`"),
        ("retry.on_result.is_none=maybe", "true or false"),
    ],
)
def test_a_wrong_value_is_a_mistake_of_usage(service, value, words):
    ended = service.run("validate", "--set", value)

    assert (ended.code, words in ended.err) == (2, True), ended.err


def test_the_children_of_run_are_in_the_environment(service):
    service.write(
        main="import serve, mlpolicy; print(mlpolicy.plan('serve:predict').rule('cache'))"
    )

    outs = [
        service.python(
            "-m", "mlpolicy", "run", "--policy", "policies", *more, "main.py"
        ).out.strip()
        for more in ((), ("--env", "prod"))
    ]

    assert [out == "None" for out in outs] == [False, True]


def test_apply_takes_variables_as_set(service):
    """A job of CI has none of the secrets of production."""
    service.write(
        policies__a="""
        version: 1
        policies: {"serve:predict": {cache: {ttl: "${env:THE_TTL}"}}}
        """
    )

    for more in ((), ("--in-process",)):
        ended = service.run("apply", "--all", "--check", "--assume", "THE_TTL=5m", *more)
        assert ended.code == 0, ended.out + ended.err


def test_apply_is_in_the_environment(service):
    ended = service.run("apply", "--module", "serve", "--env", "prod", "--format", "json")

    rows = {row["target"]: row["rules"] for row in ended.content["targets"]}
    assert rows["serve:predict"] == ["retry"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["valdate"], "Did you mean 'validate'?"),
        (["validate", "--src", "nowhere"], "'nowhere' does not exist"),
        (["explain", "pkg.mod.f"], "did you mean `pkg.mod:f`?"),
        (["list", "policy"], "'policies'"),
        (["validate", "--format", "jsn"], "'json'"),
        (["apply", "--all", "--timeout", "0s"], "more than 0s"),
        (["schema", "--check"], "--write FILE"),
    ],
)
def test_a_slip_on_the_command_line_is_said(project, arguments, hint):
    """As a wrong use, with what was probably meant."""
    ended = project.run(*arguments)

    assert ended.code == 2
    assert hint in ended.err
