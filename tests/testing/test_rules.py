"""What each rule does at a call of a test: events, answers, waits."""

from __future__ import annotations

import pytest

from tests.testing.test_calls import TIMEOUT, calls


def test_a_cache_keeps_for_as_long_as_it_says(bench):
    assert (
        bench.differences("""
    - name: kept
      steps:
        - {call: shop.serve:predict, args: {x: 1}, behaviour: [{return: a, takes: 20s}], expect: {via: function, events: [cache.miss, ok]}}
        - advance: 26s
        - {call: shop.serve:predict, args: {x: 1}, behaviour: [{return: b}], expect: {returns: a, called: false, via: cache, events: [cache.hit]}}
        - {call: shop.serve:predict, args: {x: 2}, behaviour: [{return: b}], expect: {returns: b, attempts: 1}}
        - advance: 5s
        - {call: shop.serve:predict, args: {x: 1}, behaviour: [{return: c}], expect: {returns: c, events: [cache.miss, ok]}}
    """)
        == []
    )


def test_the_step_that_differs_is_named(bench):
    [(field, *_)] = bench.differences("""
    - name: kept
      steps:
        - {call: shop.serve:predict, args: {x: 1}, expect: {via: function}}
        - advance: 1s
        - {call: shop.serve:predict, args: {x: 1}, expect: {via: function}}
    """)

    assert field == "step 3: via"


def test_tests_share_nothing(bench):
    test = "{name: %s, call: shop.serve:predict, args: {x: 1}, expect: {via: function}}"

    assert bench.differences(f"- {test % 'a'}\n- {test % 'b'}") == []


def test_a_bad_argument_is_refused(bench):
    assert (
        bench.differences("""
    - name: refused
      call: shop.serve:predict
      args: {x: 12}
      expect: {raises: mlpolicy.ValidationFailed, called: false, events: [validate.reject, refused]}
    """)
        == []
    )


@pytest.mark.parametrize("returned", ["{label: 3}", "{label: none}"])
def test_a_default_is_served(bench, returned):
    bench.policy("""
        version: 1
        policies:
          shop.serve:predict:
            retry: {max_attempts: 2, initial_delay: 10ms}
            validate:
              args: {x: {type: int, range: [0, 9]}}
              returns: {type: mapping, fields: {label: {type: int}}}
              on_fail: default
              default: {label: 0}
    """)
    bad = "{x: 12}" if returned == "{label: 3}" else "{x: 1}"
    called = str(bad == "{x: 1}").lower()
    events = "[validate.reject, retry.not_retryable]" if bad == "{x: 1}" else "[validate.reject]"

    assert (
        bench.differences(f"""
    - name: served
      call: shop.serve:predict
      args: {bad}
      behaviour: [{{return: {returned}}}]
      expect: {{returns: {{label: 0}}, called: {called}, via: default, events: {events}}}
    """)
        == []
    )


def test_memory_is_what_the_world_says(bench):
    assert (
        bench.differences("""
    - {name: enough, call: shop.serve:predict, args: {x: 1}, world: {memory: 90%}, expect: {called: true, slept: 0s}}
    - name: short
      call: shop.serve:predict
      args: {x: 1}
      world: {memory: 94%}
      expect: {raises: mlpolicy.MemoryPressure, called: false, slept: 2s, events: [cache.miss, memory.wait, memory.reject, refused]}
    - name: short and then enough
      steps:
        - {call: shop.serve:predict, args: {x: 1}, world: {memory: 94%}, expect: {raises: mlpolicy.MemoryPressure}}
        - {call: shop.serve:predict, args: {x: 1}, world: {memory: 40%}, expect: {called: true, slept: 0s}}
        - {call: shop.serve:predict, args: {x: 2}, world: {memory: 97%}, expect: {called: false, raises: mlpolicy.MemoryPressure}}
    """)
        == []
    )


def test_what_the_rules_warn_of_is_told_with_the_failure(bench):
    [result] = bench.run("""
    - {name: short, call: shop.serve:predict, args: {x: 1}, world: {memory: 80%}, expect: {called: false}}
    """)

    assert not result.passed
    assert any("warn_at" in text for text in result.warnings)


def test_a_coroutine_waits_for_memory_without_waiting(bench):
    bench.policy("""
        version: 1
        policies:
          shop.embed:encode: {memory: {reject_at: 90%, wait: 10m, on_pressure: default, default: []}}
    """)
    head = (
        "version: 1\npolicies: [policy.yaml]\n"
        "stubs: {'shop.embed:encode': {signature: (text), kind: coroutine}}\n"
    )
    expect = (
        "{returns: [], slept: 10m, via: default, events: [memory.wait, memory.reject, default]}"
    )

    assert bench.differences(calls("[]", expect, "world: {memory: 95%}"), head=head) == []


def test_shadow_tells_what_would_have_been(bench):
    bench.policy("""
        version: 1
        policies:
          shop.embed:encode:
            mode: shadow
            expires: 2099-01-01
            retry: {max_attempts: 3}
            validate: {args: {text: {max_len: 3}}}
    """)
    expect = "{raises: TimeoutError, attempts: 1, events: [validate.would_reject, retry.would_retry, error]}"

    assert bench.differences(calls(f"[{TIMEOUT}]", expect)) == []


def test_a_rollout_is_decided_by_its_argument(bench):
    bench.policy("""
        version: 1
        policies:
          shop.embed:encode:
            retry: {max_attempts: 2, initial_delay: 1ms, rollout: {percent: 50%, by: text}}
    """)
    expect = "{raises: TimeoutError, attempts: 2}"
    results = bench.run(
        "\n".join(
            f"- {{name: u{n}, call: shop.embed:encode, args: {{text: u{n}}}, behaviour: [{TIMEOUT}], expect: {expect}}}"
            for n in range(20)
        )
    )

    assert 3 < sum(one.passed for one in results) < 17


def test_a_function_without_a_policy_is_called_as_it_is(bench):
    head = "version: 1\npolicies: [policy.yaml]\nstubs: {'shop.other:f': {signature: ()}}\n"
    tests = "- {name: bare, call: 'shop.other:f', behaviour: [{return: 1}], expect: {returns: 1, events: [ok]}}"

    assert bench.differences(tests, head=head) == []


# --- the rarer events -----------------------------------------------------------------

RARER = {
    "an old answer stands in": (
        "cache: {ttl: 10s, max_entries: 10, stale_if_error: 1h}",
        ["[{return: 1}]", "advance 11s", f"[{TIMEOUT}]"],
        "{returns: 1, called: true, via: cache, events: [cache.stale]}",
    ),
    "an answer that nobody wanted": (
        "retry: {max_attempts: 2, initial_delay: 1ms, on_result: {is_none: true}}",
        ["[{return: null}, {return: 1}]"],
        "{returns: 1, attempts: 2, events: [retry, ok]}",
    ),
    "an answer that nobody wanted, to the end": (
        "retry: {max_attempts: 2, initial_delay: 1ms, on_result: {is_none: true}}",
        ["[{return: null}]"],
        "{returns: null, attempts: 2, events: [retry, retry.attempts_exhausted, ok]}",
    ),
    "time is over": (
        "retry: {max_attempts: 9, initial_delay: 1s, max_delay: 1s, jitter: none, max_elapsed: 5s}",
        ["[{raise: TimeoutError, takes: 2s}]"],
        "{raises: TimeoutError, attempts: 2, took: 5s, events: [retry, retry.deadline]}",
    ),
    "the other side asks for too much": (
        "retry: {retry_on: ['http:503'], retry_after: {max: 1s}}",
        ["[{raise: {error: http:503, retry_after: 1m}}]"],
        "{raises: Exception, attempts: 1, slept: 0s, events: [retry.retry_after_too_long]}",
    ),
    "a check that only warns": (
        "validate: {args: {x: {type: int}}, on_fail: warn}",
        ["[{return: 1}]"],
        "{returns: 1, events: [validate.warn, ok]}",
    ),
    "a call that goes on without memory": (
        "memory: {reject_at: 10%, wait: 1s, on_pressure: proceed}",
        ["[{return: 1}]"],
        "{returns: 1, slept: 1s, events: [memory.wait, memory.proceed, ok]}",
    ),
    "a cache in shadow": (
        "cache: {ttl: 10s, max_entries: 10, mode: shadow, expires: 2099-01-01}",
        ["[{return: 1}]", "[{return: 2}]"],
        "{returns: 2, called: true, events: [cache.would_hit, cache.would_stale_mismatch, ok]}",
    ),
}


@pytest.mark.parametrize("name", RARER)
def test_what_happens_now_and_then_is_told(bench, name):
    rule, acts, expect = RARER[name]
    bench.policy(f"version: 1\npolicies:\n  shop.serve:predict:\n    {rule}\n")
    steps = []
    for at, act in enumerate(acts):
        last = f", expect: {expect}" if at == len(acts) - 1 else ""
        if act.startswith("advance "):
            steps.append(f"    - {{advance: {act.removeprefix('advance ')}}}")
        else:
            steps.append(
                "    - {call: shop.serve:predict, args: {x: text}, world: {memory: 50%},"
                f" behaviour: {act}{last}}}"
            )

    assert bench.differences("\n".join(["- name: rare", "  steps:", *steps])) == []
