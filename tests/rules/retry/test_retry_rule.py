"""What an operator may write, and what is found wrong with it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlpolicy.core.model import docstrings
from mlpolicy.core.quantity import Duration
from mlpolicy.rules.retry import KIND
from mlpolicy.rules.retry.check import check, worst_asked, worst_pause
from mlpolicy.rules.retry.rule import RetryAfter, RetryRule, UnwantedResult


def rule(**fields):
    return RetryRule.model_validate(fields)


def found(**fields):
    return [(code, field) for code, field, _ in check(rule(**fields))]


def refused(**fields):
    """Return (code or type, place) of each error."""
    with pytest.raises(ValidationError) as caught:
        rule(**fields)
    return [(one["type"], one["loc"]) for one in caught.value.errors()]


def test_the_defaults_retry_what_may_pass_twice():
    assert rule().model_dump() == {
        "max_attempts": 3,
        "retry_on": ("transient",),
        "give_up_on": (),
        "backoff": "exponential",
        "initial_delay": Duration(0.2),
        "multiplier": 2.0,
        "max_delay": Duration(10),
        "jitter": "full",
        "max_elapsed": None,
        "retry_after": {"respect": True, "max": Duration(30)},
        "on_result": None,
        "idempotent": None,
    }
    assert list(check(rule())) == []


def test_everything_may_be_written():
    written = rule(
        max_attempts=5,
        retry_on=["http:5xx", "requests.Timeout"],
        give_up_on=["http:501"],
        backoff="linear",
        initial_delay="10ms",
        multiplier=3,
        max_delay="1m",
        jitter="equal",
        max_elapsed="20s",
        retry_after={"respect": False},
        on_result={"equals": "pending"},
        idempotent=True,
    )

    assert (written.retry_on, written.give_up_on) == (
        ("http:5xx", "requests.Timeout"),
        ("http:501",),
    )
    assert (written.max_delay, written.max_elapsed) == (Duration(60), Duration(20))
    assert written.retry_after == RetryAfter(respect=False)
    assert written.on_result == UnwantedResult(equals="pending")


@pytest.mark.parametrize("key", ["budget", "by_class", "max_retries"])
def test_other_keys_are_unknown(key):
    assert refused(**{key: 1}) == [("extra_forbidden", (key,))]


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"max_attempts": 0}, [("greater_than_equal", ("max_attempts",))]),
        ({"max_attempts": True}, [("int_type", ("max_attempts",))]),
        ({"multiplier": float("inf")}, [("finite_number", ("multiplier",))]),
        ({"initial_delay": 1}, [("MP101", ("initial_delay",))]),
        ({"jitter": "half"}, [("literal_error", ("jitter",))]),
        ({"retry_on": "transient"}, [("tuple_type", ("retry_on",))]),
        ({"retry_on": ["transient", "ValueErorr"]}, [("MP603", ("retry_on", 1))]),
        ({"give_up_on": ["http:9xx"]}, [("MP603", ("give_up_on", 0))]),
        ({"retry_on": ["KeyboardInterrupt"]}, [("MP605", ("retry_on", 0))]),
        ({"retry_on": ["asyncio.CancelledError"]}, [("MP605", ("retry_on", 0))]),
        ({"on_result": {}}, [("MP010", ("on_result",))]),
        ({"on_result": {"is_none": True, "equals": 1}}, [("MP010", ("on_result",))]),
    ],
)
def test_a_wrong_value_is_found_where_it_stands(fields, errors):
    assert refused(**fields) == errors


def test_the_message_of_a_misspelt_error_offers_the_right_one():
    with pytest.raises(ValidationError, match="did you mean `ValueError`"):
        rule(retry_on=["ValueErorr"])


@pytest.mark.parametrize(
    ("fields", "findings"),
    [
        ({"initial_delay": "20s"}, [("MP602", "initial_delay")]),
        ({"initial_delay": "1s", "max_delay": "20ms"}, [("MP602", "max_delay")]),
        ({"initial_delay": "8s", "max_elapsed": "5s"}, [("MP602", "initial_delay")]),
        ({"multiplier": 0.5}, [("MP602", "multiplier")]),
        ({"max_elapsed": "100ms"}, [("MP602", "max_elapsed")]),
        ({"max_elapsed": "200ms"}, []),
        ({"retry_on": ["Exception"]}, [("MP605", "retry_on.0")]),
        ({"retry_on": ["TypeError"]}, [("MP605", "retry_on.0")]),
        ({"retry_on": ["KeyError"]}, [("MP605", "retry_on.0")]),
        ({"retry_on": ["ModuleNotFoundError"]}, [("MP605", "retry_on.0")]),
        ({"retry_on": ["OSError", "ValueError"]}, []),
        ({"jitter": "none"}, [("MP608", "jitter")]),
        ({"jitter": "none", "max_attempts": 2}, []),
        ({"jitter": "none", "initial_delay": "0s"}, []),
        ({"max_attempts": 10}, []),
        ({"max_attempts": 11}, [("MP609", "max_attempts")]),
        ({"max_attempts": 10, "max_delay": "1h"}, [("MP609", "max_delay")]),
        ({"max_attempts": 10, "max_delay": "1h", "max_elapsed": "50s"}, []),
        ({"max_attempts": 1, "jitter": "none"}, [("MP611", "max_attempts")]),
        ({"max_attempts": 1, "on_result": {"is_none": True}}, [("MP611", "max_attempts")]),
        ({"retry_on": []}, [("MP611", "retry_on")]),
        ({"retry_on": [], "on_result": {"is_none": True}}, []),
    ],
)
def test_settings_that_make_no_sense_together_are_found(fields, findings):
    assert found(**fields) == findings


@pytest.mark.parametrize(
    ("retried", "given_up", "contradicts"),
    [
        ("ConnectionError", "ConnectionError", True),
        ("ConnectionError", "OSError", True),
        ("ConnectionError", "Exception", True),
        ("OSError", "ConnectionError", False),
        ("requests.Timeout", "requests.Timeout", True),
        ("requests.Timeout", "requests.RequestException", False),
        ("requests.Timeout", "Exception", True),
        ("http:429", "http:4xx", True),
        ("http:4xx", "http:429", False),
        ("http:429", "http:5xx", False),
        ("http:429", "throttle", True),
        ("grpc:UNAVAILABLE", "network", True),
        ("grpc:UNAVAILABLE", "grpc:UNAVAILABLE", True),
        ("grpc:UNAVAILABLE", "timeout", False),
        ("network", "transient", True),
        ("timeout", "transient", True),
        ("transient", "network", False),
        ("transient", "transient", True),
        ("transient", "OSError", False),
        ("ConnectionResetError", "network", True),
        ("ConnectionResetError", "timeout", False),
        ("http:503", "Exception", True),
    ],
)
def test_what_is_given_up_and_retried_is_found(retried, given_up, contradicts):
    findings = found(retry_on=[retried], give_up_on=[given_up])

    assert findings == ([("MP610", "give_up_on.0")] if contradicts else [])


def test_the_worst_pause_is_the_sum_of_the_longest():
    assert worst_pause(rule(max_attempts=4)) == pytest.approx(1.4)
    assert worst_pause(rule(max_attempts=4, max_elapsed="1s")) == 1.0


@pytest.mark.parametrize(
    ("fields", "worst"),
    [
        ({"max_attempts": 4, "initial_delay": "50ms"}, 90.35),
        ({"max_attempts": 4, "initial_delay": "50ms", "jitter": "none"}, 90.0),
        ({"max_attempts": 2, "initial_delay": "1m", "max_delay": "1m", "jitter": "none"}, 60.0),
        ({"max_attempts": 4, "max_elapsed": "20s"}, 20.0),
        ({"max_attempts": 3, "retry_after": {"max": "1s"}, "jitter": "none"}, 2.0),
        ({"retry_on": ["http:503"], "jitter": "none"}, 60.0),
        ({"retry_on": ["OSError"], "jitter": "none"}, 60.0),
        ({"retry_on": ["mlpolicy.MemoryPressure"], "jitter": "none"}, 60.0),
        ({"retry_on": [], "on_result": {"status": [503]}, "jitter": "none"}, 60.0),
        ({"retry_on": ["ConnectionError", "ConnectionResetError", "TimeoutError"]}, None),
        ({"retry_on": [], "on_result": {"is_none": True}}, None),
        ({"retry_after": {"respect": False}}, None),
    ],
)
def test_the_worst_case_counts_what_the_other_side_may_ask_for(fields, worst):
    """Where an error or an answer that can ask is retried."""
    asked = worst_asked(rule(**fields))

    assert asked == (None if worst is None else pytest.approx(worst))


def test_statuses_of_results_are_written_as_numbers_or_texts():
    assert rule(on_result={"status": [503, "5xx", "429"]}).on_result == UnwantedResult(
        status=("503", "5xx", "429")
    )


@pytest.mark.parametrize("status", [700, 99, "http:503", "5XX", "abc", -1, "", 5033])
def test_what_is_no_status_is_refused(status):
    assert refused(on_result={"status": [status]}) == [("MP010", ("on_result", "status", 0))]


@pytest.mark.parametrize(
    "wish",
    [{"status": []}, {"is_none": True, "status": [503]}, {"equals": "a", "status": [503]}, {}],
)
def test_one_thing_is_said_of_results(wish):
    assert refused(on_result=wish) == [("MP010", ("on_result",))]


def test_the_words_of_habit_name_fields():
    fields = RetryRule.model_fields

    assert KIND.shorthand in fields
    inner = {*RetryAfter.model_fields, *UnwantedResult.model_fields}
    for word, meant in KIND.synonyms.items():
        assert meant.field in (inner if "." in word else fields)
    assert not set(KIND.synonyms) & set(fields)
    assert KIND.synonyms["max_retries"].shift == 1
    assert KIND.synonyms["tries"].shift == 0


def test_every_setting_is_explained():
    for model in (RetryRule, RetryAfter, UnwantedResult):
        assert docstrings(model).keys() >= model.model_fields.keys()


def test_the_kind_finds_its_parts():
    assert KIND.rule_model() is RetryRule
    assert KIND.step_class().kind == KIND.name
    assert KIND.ask("check", rule(max_attempts=1))[0][:2] == ("MP611", "max_attempts")
