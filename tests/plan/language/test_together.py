"""What rules of one function mean together, by its path or by a pattern."""

from __future__ import annotations

import pytest

from policies import found, loaded

WRONG = {
    "MP601": ("deadline: 1s", "retry: {max_attempts: 5, initial_delay: 500ms}"),
    "MP803": ("deadline: 1s", "memory: {wait: 2s}"),
    "MP806": (
        "retry: {retry_on: [mlpolicy.MemoryPressure], retry_after: {respect: false}}",
        "memory: true",
    ),
    "MP708": ("cache: {ttl: 30s, max_bytes: 1GiB}", "memory: {limit: 1GiB}"),
}
SELECTORS = {
    "a path": "shop:f:",
    "a pattern": "every: \n    match: 'shop:*'",
    "paths and a pattern": "every: \n    match: ['shop:f', 'shop:g', 'shop:h*']",
}


@pytest.mark.parametrize("selector", SELECTORS.values(), ids=SELECTORS)
@pytest.mark.parametrize("code", WRONG)
def test_rules_that_contradict_each_other_are_found_once(code, selector):
    """However many functions the policy is for, and whether they are named or not."""
    rules = "".join(f"\n    {line}" for line in WRONG[code])

    assert [one for one, _, _ in found(f"policies:\n  {selector}{rules}\n")] == [code]


@pytest.mark.parametrize(
    "rules",
    [
        "{cache: {ttl: 30s, max_bytes: 1GiB}, memory: {limit: 2GiB}}",
        "{cache: {ttl: 30s, max_bytes: 1GiB}, memory: true}",  # (how much there is, is not known)
        "{cache: {ttl: 30s}, memory: {limit: 1MiB}}",
        "{cache: {ttl: 30s, max_bytes: 1GiB}}",
    ],
)
def test_a_cache_that_leaves_room_is_right(rules):
    assert found(f"policies:\n  shop:f: {rules}\n") == []


def test_the_limit_that_a_cache_fills_is_shown():
    """Both numbers, and where both stand."""
    [one] = loaded(
        "policies:\n"
        "  shop:f:\n"
        "    cache: {ttl: 30s, max_bytes: 900MiB}\n"
        "    memory: {limit: 1GiB, act_at: 80%}\n"
    ).diagnostics

    assert one.message == "the cache may hold 900MiB, and memory is short from 80% of 1GiB on"
    assert (one.span.line, one.span.column) == (4, 34)
    assert [(each.span.line, each.span.column) for each in one.related] == [(5, 21)]


@pytest.mark.parametrize(
    "rules",
    [
        "deadline: §3ms, retry: {initial_delay: 50ms}",
        "deadline: 3s, retry: {max_attempts: 4, initial_delay: §5s}",
        "deadline: 3s, retry: {max_attempts: §9, initial_delay: 100ms}",
        "deadline: §300ms, retry: true",
        "deadline: §3ms, memory: {wait: 2s}",
        "deadline: 3s, memory: {wait: §2m}",
        "memory: {act_at: 85%, reject_at: §9.2%}",
        "memory: {act_at: §8.5%, resume_at: 80%, reject_at: 92%}",
        "retry: {initial_delay: 100ms, max_delay: §2ms}",
        "retry: {initial_delay: §100s, max_delay: 2s}",
        "retry: {initial_delay: §9s, max_elapsed: 3s}",
    ],
)
def test_of_two_values_that_do_not_fit_the_unusual_one_is_wrong(rules):
    """The other one is shown beside it."""
    text = f"policies: {{'m:f': {{monitor: {{}}, {rules}}}}}\n"
    at = text.index("§") + 1

    [one] = loaded(text.replace("§", "")).diagnostics

    assert (one.span.line, one.span.column) == (2, at)
    assert len(one.related) == 1


def test_a_refusal_of_ours_is_named_by_its_path():
    """What people write for it is put right."""
    [one] = loaded("policies:\n  shop:f: {retry: {retry_on: [MemoryPressure]}}\n").errors

    assert one.code == "MP603"
    assert "did you mean `mlpolicy.MemoryPressure`?" in (one.message + one.help)
