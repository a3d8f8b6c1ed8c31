"""What stands in for a refused call: a value, or what another function makes."""

from __future__ import annotations

import asyncio
import logging

import pytest

from mlpolicy.errors import ValidationFailed

SCORE = {"type": "float", "range": [0, 1]}
FAILURES = "mlpolicy_validation_failures_total"


def failures(place, function, **labels):
    target = f"{function.__module__}:{function.__qualname__}"
    return place.meters.value(FAILURES, function=target, **labels)


def test_a_default_is_given_in_place_of_a_refused_call(place):
    """The caller gets the default as it stands."""

    def predict(score):
        return [score]

    place(predict, validate={"args": {"score": SCORE}, "on_fail": "default", "default": [0.5]})

    assert predict(0.25) == [0.25]
    assert predict(7) == [0.5]


def test_each_default_is_a_fresh_copy(place):
    """What a caller does to its default is no other caller's business."""

    def predict(score):
        return score

    rule = {"args": {"score": SCORE}, "on_fail": "default", "default": {"items": [1]}}
    place(predict, validate=rule)
    first = predict(7)
    first["items"].append(2)

    assert predict(7) == {"items": [1]}


def test_null_is_a_default_too(place):
    """A default of null is one."""

    def predict(score):
        return score

    place(predict, validate={"args": {"score": SCORE}, "on_fail": "default", "default": None})

    assert predict(7) is None


def test_a_default_stands_in_for_a_refused_result(place):
    """A result that is refused is replaced."""

    def predict(score):
        return score

    place(predict, validate={"returns": SCORE, "on_fail": "default", "default": 0.5})

    assert [predict(0.25), predict(7), predict(0.75)] == [0.25, 0.5, 0.75]


def fallback(*args, **kwargs):
    return args, kwargs


def refuse(*args, **kwargs):
    raise LookupError("nothing")


async def fallback_async(score):
    return -score


@pytest.mark.parametrize("specs", [{"args": {"a": SCORE}}, {"returns": {"type": "str"}}])
def test_a_default_may_be_made_by_a_function_of_the_same_arguments(place, specs, monkeypatch):
    """It gets the arguments as the function would."""
    _importable(monkeypatch)

    def predict(a, /, b, *rest, c, d=4, **more):
        return 0

    rule = {**specs, "on_fail": "default", "default": {"call": "fallbacks:fallback"}}
    place(predict, validate=rule)

    assert predict(7, 2, 3, c=5, e=6) == ((7, 2, 3), {"c": 5, "d": 4, "e": 6})


def test_an_error_of_the_defaults_function_is_the_callers(place, monkeypatch):
    """What the function raises is raised."""
    _importable(monkeypatch)

    def predict(score):
        pytest.fail("called")

    rule = {"args": {"score": SCORE}, "on_fail": "default", "default": {"call": "fallbacks:refuse"}}
    place(predict, validate=rule)

    with pytest.raises(LookupError, match="nothing"):
        predict(7)


def test_a_default_that_cannot_be_imported_leaves_the_refusal(place, caplog):
    """The call is refused, and the reason said once."""

    def predict(score):
        pytest.fail("called")

    rule = {"args": {"score": SCORE}, "on_fail": "default", "default": {"call": "no.such:thing"}}
    place(predict, validate=rule)
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        for _ in range(2):
            with pytest.raises(ValidationFailed):
                predict(7)

    assert [record.message.count("no.such:thing") for record in caplog.records] == [1]


def _importable(monkeypatch):
    import sys
    from types import ModuleType

    module = ModuleType("fallbacks")
    module.__dict__.update(fallback=fallback, refuse=refuse, fallback_async=fallback_async)
    monkeypatch.setitem(sys.modules, "fallbacks", module)


def test_coroutines_are_looked_at_when_they_are_awaited(place, monkeypatch):
    """The awaited value is the result; a default may be awaited too."""
    _importable(monkeypatch)

    async def predict(score):
        await asyncio.sleep(0)
        return score * 2

    rule = {"args": {"score": {"type": "float"}}, "returns": SCORE}
    place(
        predict,
        validate={**rule, "on_fail": "default", "default": {"call": "fallbacks:fallback_async"}},
    )

    assert asyncio.run(predict(0.25)) == 0.5
    assert asyncio.run(predict(3)) == -3


def test_a_refused_result_is_an_attempt_that_failed(place, world):
    """Retry may name ValidationFailed; the default is given when all attempts are spent."""
    results = iter([7, 8, 0.5, 7, 7, 7])

    def fetch():
        return next(results)

    retry = {"retry_on": ["mlpolicy.ValidationFailed"], "max_attempts": 3}
    rule = {"returns": SCORE, "on_fail": "default", "default": -1}
    place(fetch, world=world, retry=retry, validate=rule)

    assert fetch() == 0.5
    assert fetch() == -1
    assert failures(place, fetch, check="range", field="returns") == 5


def test_a_refusal_of_another_function_is_not_answered(place):
    """The default stands in for this rule's refusals only."""

    def inner(score):
        return score

    def caller(score):
        return inner(score)

    place(inner, validate={"args": {"score": SCORE}})
    place(caller, validate={"returns": SCORE, "on_fail": "default", "default": 0})

    with pytest.raises(ValidationFailed, match=r"inner refused: score is 7"):
        caller(7)
