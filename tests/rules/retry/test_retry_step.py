"""What the step decides, without a driver."""

from __future__ import annotations

import random

import pytest

from mlpolicy.core.metrics import Meters
from mlpolicy.core.site import Notes, Site
from mlpolicy.rules.retry.rule import RetryRule
from mlpolicy.rules.retry.step import REASONS, RetryStep, note, seconds
from tests.rules.retry import answers

TARGET = "shop.client:fetch"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


def made(*, notes=None, mode="enforce", now=None, draw=lambda: 0.5, **fields):
    site = Site(TARGET, meters=Meters(), notes=notes, mode=mode, source="policy.yaml:4")
    rule = RetryRule.model_validate({"jitter": "none", **fields})
    return RetryStep(rule, site, draw=draw, now=now or Clock())


def attempts(step, outcome):
    return step.site.meters.value("mlpolicy_attempts_total", function=TARGET, outcome=outcome)


def ends(step):
    """Return the reasons that were counted."""
    name = "mlpolicy_retries_total"
    counts = {
        reason: step.site.meters.value(name, function=TARGET, reason=reason) for reason in REASONS
    }
    return {reason: count for reason, count in counts.items() if count}


def test_a_failure_that_may_pass_is_followed_by_another_attempt():
    step = made()

    first = step.failed(ConnectionError(), None, None, 0)
    second = step.failed(ConnectionError(), first, None, 0)

    assert first == (2, 0.2, 100.0, 0.2)
    assert second == (3, 0.4, 100.0, pytest.approx(0.6))
    assert (attempts(step, "error"), ends(step)) == (2, {})


def test_the_last_attempt_is_followed_by_none():
    step = made()

    assert step.failed(ConnectionError(), (3, 0.4, 100.0, 0.6), None, 0) is None
    assert ends(step) == {"attempts_exhausted": 1}


def test_another_failure_is_followed_by_none():
    step, error = made(), ValueError()

    assert step.failed(error, None, None, 0) is None
    assert ends(step) == {"not_retryable": 1}
    assert not hasattr(error, "__notes__")


def test_a_seeded_chance_gives_the_same_pauses_again():
    def pauses():
        step = made(jitter="full", draw=random.Random(3).random, max_attempts=5)
        trial, found = None, []
        for _ in range(4):
            trial = step.failed(ConnectionError(), trial, None, 0)
            found.append(trial[1])
        return found

    assert pauses() == pauses()


def test_a_decorrelated_pause_grows_from_the_one_before():
    step = made(jitter="decorrelated", draw=lambda: 1.0)

    first = step.failed(ConnectionError(), None, None, 0)
    second = step.failed(ConnectionError(), first, None, 0)

    assert (first[1], second[1]) == (pytest.approx(0.6), pytest.approx(1.8))


@pytest.mark.parametrize(("gone", "goes_on"), [(0.0, True), (0.79, True), (0.81, False)])
def test_no_pause_ends_after_max_elapsed(gone, goes_on):
    clock = Clock()
    step = made(max_elapsed="1s", now=clock)
    started = clock()

    clock.time += gone
    trial = step.failed(ConnectionError(), None, started, 0)

    assert (trial is not None) is goes_on
    assert ends(step) == ({} if goes_on else {"deadline": 1})


def test_the_pause_that_does_not_fit_is_told():
    step, error = made(max_elapsed="300ms"), ConnectionError()

    trial = step.failed(error, None, 100.0, 0)

    assert step.failed(error, trial, 100.0, 0) is None
    told = "the next would begin after 600 ms, max_elapsed is 300 ms"
    assert error.__notes__ == [f"mlpolicy: {TARGET} gave up after 2 attempts and 200 ms: {told}"]


def test_a_pause_that_is_asked_for_is_kept():
    step = made()

    trial = step.failed(answers.of_requests(429, **{"Retry-After": "7"}), None, None, 0)
    assert trial is None  # a status is retried where `retry_on` names it

    step = made(retry_on=["http:429"])
    trial = step.failed(answers.of_requests(429, **{"Retry-After": "7"}), None, None, 0)
    assert trial[1] == 7.0


def test_a_pause_that_is_asked_for_is_spread_upward():
    step = made(retry_on=["http:429"], jitter="full", draw=lambda: 0.5)

    trial = step.failed(answers.of_requests(429, **{"Retry-After": "7"}), None, None, 0)

    assert trial[1] == pytest.approx(7.1)


def test_a_longer_pause_than_the_limit_fails_the_call_now():
    step = made(retry_on=["http:429"], retry_after={"max": "5s"})
    error = answers.of_requests(429, **{"Retry-After": "60"})

    assert step.failed(error, None, None, 0) is None
    assert ends(step) == {"retry_after_too_long": 1}
    assert error.__notes__ == [
        f"mlpolicy: {TARGET} gave up after 1 attempt: asked to wait 60 s, longer than 5 s"
    ]


def test_a_pause_that_is_asked_for_ends_before_max_elapsed_too():
    step = made(retry_on=["http:429"], max_elapsed="5s")

    assert step.failed(answers.of_requests(429, **{"Retry-After": "6"}), None, 100.0, 0) is None
    assert ends(step) == {"deadline": 1}


def test_a_pause_that_is_asked_for_may_be_disregarded():
    step = made(retry_on=["http:429"], retry_after={"respect": False})

    trial = step.failed(answers.of_requests(429, **{"Retry-After": "600"}), None, None, 0)

    assert trial[1] == 0.2


def test_after_the_last_attempt_it_does_not_matter_what_is_asked_for():
    step = made(retry_on=["http:429"], max_attempts=1)

    step.failed(answers.of_requests(429, **{"Retry-After": "600"}), None, None, 0)

    assert ends(step) == {"attempts_exhausted": 1}


def test_every_series_is_there_before_the_first_failure():
    step = made()

    families = {family.name: family for family in step.site.meters.collect()}

    assert {
        (name, dict(sample.labels).get("outcome") or dict(sample.labels)["reason"]): sample.value
        for name, family in families.items()
        for sample in family.samples
    } == {
        ("mlpolicy_attempts_total", "error"): 0,
        ("mlpolicy_attempts_total", "ok"): 0,
        **{("mlpolicy_retries_total", reason): 0 for reason in REASONS},
    }


def test_a_log_learns_attempts_and_the_end():
    notes = Notes()
    step = made(notes=notes)

    trial = step.failed(ConnectionError(), None, None, 8)
    assert notes[8] == {"attempts": 1}
    step.failed(ValueError(), trial, None, 8)

    decision = {"kind": "retry", "decision": "not_retryable", "source": "policy.yaml:4"}
    assert notes == {8: {"attempts": 2, "rules": [decision]}}


def test_a_log_learns_of_a_recovery():
    notes = Notes()
    step = made(notes=notes)

    trial = step.failed(ConnectionError(), None, None, 8)
    step.recovered(trial, 8)

    assert notes[8]["attempts"] == 2
    assert notes[8]["rules"][0]["decision"] == "success"
    assert (attempts(step, "ok"), attempts(step, "error")) == (1, 1)


def test_a_call_without_a_number_leaves_no_facts():
    notes = Notes()

    made(notes=notes).failed(ConnectionError(), None, None, 0)

    assert notes == {}


def test_shadow_counts_what_would_be_retried():
    step = made(mode="shadow")

    step.would_retry(ConnectionError(), None)
    step.would_retry(ValueError(), None)

    labels = {"function": TARGET, "kind": "retry", "would": "retry"}
    assert step.site.meters.value("mlpolicy_shadow_total", **labels) == 1
    assert [family.name for family in step.site.meters.collect()] == ["mlpolicy_shadow_total"]


def test_an_object_raised_again_bears_one_note():
    error = ConnectionError()
    error.add_note("mine")

    for elapsed in (0.5, 61.0):
        note(error, TARGET, 3, elapsed=elapsed, detail="")
    note(error, "shop.client:fetch_all", 2, elapsed=None, detail="")

    assert error.__notes__ == [
        "mine",
        "mlpolicy: shop.client:fetch gave up after 3 attempts and 61 s",
        "mlpolicy: shop.client:fetch_all gave up after 2 attempts",
    ]


def test_notes_of_another_sort_are_left_alone():
    error = ConnectionError()
    error.__notes__ = ("theirs",)

    note(error, TARGET, 3, elapsed=1.0, detail="")

    assert error.__notes__ == ("theirs",)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0 ms"), (0.00312, "3.12 ms"), (0.9994, "999 ms"), (1.254, "1.25 s"), (3600, "3,600 s")],
)
def test_times_are_written_for_people(number, text):
    assert seconds(number) == text
