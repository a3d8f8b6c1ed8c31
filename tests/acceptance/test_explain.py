"""`mlpolicy explain` and `mlpolicy list`."""

from __future__ import annotations

import pytest

POLICY = """
    version: 1
    defaults: {retry: {jitter: equal}}
    policies:
      broad: {match: "serve:*", monitor: true}
      serve:predict: {owner: me, retry: {max_attempts: 2}}
"""


@pytest.fixture
def service(project):
    project.write(serve="async def predict(x, *, y=1): return x\n", policy=POLICY)
    return project


def test_a_target_is_explained_value_by_value(service):
    """With the place of each, and what is built in."""
    ended = service.run("explain", "serve:predict", "--policy", "policy.yaml")

    lines = [line.split() for line in ended.out.splitlines()]
    assert ended.code == 0
    assert ["max_attempts", "2", "policy.yaml:5:52", "policies.serve:predict"] in lines
    assert ["jitter", "equal", "policy.yaml:2:28", "defaults"] in lines
    assert ["multiplier", "2.0", "built", "in"] in lines


def test_the_generated_source_is_printed(service):
    """For a function of that signature and kind, without importing it."""
    ended = service.run("explain", "serve:predict", "--source", "--policy", "policy.yaml")

    assert "async def predict(x, *, y):" in ended.out
    assert "await twin(x, y=y)" in ended.out


def test_json_has_every_value(service):
    """Programs see what people see."""
    content = service.run(
        "explain", "serve:predict", "--policy", "policy.yaml", "--format", "json"
    ).content

    [_, retry] = content["rules"]
    assert retry["values"]["max_attempts"] == {
        "value": "2",
        "from": "policy.yaml:5:52 policies.serve:predict",
        "file": "policy.yaml",
        "line": 5,
        "column": 52,
        "layer": "policies.serve:predict",
        "policy": "serve:predict",
        "beats": [],
    }


@pytest.mark.parametrize("subject", ["MP301", "mp101", "retry", "retry.jitter", "validate.args"])
def test_findings_and_settings_are_explained(service, subject):
    """By their names."""
    ended = service.run("explain", subject)

    assert (ended.code, subject.lower() in ended.out.lower()) == (0, True)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("retry.mode", "one of: enforce, shadow, disabled"),
        ("retry.max_attempts", "type: a whole number from 1"),
        ("retry.rollout.percent", "a share, with its %"),
        ("deadline", "a length of time, with its unit"),
        ("match.tag", "type: a text, or a list"),
        ("settings.expiry_warning", 'default: "14d"'),
        ("memory.min_free", "a size, with its unit"),
        ("validate.args.user.type", "`int`, `float`"),
        ("validate.args.dtype", "The dtype of an array"),
        ("environments", "environment"),
    ],
)
def test_a_setting_is_explained_wherever_it_stands(service, subject, words):
    """With its type, its unit and its default; a key of files and of policies, too."""
    ended = service.run("explain", subject)

    assert (ended.code, words in ended.out) == (0, True)


def test_a_policy_that_contradicts_itself_is_explained_all_the_same(service):
    """Who wants to know why must see the values; the exit code says that something is wrong."""
    service.write(
        policy="version: 1\npolicies:\n  serve:predict: {deadline: 1ms, retry: {jitter: none}}\n"
    )

    ended = service.run("explain", "serve:predict", "--policy", "policy.yaml", "--format", "json")

    assert (ended.code, ended.content["errors"]) == (1, 1)
    assert ended.err == "mlpolicy: 1 error in these files: `mlpolicy validate` shows more\n"


def test_a_text_over_two_lines_is_shown_whole(service):
    """In the list of a rule's settings."""
    assert (
        "statuses (`http:429`, `http:5xx`, `grpc:UNAVAILABLE`)."
        in service.run("explain", "retry").out
    )


@pytest.mark.parametrize(
    ("subject", "code", "words"),
    [
        ("server:predict", 5, "did you mean `serve:predict`"),
        ("MP999", 2, "no finding MP999"),
        ("rety", 2, "did you mean `retry`"),
        ("retry.jiter", 2, "did you mean `jitter`"),
        ("cache.ttl.x", 2, "it has no settings within"),
        ("deadlin", 2, "did you mean `deadline`"),
        ("textwrap:indent", 5, "no policy names `textwrap:indent`\n"),
    ],
)
def test_what_is_not_known_is_told_with_what_was_meant(service, subject, code, words):
    """The remedy is in the message."""
    ended = service.run("explain", subject, "--policy", "policy.yaml")

    assert (ended.code, words in ended.err) == (code, True)


@pytest.mark.parametrize("what", ["targets", "policies", "files"])
def test_lists(service, what):
    """As a table, and as JSON."""
    table = service.run("list", what, "--policy", "policy.yaml")
    content = service.run("list", what, "--policy", "policy.yaml", "--format", "json").content

    assert (table.code, len(content[what]) >= 1) == (0, True)


SECRETS = """
    version: 1
    vars: {direct: "${env:DB_SECRET}", built: "x-${vars.direct}", login_token: s3cr3t}
    policies:
      broad: {match: "serve:*", cache: {ttl: 9s, version: "${vars.direct}"}}
      serve:predict:
        owner: "${vars.built}"
        reason: "${vars.login_token}"
        validate: {args: {x: {type: str, enum: [a, "${vars.direct}"]}}}
        cache: {ttl: 9s, version: "${vars.built}"}
        monitor: {}
"""


@pytest.mark.parametrize(
    "command",
    [
        "validate",
        "explain serve:predict",
        "explain serve:predict --format json",
        "list policies --format json",
        "compile",
        "diff policy.yaml plain.yaml",
    ],
)
def test_a_secret_is_shown_nowhere_however_it_came_there(service, command):
    """Through variables of variables, in a list, in a text beside the rules, in an excerpt."""
    service.write(policy=SECRETS, plain=POLICY)
    first, *rest = command.split()
    if first != "diff":
        rest += ["--policy", "policy.yaml"]

    ended = service.run(first, *rest, "--assume", "DB_SECRET=hunter2")

    assert ended.code == 0, ended.err
    assert not [word for word in ("hunter2", "s3cr3t") if word in ended.out + ended.err]


@pytest.mark.parametrize(
    ("expires", "switch", "why"),
    [("2024-01-01", "", "expired"), ("2999-01-01", "retry", "switched off")],
)
def test_what_no_longer_holds_is_explained_with_why(service, expires, switch, why):
    """A service starts under a policy that has expired, so somebody must be able to look at it."""
    service.write(policy=POLICY.replace("owner: me", f"expires: {expires}"))

    ended = service.run(
        "explain", "serve:predict", "--policy", "policy.yaml", MLPOLICY_DISABLE=switch
    )

    assert ended.code == 0
    assert f"retry  (disabled: {why}, until {expires})" in ended.out
