"""What the text of a file shows by itself: secrets written out, variables that nothing uses."""

from __future__ import annotations

import pytest

from mlpolicy.plan.load import load_every
from policies import loaded

POLICY = "policies: {a: {match: 'm:f', labels: {LABEL}, monitor: {log: {}}}}\n"


def secrets(labels):
    """Return the values that are reported as secrets, as they are written."""
    text = POLICY.replace("LABEL", labels)
    found = [one for one in loaded(text).diagnostics if one.code == "MP113"]
    line = text.splitlines()[0]
    return [line[one.span.column - 1 : one.span.end_column - 1] for one in found]


@pytest.mark.parametrize(
    "key",
    [
        *("password", "db_password", "DB-PASSWORD", "passwd", "passphrase", "secret"),
        *("client_secret", "token", "auth_token", "api_key", "api-key", "apikey", "access_key"),
        "private_key",
    ],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_value_under_the_name_of_a_secret_is_reported_wherever_it_stands(key, quote):
    assert secrets(f"team: x, {quote}{key}{quote}: hunter2") == ["hunter2"]


@pytest.mark.parametrize("url", ["redis://u:hunter2@host/0", "postgresql+psycopg://:pw@host"])
def test_a_url_with_a_password_is_reported(url):
    assert secrets(f"where: '{url}'") == [f"'{url}'"]


@pytest.mark.parametrize(
    "labels",
    [
        "tokens: many",
        "token_count: a",
        "key: a",
        "monkey: a",
        "secretary: a",
        "compass: north",
        "where: 'redis://host:6379/0'",
        "where: 'https://host/a@b'",
        "password: '${env:PASSWORD:-none}'",
        "password: ''",
        "token: 3",
    ],
)
def test_what_only_looks_like_one_is_not(labels):
    assert secrets(labels) == []


def test_a_secret_under_a_free_key_is_reported_once_for_all_its_aliases():
    text = """\
        x-shared: {password: &secret hunter2}
        policies:
          a: {match: 'm:f', labels: {password: *secret, token: *secret}, monitor: {log: {}}}
        """
    found = [one for one in loaded(text).diagnostics if one.code == "MP113"]
    assert [(one.span.line, one.span.column) for one in found] == [(2, 22)]


def test_a_finding_about_a_secret_does_not_repeat_it():
    for one in loaded(POLICY.replace("LABEL", "password: hunter2")).diagnostics:
        assert "hunter2" not in f"{one.message} {one.help}"


def test_a_variable_that_no_value_uses_is_reported():
    text = """\
        vars: {used: a, idle: b}
        policies: {a: {match: 'm:f', labels: {x: '${vars.used}'}, monitor: {log: {}}}}
        """
    found = [(one.code, one.span.column) for one in loaded(text).diagnostics]
    assert found == [("MP111", 17)]


def test_the_variables_of_a_library_are_for_others():
    assert not loaded("vars: {idle: b}\n").diagnostics


ENVIRONMENTS = """\
    vars: {ttl: 30s}
    policies: {'m:f': {cache: {ttl: '${vars.ttl}'}}}
    environments: {prod: {vars: {LINE}}}
    """


def test_a_variable_of_an_environment_that_no_value_uses_is_reported():
    found = loaded(ENVIRONMENTS.replace("LINE", "tll: 60s")).diagnostics
    [finding] = [one for one in found if one.code == "MP111"]
    assert (finding.span.line, finding.help) == (4, "did you mean `ttl`?")


def test_a_variable_that_an_environment_changes_is_right():
    found = loaded(ENVIRONMENTS.replace("LINE", "ttl: 60s")).diagnostics
    assert not [one for one in found if one.code == "MP111"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("ttl: {{ vars.ttl }}", "MP010"),
        ("ttl: {{vars.ttl}}", "MP010"),
        ("ttl: ${vars.tll}", "MP110"),
        ("ttl: ${ttl}", "MP110"),
        ("ttl: $vars.ttl", "MP110"),
        ("ttl: ${var.ttl}", "MP110"),
    ],
)
def test_a_slip_in_a_reference_is_found_where_it_stands(tmp_path, written, code):
    file = tmp_path / "p.yaml"
    file.write_text(
        f"version: 1\nvars: {{ttl: 30s}}\npolicies:\n  'm:f':\n    cache:\n      {written}\n"
        "environments: {prod: {policies: {'m:f': {cache: {ttl: 9s}}}}}\n"
    )
    found = [one for one in load_every([file]).diagnostics if one.code != "MP906"]
    assert {(one.code, one.span.line) for one in found} == {(code, 6)}


def test_a_variable_with_a_wrong_value_is_defined():
    text = "vars: {tries: [4]}\npolicies: {'m:f': {retry: '${vars.tries}'}}\n"
    found = [one.code for one in loaded(text).diagnostics if one.code != "MP906"]
    assert found == ["MP010"]


def test_a_wrong_value_of_a_block_is_said_of_its_variable_alone():
    """That the setting may be something else than a block is no finding of its own."""
    text = "vars: {how: 250ms}\npolicies: {'m:f': {monitor: {log: {level: '${vars.how}'}}}}\n"
    [finding] = loaded(text).diagnostics
    assert (finding.code, finding.span.line, finding.span.column) == ("MP010", 2, 13)


@pytest.mark.parametrize(
    "policy",
    [
        "{validate: {args: {x: {type: int}}, on_fail: default, default: VALUE}}",
        "{validate: {args: {x: {type: int}}, on_fail: VALUE, default: 3}}",
        "{owner: VALUE, retry: 3}",
        "{owner: me, retry: {mode: shadow, expires: VALUE}}",
        "{owner: me, retry: {rollout: {percent: VALUE}}}",
        "{owner: me, cache: {ttl: 30s, max_entries: null, max_bytes: VALUE}}",
    ],
)
def test_a_variable_that_is_not_set_is_one_finding(policy):
    """What was left out for want of a value is not missed besides."""
    policy = policy.replace("VALUE", "'${env:MLPOLICY_NEVER_SET}'")
    text = f"settings: {{require: [owner]}}\npolicies: {{'m:f': {policy}}}\n"

    assert [one.code for one in loaded(text).diagnostics] == ["MP110"]


@pytest.mark.parametrize("value", ['""', "null", "3"])
@pytest.mark.parametrize("section", ["policies: {'m:f': VALUE}", "profiles: {p: VALUE}"])
def test_a_policy_that_is_no_block_is_never_passed_over(section, value):
    """An empty text too: it is not the same as nothing, which the reader has said."""
    assert [one.code for one in loaded(section.replace("VALUE", value)).diagnostics] == ["MP010"]


@pytest.mark.parametrize(
    "policy",
    [
        "match: {target: 'm:f', kind: ['${env:X}']}, retry: 3",
        "match: 'm:f', use: ['${env:X}'], retry: 3",
        "match: 'm:f', resource: '${env:X}', retry: 3",
        "match: '${env:X}:f', retry: 3",
    ],
)
def test_a_variable_where_none_may_stand_is_one_finding(policy):
    """Its text is no name, and not judged as one."""
    found = loaded(f"policies: {{a: {{{policy}, monitor: {{}}}}}}\n").diagnostics

    assert [one.code for one in found] == ["MP112"]


def test_what_an_environment_takes_away_is_missing_there(tmp_path):
    """Not where the base has it."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\npolicies: {'m:f': {monitor: {}, cache: {ttl: 5m}}}\n"
        "environments: {prod: {policies: {'m:f': {cache: {\n  ttl: null}}}}}\n"
    )

    [one] = load_every([file]).diagnostics

    assert (one.code, one.environment, one.span.line, one.span.column) == ("MP011", "prod", 4, 3)


def test_what_settings_require_is_missing_where_an_environment_takes_it_out(tmp_path):
    """What a policy lacks everywhere is said once, at the policy."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\nsettings: {require: [owner, expires]}\n"
        "policies: {'m:f': {monitor: {}, owner: us}}\n"
        "environments: {prod: {policies: {'m:f': {\n  owner: null}}}}\n"
    )

    found = load_every([file]).diagnostics

    assert [(one.code, one.environment, one.span.line) for one in found] == [
        ("MP505", "", 3),
        ("MP505", "prod", 5),
    ]
    assert found[1].message == "`owner` is taken out of policy `m:f`"


def test_values_contradict_where_the_environment_changed_one(tmp_path):
    """The other one was right before."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\npolicies: {'m:f': {monitor: {}, memory: {act_at: 80%, reject_at: 90%}}}\n"
        "environments: {prod: {policies: {'m:f': {memory: {\n  act_at: 95%}}}}}\n"
    )

    [one] = load_every([file]).diagnostics

    assert (one.code, one.environment, one.span.line, one.span.column) == ("MP801", "prod", 4, 11)


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ("vars: {first: 600ms}", [3, 3]),
        ("policies: {'m:f': {owner: us}}", [3]),
        ("policies: {'m:f': {retry: {max_delay: 20s}}}", [3, 5]),
        ("policies: {'m:f': {deadline: 1s}}", [3, 5]),
        ("policies: {'m:f': {deadline: 99s}}", [3]),
        ("policies: {'m:f': {deadline: 900ms}}", [3, 5]),
        ("policies: {'m:f': {retry: {max_attempts: 6}}}", [3, 5]),
    ],
)
def test_what_is_wrong_everywhere_is_said_again_where_an_environment_makes_it_so(
    tmp_path, changed, lines
):
    """It is what `validate --env prod` finds, so it is an error of `validate`."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\nvars: {first: 500ms}\n"
        "policies: {'m:f': {deadline: 1s, monitor: {}, retry: "
        "{max_attempts: 5, initial_delay: '${vars.first}'}}}\n"
        f"environments: {{prod: {{\n{changed}}}}}\n"
    )

    found = load_every([file]).diagnostics

    assert [(one.code, one.span.line) for one in found] == [("MP601", line) for line in lines]


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("prod: {vars: {x: 2s}", "prod: {vars: [x]", "MP010", 6),
        ("  calm: {cache", "  calmm: {cache", "MP406", 5),
        ("  calm: {cache: {ttl: '${vars.x}'}}", "  calm:\n  cache: {ttl: '${vars.x}'}", "MP009", 4),
        ("use: [calm]", "use: 'calm, calm'", "MP010", 5),
        ("  {x: 1s", "  {x y: 1s", "MP010", 2),
    ],
)
def test_what_follows_from_a_slip_is_no_finding_of_its_own(tmp_path, old, new, code, line):
    right = (
        "version: 1\nvars:  {x: 1s}\nprofiles:\n  calm: {cache: {ttl: '${vars.x}'}}\n"
        "policies: {'m:f': {use: [calm], monitor: {}}}\n"
        "environments: {prod: {vars: {x: 2s}, profiles: {calm: {cache: {ttl: 9s}}}}}\n"
    )
    file = tmp_path / "p.yaml"
    file.write_text(right)
    assert load_every([file]).diagnostics == ()

    assert right.count(old) == 1
    file.write_text(right.replace(old, new))

    [one] = load_every([file]).diagnostics
    assert (one.code, one.span.line) == (code, line)


def test_a_note_on_a_policy_hides_nothing_that_an_environment_says_of_it(tmp_path):
    """It is no cause of what is wrong there."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\npolicies:\n  m:f: {retry: 3}\n  m:g: {monitor: {}}\n"
        "environments: {prod: {policies: {'m:f': {match: 'm:*'}}}}\n"
    )

    found = load_every([file]).diagnostics

    assert [(one.code, one.span.line) for one in found] == [("MP906", 3), ("MP010", 5)]


@pytest.mark.parametrize(("profile", "codes"), [("retry: 3", ["MP407"]), ("memory: 80%", [])])
def test_an_environment_removes_what_a_profile_gives(tmp_path, profile, codes):
    """Where none does, nothing is removed."""
    file = tmp_path / "p.yaml"
    file.write_text(
        f"version: 1\nprofiles: {{calm: {{{profile}}}}}\n"
        "policies: {'m:f': {use: [calm], monitor: {}}}\n"
        "environments: {prod: {policies: {'m:f': {memory: null}}}}\n"
    )

    found = load_every([file]).diagnostics

    assert [(one.code, one.span.line) for one in found] == [(code, 4) for code in codes]


def test_what_several_environments_have_in_common_names_them_all(tmp_path):
    """One finding, and none of them is forgotten."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\nprofiles: {calm: {retry: 3}}\n"
        "policies: {'m:f': {use: [calm], monitor: {}}}\n"
        "environments: {test: {profiles: {calm: null}}, prod: {profiles: {calm: null}}, dev: {}}\n"
    )

    [one] = load_every([file]).diagnostics

    assert (one.code, one.environment) == ("MP406", "prod, test")
