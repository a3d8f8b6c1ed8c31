"""How much of a policy its tests have seen."""

from __future__ import annotations

import pytest

from mlpolicy.testing.coverage import Coverage

TESTS = {
    "resolved": "- {name: r, resolve: shop.embed:encode, expect: {retry: present}}",
    "called": "- {name: c, call: shop.embed:encode, args: {text: a}, expect: {called: true}}",
    "again": "- {name: a, call: shop.embed:encode, args: {text: a}, behaviour: [{raise: TimeoutError}, {return: 1}], expect: {attempts: 2}}",
    "given up": "- {name: g, call: shop.embed:encode, args: {text: a}, behaviour: [{raise: TimeoutError}], expect: {attempts: 3, raises: TimeoutError}}",
}


def covered(bench, *names):
    prepared = bench.tests("\n".join(TESTS[one] for one in names))
    coverage = Coverage()
    for loaded in prepared.rulebooks:
        coverage.add(loaded)
    for case in prepared.cases:
        coverage.take(prepared.run(case))
    return coverage


def row(coverage, policy, kind):
    return next(one[2:] for one in coverage.rows() if one[:2] == (policy, kind))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("resolved",), ("enforce", "resolved", "-again, -given up")),
        (("called",), ("enforce", "called", "-again, -given up")),
        (("again",), ("enforce", "called", "+again, -given up")),
        (("resolved", "given up"), ("enforce", "called", "+again, +given up")),
    ],
)
def test_a_rule_is_seen_by_its_modes_and_branches(bench, names, expected):
    assert row(covered(bench, *names), "shop.embed:encode", "retry") == expected


def test_what_no_test_touches_counts(bench):
    coverage = covered(bench, "again")

    assert row(coverage, "shop.serve:predict", "cache") == ("enforce", "no", "-hit, -miss")
    assert 0 < coverage.share < 0.5


def test_each_mode_of_a_rule_counts(bench):
    bench.policy("""
        version: 1
        policies:
          shop.embed:encode: {retry: {max_attempts: 3, mode: shadow, expires: 2099-01-01}}
        environments:
          prod: {policies: {shop.embed:encode: {retry: {mode: enforce}}}}
    """)
    prepared = bench.tests("""
    - {name: base, call: shop.embed:encode, args: {text: a}, behaviour: [{raise: TimeoutError}], expect: {raises: TimeoutError}}
    - {name: prod, resolve: shop.embed:encode, env: prod, expect: {retry: present}}
    """)
    coverage = Coverage()
    for loaded in prepared.rulebooks:
        coverage.add(loaded)
    for case in prepared.cases:
        coverage.take(prepared.run(case))

    assert [one[2:] for one in coverage.rows()] == [
        ("enforce", "resolved", "-again, -given up"),
        ("shadow", "called", "+would"),
    ]
    assert coverage.share == pytest.approx(3 / 5)


def test_a_rule_of_two_policies_is_seen_in_both(bench):
    bench.policy("""
        version: 1
        policies:
          wide: {match: "shop.embed:*", retry: {max_attempts: 3}}
          shop.embed:encode: {retry: {initial_delay: 1ms}}
    """)
    coverage = covered(bench, "resolved")

    assert [one[3] for one in coverage.rows()] == ["resolved", "resolved"]


def test_what_the_kill_switch_of_a_test_turns_off_is_no_mode(bench):
    """Else a test of the switch would lower the share of all others."""
    tests = (
        TESTS["resolved"]
        + """
- name: off
  env_vars: {MLPOLICY_DISABLE: "1"}
  resolve: shop.embed:encode
  expect: {retry: absent}
"""
    )
    coverage = Coverage()
    for loaded in bench.tests(tests).rulebooks:
        coverage.add(loaded)

    assert {one[2] for one in coverage.rows()} == {"enforce"}
