"""What becomes of a call whose arguments or result are refused."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from mlpolicy.core.site import Notes, Parameter, Site
from mlpolicy.core.step import Answer, Refuse
from mlpolicy.errors import Failure, ValidationFailed
from mlpolicy.rules.validate.rule import ValidateRule
from mlpolicy.rules.validate.step import ValidateStep

SCORE = {"type": "float", "range": [0, 1]}
FAILURES = "mlpolicy_validation_failures_total"


def failures(place, function, **labels):
    target = f"{function.__module__}:{function.__qualname__}"
    return place.meters.value(FAILURES, function=target, **labels)


def test_a_refused_call_does_not_reach_the_function(place):
    """The function is not called at all."""

    def predict(score):
        pytest.fail("called")

    place(predict, validate={"args": {"score": SCORE}})

    with pytest.raises(ValidationFailed, match=r"score is 2, expected between 0 and 1$"):
        predict(2)


def test_a_refused_result_does_not_reach_the_caller(place):
    """`returns` is what the caller may rely on."""

    def predict():
        return float("nan")

    place(predict, validate={"returns": SCORE})

    with pytest.raises(ValidationFailed, match="returns is nan, expected between 0 and 1"):
        predict()


def test_the_error_has_no_other_error_behind_it(place):
    """Values that cannot be compared leave no trace of our own attempts in the traceback."""

    def predict(score):
        pytest.fail("called")

    place(predict, validate={"args": {"score": {"type": "str", "enum": ["a"]}}})
    with pytest.raises(ValidationFailed) as caught:
        predict([])

    assert caught.value.__context__ is None


def test_the_functions_own_errors_pass_as_they_are(place):
    """What the function raises is the same object."""
    error = ValueError("mine")

    def predict(score):
        raise error

    place(predict, validate={"args": {"score": SCORE}, "returns": SCORE})
    with pytest.raises(ValueError) as caught:
        predict(0.5)

    assert caught.value is error


def test_a_warning_is_said_once_and_the_call_goes_on(place, caplog):
    """Each check of each argument warns once; every failure counts."""

    def predict(score):
        return score

    place(predict, validate={"args": {"score": SCORE}, "on_fail": "warn"})
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        assert [predict(7), predict(8), predict("x")] == [7, 8, "x"]

    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "score fails range: it is int, expected between 0 and 1; the call goes on (said once)",
        "score fails type: it is str, expected float; the call goes on (said once)",
    ]
    assert failures(place, predict, check="range", field="score") == 2
    assert failures(place, predict, check="type", field="score") == 1


def test_shadow_counts_and_changes_nothing(place, caplog):
    """Refusals are counted, and no more."""

    def predict(score):
        return score

    rule = {"args": {"score": SCORE}, "returns": SCORE, "mode": "shadow"}
    place(predict, validate={**rule, "on_fail": "default", "default": 0})
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        assert [predict(0.5), predict(7)] == [0.5, 7]

    target = f"{predict.__module__}:{predict.__qualname__}"
    labels = {"function": target, "kind": "validate", "would": "reject"}
    assert place.meters.value("mlpolicy_shadow_total", **labels) == 2  # the argument, the result
    assert failures(place, predict, check="range", field="score") == 0
    assert caplog.records == []


def test_every_check_has_its_counter_from_the_start(place):
    """Series are zero before the first failure, and their labels come from the policy."""

    def predict(user, score):
        return user

    user = {"type": "mapping", "required": ["id"], "fields": {"id": {"type": "str", "min_len": 2}}}
    place(predict, validate={"args": {"user": user, "score": {"range": [0, 1], "finite": True}}})
    series = {
        (dict(sample.labels)["field"], dict(sample.labels)["check"])
        for family in place.meters.collect()
        if family.name == FAILURES
        for sample in family.samples
    }

    assert series == {
        ("user", "type"), ("user", "not_null"), ("user.id", "required"), ("user.id", "type"),
        ("user.id", "not_null"), ("user.id", "min_len"), ("score", "range"), ("score", "finite"),
    }  # fmt: skip


def refusals(place, function):
    target = f"{function.__module__}:{function.__qualname__}"
    return place.meters.value("mlpolicy_refusals_total", function=target, kind="validate")


@pytest.mark.parametrize("names", [{"args": {"score": SCORE}}, {"returns": SCORE}])
def test_refused_calls_are_counted_by_kind(place, names):
    """One is zero before the first call; calls that got a default or a warning are not refused."""

    def strict(score):
        return score

    def lenient(score):
        return score

    def careless(score):
        return score

    place(strict, validate=names)
    place(lenient, validate={**names, "on_fail": "default", "default": 0})
    place(careless, validate={**names, "on_fail": "default", "default": {"call": "no.such:thing"}})
    for function in (strict, careless):
        assert refusals(place, function) == 0
        with pytest.raises(ValidationFailed):
            function(7)
    lenient(7)

    assert [refusals(place, one) for one in (strict, lenient, careless)] == [1, 0, 1]


def test_the_arguments_of_generators_are_looked_at_when_they_begin(place):
    """The result of a generator is no single value, so `returns` does not hold for it."""

    def count(limit):
        yield from range(limit)

    place(count, validate={"args": {"limit": {"type": "int"}}, "returns": {"type": "str"}})

    assert list(count(3)) == [0, 1, 2]
    with pytest.raises(ValidationFailed, match="limit is float 1.5, expected int"):
        list(count(1.5))


def test_a_generator_that_is_refused_gives_nothing(place):
    """With a default it ends at once, and the function does not begin."""

    def count(limit):
        pytest.fail("begun")
        yield

    rule = {"args": {"limit": {"type": "int"}}, "on_fail": "default", "default": 0}
    place(count, validate=rule)

    assert list(count("x")) == []


def test_arguments_may_hide_in_stars(place, caplog):
    """`*rest` is looked at as a tuple, and a name that `**more` takes by its name."""

    def predict(*rest, **more):
        return rest, more

    place(
        predict, validate={"args": {"rest": {"min_len": 1}, "score": SCORE, "more": {"max_len": 2}}}
    )

    assert predict(1, score=0.5) == ((1,), {"score": 0.5})
    assert predict(1, other="x") == ((1,), {"other": "x"})
    with pytest.raises(ValidationFailed) as caught:
        predict(score=5, a=1, b=2)
    assert [one.where for one in caught.value.failures] == ["rest", "score", "more"]


def test_a_name_that_is_no_argument_is_skipped_and_said_once(place, caplog):
    """The rest of the rule holds."""

    def predict(score):
        return score

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        place(predict, validate={"args": {"scroe": SCORE, "score": SCORE}})
    with pytest.raises(ValidationFailed):
        predict(7)

    assert predict(1) == 1
    assert len(caplog.records) == 1
    assert "has no argument `scroe`" in caplog.text


def test_methods_are_looked_at_by_their_arguments(place):
    """`self` is an argument as others are."""

    class Model:
        def predict(self, score):
            return score

    place(Model.predict, validate={"args": {"score": SCORE}})

    assert Model().predict(1) == 1
    with pytest.raises(ValidationFailed, match="score is 7"):
        Model().predict(7)


def site(**changes):
    return Site("m:f", parameters=(Parameter("x", "positional"),), source="p.yaml:4", **changes)


def test_the_step_says_what_is_wrong_as_a_verdict():
    """Steps are asked without a driver."""
    rule = ValidateRule.model_validate({"args": {"x": SCORE}})
    step = ValidateStep(rule, site(notes=Notes()))

    verdict = step.refused_input(5, (7,), None)

    assert step.refused_input(5, (0.5,), None) is None
    assert isinstance(verdict, Refuse)
    expected = Failure("x", "x", "range", "7", "between 0 and 1")
    assert verdict.error.failures == (expected,)
    note = {"kind": "validate", "decision": "reject", "source": "p.yaml:4"}
    assert step.site.notes == {5: {"rules": [note]}}


def test_the_log_learns_of_a_default():
    """The outcome of such a call is `fallback`."""
    rule = {"args": {"x": SCORE}, "on_fail": "default", "default": 0}
    step = ValidateStep(ValidateRule.model_validate(rule), site(notes=Notes()))

    assert step.refused_input(5, (7,), None) == Answer(0)
    note = {"kind": "validate", "decision": "default", "source": "p.yaml:4"}
    assert step.site.notes == {5: {"rules": [note], "outcome": "fallback"}}


def test_a_large_batch_is_taken_by_the_generated_lines(place):
    """After the first array of a class and dtype the method is not asked again."""

    def predict(x):
        return len(x)

    spec = {"type": "ndarray", "dtype": ["float32", "float64"], "shape": [None, 2], "range": [0, 1]}
    place(predict, validate={"args": {"x": spec}})
    predict(np.zeros((1, 2)))
    step = place.step(predict, "validate")
    step.refused_input = step._inputs = None  # whoever asks it gets an error

    assert predict(np.ones((5, 2))) == 5
