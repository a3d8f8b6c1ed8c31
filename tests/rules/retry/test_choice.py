"""Whether an error is retried: what beats what, and statuses."""

from __future__ import annotations

import urllib.error
from email.message import Message
from http import HTTPStatus

import pytest

from mlpolicy.errors import MemoryPressure, ValidationFailed
from mlpolicy.rules.retry.exceptions import PROGRAMMING, Choice
from tests.rules.retry import answers


def retries(error, retry_on=("transient",), give_up_on=()):
    return Choice(retry_on, give_up_on).retries(error)


def test_give_up_on_beats_retry_on():
    assert not retries(ConnectionResetError(), ["OSError"], ["ConnectionError"])
    assert not retries(TimeoutError(), ["TimeoutError"], ["TimeoutError"])
    assert retries(PermissionError(), ["OSError"], ["ConnectionError"])


@pytest.mark.parametrize("cls", [*PROGRAMMING, ModuleNotFoundError, UnboundLocalError])
def test_mistakes_of_the_program_are_retried_only_by_name(cls):
    assert not retries(cls(), ["Exception"])
    assert retries(cls(), [cls.__name__])


def test_a_mistake_is_named_by_its_own_class_or_one_between():
    assert retries(ModuleNotFoundError(), ["ImportError"])
    assert not retries(ImportError(), ["ModuleNotFoundError"])
    assert not retries(NotImplementedError(), ["RuntimeError"])
    assert retries(RuntimeError(), ["RuntimeError"])


def test_refusals_are_retried_only_by_name():
    refused, pressed = ValidationFailed("a:b", []), MemoryPressure("a:b", used=1, limit=2)

    assert not retries(refused, ["Exception"])
    assert not retries(refused, ["ValueError"])
    assert not retries(pressed, ["Exception", "mlpolicy.ValidationFailed"])
    assert not retries(pressed, ["mlpolicy.errors.MlpolicyError"])
    assert retries(refused, ["mlpolicy.ValidationFailed"])
    assert not retries(pressed, ["mlpolicy.CallRefused"], ["mlpolicy.MemoryPressure"])


@pytest.mark.parametrize(
    "error",
    [
        answers.Plain(status_code=503),
        answers.Plain(status=503),
        answers.Plain(code=503),
        answers.Plain(code=lambda: 503),
        answers.Plain(code=lambda: HTTPStatus.SERVICE_UNAVAILABLE),
        answers.Plain(getcode=lambda: 503),
        answers.RpcError(503),
        urllib.error.HTTPError("http://localhost/", 503, "busy", Message(), None),
        answers.Plain(response=answers.Holder(status_code=503)),
        answers.Plain(response=answers.Holder(status=503)),
        answers.Plain(response={"ResponseMetadata": {"HTTPStatusCode": 503}}),
        answers.of_requests(503),
        answers.of_httpx(503),
    ],
)
def test_an_http_status_is_read_where_libraries_keep_it(error):
    assert retries(error, ["http:5xx"])
    assert retries(error, ["http:503"])
    assert not retries(error, ["http:500", "http:4xx"])
    assert not retries(error, ["Exception"], ["http:503"])


@pytest.mark.parametrize("status", [None, True, "503", 5, 700, 503.0])
def test_what_is_no_http_status_is_not_taken_for_one(status):
    assert not retries(answers.Plain(status=status), ["http:5xx", "http:1xx"])


def test_one_class_is_judged_by_each_status_anew():
    choice = Choice(["http:5xx", "requests.HTTPError"], ["http:404"])

    found = [choice.retries(answers.of_requests(status)) for status in (503, 404, 500, 404)]

    assert found == [True, False, True, False]


def test_an_attribute_that_raises_is_no_status():
    class Rude(Exception):
        @property
        def status_code(self):
            raise RuntimeError

        def code(self):
            raise RuntimeError

    assert not retries(Rude(), ["http:5xx", "grpc:UNAVAILABLE"])


def test_a_grpc_code_is_read_by_name():
    assert retries(answers.of_grpc("UNAVAILABLE"), ["grpc:UNAVAILABLE"])
    assert not retries(answers.of_grpc("INVALID_ARGUMENT"), ["grpc:UNAVAILABLE"])
    assert not retries(answers.of_grpc("ABORTED"), ["Exception"], ["grpc:ABORTED"])
    assert retries(answers.of_google("RESOURCE_EXHAUSTED"), ["grpc:RESOURCE_EXHAUSTED"])


@pytest.mark.parametrize(
    ("group", "held"),
    [
        ("transient", {"UNAVAILABLE", "DEADLINE_EXCEEDED"}),
        ("network", {"UNAVAILABLE"}),
        ("timeout", {"DEADLINE_EXCEEDED"}),
        ("throttle", {"RESOURCE_EXHAUSTED"}),
    ],
)
def test_groups_take_grpc_errors_by_code(group, held):
    codes = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL")

    assert {code for code in codes if retries(answers.of_grpc(code), [group])} == held


def test_throttle_takes_429_and_the_codes_of_aws():
    assert retries(answers.of_requests(429), ["throttle"])
    assert not retries(answers.of_requests(503), ["throttle"])
    assert retries(answers.of_aws("ThrottlingException", 400), ["throttle"])
    assert not retries(answers.of_aws("ValidationException", 400), ["throttle"])
    assert not retries(answers.of_requests(429), ["transient"])


def test_classes_made_at_run_time_are_not_kept_for_ever():
    choice = Choice(["transient"], [])

    for _ in range(2000):
        choice.retries(type("Fleeting", (ConnectionError,), {})())

    assert len(choice._known) <= 256


class Dynamic(Exception):
    def __getattr__(self, name):
        if name == "status_code":
            return 503
        raise AttributeError(name)


class Slots(Exception):
    __slots__ = ("status",)


class Method(Exception):
    def code(self):
        return 503


@pytest.mark.parametrize("error", [Dynamic(), Slots(), Method(), ValueError(), Exception()])
def test_a_status_is_found_wherever_an_error_carries_it(error):
    """Whether its class has a place for one, or it was hung on this one alone."""
    choice = Choice(["http:503"], [])
    if isinstance(error, Slots):
        error.status = 503
    carries = type(error) not in (ValueError, Exception)

    assert choice.retries(error) is carries
    error.response = type("Response", (), {"status_code": 503})
    assert choice.retries(error)
    assert choice.retries(type(error)()) is (carries and not isinstance(error, Slots))
