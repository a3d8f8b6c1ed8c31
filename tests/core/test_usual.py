"""Quantities far from what anybody writes are doubted, and no others are."""

from __future__ import annotations

import pytest

from mlpolicy.core.quantity import ByteSize, Duration, Usual
from policies import loaded


def found(rule):
    return [
        (one.code, one.span.column, one.help)
        for one in loaded(f"policies:\n  'm:f': {{monitor: {{}}, {rule}}}\n").diagnostics
    ]


@pytest.mark.parametrize(
    "rule",
    [
        "cache: {ttl: 30ms}",
        "cache: {ttl: 1us}",
        "cache: {ttl: 1m, stale_if_error: 5ms}",
        "cache: {ttl: 1m, lock_timeout: 30h}",
        "cache: {ttl: 1m, max_bytes: 512B}",
        "retry: {max_delay: 10h}",
        "retry: {max_elapsed: 30d}",
        "retry: {retry_after: {max: 90d}}",
        "memory: {wait: 5h}",
        "memory: {poll: 100h}",
    ],
)
def test_a_quantity_that_looks_wrong(rule):
    [(code, column, help)] = found(rule)

    assert code == "MP102"
    assert column > 20
    assert help == ""


@pytest.mark.parametrize(
    "rule",
    [
        "cache: {ttl: 100ms}",
        "cache: {ttl: 12h, max_bytes: 4KiB}",
        "retry: {initial_delay: 0s}",
        "retry: {initial_delay: 1ms, max_delay: 5m, max_elapsed: 1h}",
        "memory: {wait: 0s, poll: 10ms}",
        "memory: {wait: 10m}",
        "monitor: {log: {slow: 1ms}}",
    ],
)
def test_one_that_does_not(rule):
    rules = rule if rule.startswith("monitor") else f"monitor: {{}}, {rule}"

    assert loaded(f"policies:\n  'm:f': {{{rules}}}\n").diagnostics == ()


def test_one_mistake_is_one_finding():
    """What the kind says of the same setting is said alone."""
    assert [code for code, _, _ in found("retry: {initial_delay: 5h}")] == ["MP602"]


def test_the_bounds_are_usual():
    usual = Usual("100ms", "1h")

    assert usual.doubt("x", Duration.of("100ms")) == ""
    assert usual.doubt("x", Duration.of("1h")) == ""
    assert usual.doubt("x", Duration.of("99ms"))
    assert "more than 1h" in usual.doubt("x", Duration.of("61m"))
    assert Usual("4KiB", "1GiB").doubt("x", ByteSize.of("3GiB"))


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ("retry: {initial_delay: 100}", "100ms"),
        ("retry: {initial_delay: '1'}", "1s"),
        ("retry: {max_delay: 30}", "30s"),
        ("retry: {max_delay: 2000}", "2000ms"),
        ("cache: {ttl: 300}", "300s"),
        ("cache: {ttl: 30s, lock_timeout: 500}", "500ms"),
        ("memory: {poll: 50}", "50ms"),
        ("memory: {wait: 2.5}", "2.5s"),
        ("deadline: 1500", "1500ms"),
    ],
)
def test_a_number_lacks_the_unit_that_makes_it_usual(rule, meant):
    """A delay of 100 is no minute and a half."""
    [one] = loaded(f"policies:\n  'm:f': {{monitor: {{}}, {rule}}}\n").diagnostics

    assert one.code == "MP101"
    assert [repair.text for repair in one.suggestions] == [meant]


def test_a_number_of_days_lacks_days():
    [one] = loaded("settings: {expiry_warning: 14}\npolicies: {'m:f': {monitor: {}}}\n").diagnostics

    assert [repair.text for repair in one.suggestions] == ["14d"]


@pytest.mark.parametrize(
    ("default", "code"),
    [
        ("shop.popular:items", "MP206"),
        ("'shop.popular:Store.items'", "MP206"),
        ("popular:items", "MP206"),
    ],
)
def test_a_default_that_is_written_like_a_function_is_a_text(default, code):
    """A function is named with `call`."""
    rule = f"validate: {{returns: {{type: int}}, on_fail: default, default: {default}}}"

    assert [one for one, *_ in found(rule)] == [code]


def test_a_default_that_is_called_or_kept_is_no_finding():
    rules = "memory: {on_pressure: default, default: "

    assert found(rules + "{call: m.popular:items}}") == []
    assert found(rules + "'shop: closed'}") == []
