"""Tests that look at a plan."""

from __future__ import annotations

import pytest


def looks(expect, function="shop.serve:predict", more=""):
    return f"""
    - name: plan
      resolve: {function}
      expect: {expect}
      {more}
    """


@pytest.mark.parametrize(
    "expect",
    [
        "{cache.ttl: 30s}",
        "{cache.ttl: 0.5m, cache.max_entries: 10000}",
        "{cache: {ttl: 30s, max_entries: 10k}}",
        "{cache: present, retry: absent}",
        "{cache.stale_if_error: absent, cache.max_entries: present}",
        "{rules: [monitor, validate, cache, memory], mode: enforce}",
        "{cache.mode: enforce}",
        "{validate.args.x.range: [0, 9], validate.args.x.type: int}",
        "{policies: ['shop.serve:predict']}",
        "{memory.limit: auto, cache.single_flight: true}",
    ],
)
def test_what_holds_is_expected_in_the_words_of_the_policy(bench, expect):
    assert bench.differences(looks(expect)) == []


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ("{cache.ttl: 2m}", ("cache.ttl", "2m", "30s")),
        ("{cache.ttl: 30}", ("cache.ttl", "30", "30s")),
        ("{cache.max_entries: many}", ("cache.max_entries", "many", "10k")),
        ("{cache: absnt}", ("cache", "absnt", "present")),
        ("{cache: absent}", ("cache", "absent", "present")),
        ("{retry: present}", ("retry", "present", "absent")),
        ("{retry.max_attempts: 3}", ("retry.max_attempts", "3", "absent")),
        ("{rules: [cache]}", ("rules", "[cache]", "[monitor, validate, cache, memory]")),
        ("{cache.single_flight: false}", ("cache.single_flight", "false", "true")),
        ("{cache.max_entries: present, mode: shadow}", ("mode", "shadow", "enforce")),
    ],
)
def test_only_what_differs_is_told(bench, expect, difference):
    assert bench.differences(looks(expect)) == [difference]


def test_a_difference_says_where_the_value_was_set(bench):
    [result] = bench.run(looks("{cache.ttl: 2m, cache.max_entries: 1}"))

    assert [one.set_at.partition(" ")[0] for one in result.differences] == [
        "policy.yaml:6:18" if one.field == "cache.ttl" else "policy.yaml:6:46"
        for one in result.differences
    ]


def test_the_environment_of_a_test_holds(bench):
    assert bench.differences(looks("{cache.ttl: 2m}", more="env: prod")) == []
    assert bench.differences(looks("{cache.ttl: 30s}", more="")) == []


@pytest.mark.parametrize(
    ("place", "right"),
    [
        ("policy.yaml", True),
        ("policy.yaml#environments.prod", True),
        ("policy.yaml#policies.shop.embed:encode", False),
        ("other.yaml", False),
        ("olicy.yaml", False),
    ],
)
def test_where_a_value_was_set_can_be_expected(bench, place, right):
    told = bench.differences(
        looks(f"{{from: {{retry.max_attempts: '{place}'}}}}", "shop.embed:encode", "env: prod")
    )

    assert (told == []) is right
    if not right:
        assert told[0][2].startswith("policy.yaml#environments.prod")


def test_what_nobody_wrote_is_built_in(bench):
    assert bench.differences(looks("{from: {cache.copy: built in}}")) == []
    assert bench.differences(looks("{from: {cache.copy: policy.yaml}}")) != []


def test_a_rule_that_has_expired_is_absent(bench):
    bench.policy("""
        version: 1
        policies:
          shop.serve:predict: {retry: {max_attempts: 3, expires: 2030-06-30}}
    """)
    tests = """
    - {name: before, resolve: "shop.serve:predict", clock: "2030-06-30T23:59:59Z", expect: {retry: present}}
    - {name: after, resolve: "shop.serve:predict", clock: 2030-07-01T00:00:00Z, expect: {retry: absent, retry.mode: disabled}}
    """

    assert bench.differences(tests) == []


def test_variables_are_those_of_the_test_alone(bench, monkeypatch):
    monkeypatch.setenv("TRIES", "9")
    bench.policy("""
        version: 1
        policies:
          shop.embed:encode: {retry: {max_attempts: "${env:TRIES:-2}"}}
    """)
    tests = """
    - {name: unset, resolve: "shop.embed:encode", expect: {retry.max_attempts: 2}}
    - {name: set, resolve: "shop.embed:encode", env_vars: {TRIES: 4}, expect: {retry.max_attempts: 4}}
    - {name: killed, resolve: "shop.embed:encode", env_vars: {MLPOLICY_DISABLE: 1}, expect: {retry: absent}}
    """

    assert bench.differences(tests) == []


def test_a_function_that_is_excluded_has_no_rules(bench):
    bench.folder.joinpath("store.py").write_text("def get(): ...\ndef ping(): ...\n")
    bench.policy("""
        version: 1
        policies:
          all: {match: "store:*", exclude: ["store:ping"], retry: 3}
    """)
    tests = """
    - {name: in, resolve: "store:get", expect: {retry: present}}
    - {name: out, resolve: "store:ping", expect: {retry: absent, rules: []}}
    """

    assert bench.differences(tests) == []


def test_conditions_see_the_stub(bench):
    bench.policy("""
        version: 1
        policies:
          later: {match: {target: "shop.*:*", kind: coroutine}, retry: 3}
    """)
    head = """\
version: 1
policies: [policy.yaml]
stubs:
  shop.a:f: {signature: "()", kind: coroutine}
  shop.a:g: {signature: "()"}
"""
    tests = """
    - {name: f, resolve: "shop.a:f", expect: {retry: present}}
    - {name: g, resolve: "shop.a:g", expect: {retry: absent}}
    """

    assert bench.differences(tests, head=head) == []


def test_a_test_can_ask_for_no_environment(bench):
    head = "version: 1\npolicies: [policy.yaml]\nenv: prod\n"
    tests = """
    - {name: prod, resolve: "shop.embed:encode", expect: {retry.max_attempts: 5}}
    - {name: base, resolve: "shop.embed:encode", env: null, expect: {retry.max_attempts: 3}}
    """

    assert bench.differences(tests, head=head) == []


@pytest.mark.parametrize(
    ("rules", "mode"),
    [
        ("monitor: true, retry: {mode: shadow}", "shadow"),
        ("monitor: true, retry: {mode: shadow}, cache: {ttl: 1s, mode: disabled}", "shadow"),
        ("monitor: true, retry: {mode: shadow}, cache: {ttl: 1s}", "enforce"),
        ("monitor: true, retry: {mode: disabled}", "enforce"),
        ("retry: {mode: disabled}", "disabled"),
        ("monitor: true", "enforce"),
    ],
)
def test_the_mode_of_a_plan_is_that_of_what_acts(bench, rules, mode):
    """A `monitor` is never in shadow, and changes nothing of a plan that is."""
    bench.policy(f"version: 1\npolicies:\n  shop.serve:predict: {{{rules}}}\n")

    assert bench.differences(looks(f"{{mode: {mode}}}")) == []
