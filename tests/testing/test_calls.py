"""Tests that call: the real driver, a stub, and a world in which nothing takes time."""

from __future__ import annotations

import asyncio
import os
import random
import time

import pytest

from mlpolicy.core import clock


def calls(behaviour, expect, more=""):
    return f"""
    - name: call
      call: shop.embed:encode
      args: {{text: hello}}
      behaviour: {behaviour}
      expect: {expect}
      {more}
    """


TIMEOUT = "{raise: TimeoutError}"


@pytest.mark.parametrize(
    ("behaviour", "expect"),
    [
        ("[{return: 1}]", "{returns: 1, attempts: 1, called: true, slept: 0s, events: [ok]}"),
        ("[]", "{returns: null, via: function, events: []}"),
        (f"[{TIMEOUT}, {{return: [1, 2]}}]", "{returns: [1, 2], slept: 50ms, events: [retry, ok]}"),
        (
            f"[{TIMEOUT}]",
            "{raises: TimeoutError, attempts: 3, events: [retry, retry, retry.attempts_exhausted, error]}",
        ),
        (
            "[{raise: KeyError}]",
            "{raises: LookupError, attempts: 1, via: nothing, events: [retry.not_retryable]}",
        ),
        ("[{raise: TimeoutError, takes: 1s}, {return: 1, takes: 2s}]", "{took: 3050ms}"),
        (f"[{TIMEOUT}, {TIMEOUT}, {{return: 1}}]", '{slept: "<= 150ms", took: ">= 100ms"}'),
    ],
)
def test_a_call_goes_as_expected(bench, behaviour, expect):
    assert bench.differences(calls(behaviour, expect)) == []


@pytest.mark.parametrize(
    ("behaviour", "expect", "difference"),
    [
        ("[{return: 1}]", "{returns: 2}", ("returns", "2", "1")),
        ("[{return: 1}]", "{raises: KeyError}", ("raises", "KeyError", "returned 1")),
        ("[{raise: KeyError}]", "{called: true}", ("raises", "an answer", "KeyError")),
        ("[{raise: KeyError}]", "{returns: 1}", ("returns", "1", "KeyError")),
        ("[{raise: KeyError}]", "{raises: ValueError}", ("raises", "ValueError", "KeyError")),
        (f"[{TIMEOUT}, {{return: 1}}]", "{attempts: 1}", ("attempts", "1", "2")),
        (f"[{TIMEOUT}, {{return: 1}}]", "{slept: < 50ms}", ("slept", "< 50ms", "50ms")),
        (f"[{TIMEOUT}, {{return: 1}}]", "{events: [ok]}", ("events", "[ok]", "[retry, ok]")),
        ("[{return: 1}]", "{called: false}", ("called", "false", "true")),
        ("[{return: 1}]", "{via: cache}", ("via", "cache", "function")),
    ],
)
def test_a_call_that_goes_otherwise_says_in_what(bench, behaviour, expect, difference):
    assert bench.differences(calls(behaviour, expect)) == [difference]


@pytest.mark.parametrize(
    ("gives", "returns", "difference"),
    [
        ("{a: 1, b: [1, {c: 2}]}", "{a: 1, b: [1, {c: 3}]}", ("returns.b[1].c", "3", "2")),
        ("{a: 1, b: 2}", "{a: 2, b: 3}", ("returns", "{a: 2, b: 3}", "{a: 1, b: 2}")),
        ("[1, 2]", "[1]", ("returns", "[1]", "[1, 2]")),
        ("['1']", "[1]", ("returns[0]", "1", "'1'")),
        ("nan", ".nan", ("returns", "nan", "'nan'")),
    ],
)
def test_of_an_answer_the_part_that_differs_is_told(bench, gives, returns, difference):
    found = bench.differences(calls(f"[{{return: {gives}}}]", f"{{returns: {returns}}}"))

    assert found == [difference]


def test_an_error_of_http_is_expected_as_it_is_raised(bench):
    """By its status, whatever its class is."""
    raised = "[{raise: {error: OSError, status: 503}}]"

    assert bench.differences(calls(raised, "{raises: http:503}")) == []
    assert bench.differences(calls(raised, "{raises: http:404}")) == [
        ("raises", "http:404", "OSError")
    ]


def test_where_a_stub_raises_is_nowhere(bench):
    """What raised is the test itself, not a line of anybody's code."""
    [result] = bench.run(calls("[{raise: KeyError}]", "{returns: 1}"))

    assert [one.note for one in result.differences] == [""]


def test_a_difference_names_the_rule_behind_it(bench):
    [result] = bench.run(calls(f"[{TIMEOUT}, {{return: 1}}]", "{attempts: 1}"))

    assert result.differences[0].set_at == "policy.yaml:11"


def test_nothing_sleeps_for_real(bench):
    bench.policy("""
        version: 1
        policies:
          shop.embed:encode: {retry: {max_attempts: 4, initial_delay: 1h, max_delay: 2h}}
    """)
    began = time.monotonic()

    assert bench.differences(calls(f"[{TIMEOUT}]", '{raises: TimeoutError, slept: "> 1m"}')) == []
    assert time.monotonic() - began < 2


def test_jitter_is_the_same_each_time(bench):
    bench.policy("version: 1\npolicies:\n  shop.embed:encode: {retry: 5}\n")
    told = [
        bench.differences(calls(f"[{TIMEOUT}]", "{raises: TimeoutError, slept: 0s}")) for _ in "ab"
    ]

    assert told[0] == told[1] != []


def test_a_test_leaves_the_process_as_it_was(bench, monkeypatch):
    monkeypatch.delenv("SHOP_REGION", raising=False)
    random.seed(7)
    state, before = random.getstate(), clock.now

    bench.run(calls(f"[{TIMEOUT}]", "{raises: TimeoutError}", "env_vars: {SHOP_REGION: eu}"))

    assert random.getstate() == state
    assert clock.now is before
    assert "SHOP_REGION" not in os.environ


@pytest.mark.parametrize("kind", ["function", "coroutine", "generator", "async_generator"])
def test_every_kind_of_function_is_called(bench, kind):
    head = f"""\
version: 1
policies: [policy.yaml]
stubs: {{"shop.embed:encode": {{signature: "(text, /, *more, flag=False, **rest)", kind: {kind}}}}}
"""
    tests = calls(f"[{TIMEOUT}, {{return: [1, 2]}}]", "{returns: [1, 2], attempts: 2, slept: 50ms}")

    assert bench.differences(tests, head=head) == []


def test_an_event_loop_is_left_to_others(bench):
    head = (
        "version: 1\npolicies: [policy.yaml]\n"
        "stubs: {'shop.embed:encode': {signature: (text), kind: coroutine}}\n"
    )
    bench.run(calls("[{return: 1}]", "{returns: 1}"), head=head)

    assert asyncio.run(asyncio.sleep(0, "fine")) == "fine"


@pytest.mark.parametrize(
    ("said", "attempts"),
    [
        ("http:503", 2),
        ("http:404", 1),
        ("{error: http:429, retry_after: 2s}", 2),
        ("{error: OSError, status: 500}", 2),
    ],
)
def test_an_error_may_carry_a_status(bench, said, attempts):
    bench.policy("""
        version: 1
        policies:
          shop.embed:encode: {retry: {max_attempts: 2, retry_on: ["http:5xx", "http:429"], jitter: none}}
    """)

    assert (
        bench.differences(
            calls(f"[{{raise: {said}}}]", f"{{raises: Exception, attempts: {attempts}}}")
        )
        == []
    )


def test_what_the_other_side_asks_for_is_heeded(bench):
    bench.policy("version: 1\npolicies:\n  shop.embed:encode: {retry: {retry_on: ['http:429']}}\n")
    behaviour = "[{raise: {error: http:429, retry_after: 2s, message: slow down}}, {return: 1}]"

    assert bench.differences(calls(behaviour, '{slept: ">= 2s", attempts: 2}')) == []


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit", "asyncio.CancelledError"])
def test_what_stops_a_program_can_be_raised_too(bench, error):
    assert (
        bench.differences(calls(f"[{{raise: {error}}}]", f"{{raises: {error}, attempts: 1}}")) == []
    )


# --- arrays ---------------------------------------------------------------------------


def test_arrays_are_made_and_compared(bench):
    pytest.importorskip("numpy")
    array = "{ndarray: {shape: [2, 2], dtype: float32, values: [1, 2, nan, 4]}}"

    assert bench.differences(calls(f"[{{return: {array}}}]", f"{{returns: {array}}}")) == []
    told = bench.differences(
        calls(f"[{{return: {array}}}]", "{returns: {ndarray: {shape: [2, 2]}}}")
    )
    assert [one[0] for one in told] == ["returns"] and "float32" in told[0][2]


# --- the function itself --------------------------------------------------------------


def test_the_real_function_is_called_under_its_policy(bench, monkeypatch):
    bench.allow_real = True
    monkeypatch.syspath_prepend(str(bench.folder))
    bench.folder.joinpath("real_shop.py").write_text(
        "import os\n"
        "tries = []\n"
        "def fetch(key, *, limit=3):\n"
        "    tries.append(key)\n"
        "    if len(tries) < 3:\n"
        "        raise TimeoutError\n"
        "    return f'{key}:{limit}:{os.environ[\"SHOP_REGION\"]}'\n"
        "class Store:\n"
        "    async def get(self, key):\n"
        "        return key\n"
    )
    head = "version: 1\npolicies: [policy.yaml]\nenv_vars: {SHOP_REGION: eu}\n"
    tests = """
    - {name: fetched, call: "real_shop:fetch", real: true, args: {key: k}, expect: {returns: "k:3:eu", attempts: 3, events: [retry, retry, ok]}}
    - {name: got, call: "real_shop:Store.get", real: true, args: {key: k}, expect: {returns: k, attempts: 1}}
    """
    bench.policy(
        'version: 1\npolicies:\n  all: {match: ["real_shop:*", "real_shop:Store.*"], retry: 3}\n'
    )

    assert bench.differences(tests, head=head) == []

    import real_shop

    assert real_shop.tries == ["k", "k", "k"]
    real_shop.tries.clear()
    with pytest.raises(TimeoutError):  # outside of the test it has no policy
        real_shop.fetch("x")
    assert real_shop.tries == ["x"]


def test_a_real_function_that_cannot_be_had_fails_the_test(bench):
    bench.allow_real = True
    [(field, expected, found)] = bench.differences(
        "- {name: real, call: 'shop.embed:encode', real: true, args: {text: a}, expect: {called: true}}"
    )

    assert (field, expected) == ("call", "shop.embed:encode")
    assert "cannot be imported" in found


def test_what_a_caller_does_to_an_answer_is_not_seen_by_the_next(bench):
    assert (
        bench.differences("""
    - name: changed
      steps:
        - {call: shop.serve:predict, args: {x: 1, user: [1]}, behaviour: [{return: [1]}], expect: {returns: [1]}}
        - {call: shop.serve:predict, args: {x: 1, user: [1]}, expect: {returns: [1], via: cache}}
    """)
        == []
    )


def test_a_method_needs_no_instance(bench):
    bench.policy(
        'version: 1\npolicies:\n  "shop.store:Store.get": {retry: {max_attempts: 2, initial_delay: 1ms}}\n'
    )
    head = "version: 1\npolicies: [policy.yaml]\nstubs: {'shop.store:Store.get': {signature: '(self, key)'}}\n"
    tests = f"""
    - name: got
      call: shop.store:Store.get
      args: {{key: k}}
      behaviour: [{TIMEOUT}, {{return: 1}}]
      expect: {{returns: 1, attempts: 2}}
    """

    assert bench.differences(tests, head=head) == []


def test_a_bug_in_a_rule_fails_the_test(bench, monkeypatch):
    from mlpolicy.rules.memory.step import MemoryStep

    def broken(self, ticket, call, given=None):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(MemoryStep, "admit", broken)
    told = bench.differences(
        "- {name: a, call: shop.serve:predict, args: {x: 1}, expect: {called: true}}"
    )

    assert told[0] == ("raises", "an answer", "ZeroDivisionError: ours")
