"""What the other side asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.errors import MemoryPressure
from mlpolicy.rules.retry.retry_after import asked_pause
from tests.rules.retry import answers

# Sun, 06 Nov 1994 08:49:37 GMT
NOON = 784111777.0


def asked(error):
    return asked_pause(error, now=lambda: NOON)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30.0),
        ("Sunday, 06-Nov-94 08:50:07 GMT", 30.0),
        ("Sun Nov  6 08:50:07 1994", 30.0),
        ("Sun, 06 Nov 1994 08:50:07 -0000", 30.0),
        ("Sun, 06 Nov 1994 10:50:07 +0200", 30.0),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("1e3", None),
        ("Sun, 99 Nov 1994 08:50:07 GMT", None),
        ("Sun, 06 Nov 99999 08:50:07 GMT", None),
    ],
)
def test_seconds_and_dates_are_read(text, seconds):
    error = answers.Plain(response=answers.Holder(headers={"Retry-After": text}))

    assert asked(error) == seconds


@pytest.mark.parametrize(
    "error",
    [
        answers.of_requests(429, **{"Retry-After": "7"}),
        answers.of_requests(503, **{"retry-after": "7"}),
        answers.of_httpx(429, **{"Retry-After": "7"}),
        answers.Plain(headers={"Retry-After": "7"}),
        answers.Plain(headers={"retry-after": b"7"}),
        answers.Plain(headers={"retry-after": 7}),
        answers.Plain(headers={"retry-after-ms": "7000"}),
        answers.Plain(headers={"x-ms-retry-after-ms": "7000", "retry-after": "9"}),
        answers.Plain(response={"ResponseMetadata": {"HTTPHeaders": {"retry-after": "7"}}}),
        answers.Plain(retry_after=7),
        MemoryPressure("a:b", used=1, limit=2, retry_after=7),
    ],
)
def test_it_is_read_where_libraries_keep_it(error):
    assert asked(error) == 7.0


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError(),
        answers.of_requests(429),
        answers.Plain(response=None, headers=None),
        answers.Plain(headers=["Retry-After: 7"]),
        answers.Plain(headers={"retry-after": ["7"]}),
        answers.Plain(retry_after=True),
        answers.Plain(retry_after=-1),
        answers.Plain(retry_after="7"),
        answers.Plain(retry_after=float("nan")),
    ],
)
def test_where_nothing_is_asked_nothing_is_read(error):
    assert asked(error) is None


def test_headers_that_raise_ask_for_nothing():
    class Rude:
        def get(self, name):
            raise RuntimeError(name)

    assert asked(answers.Plain(headers=Rude())) is None


def test_a_number_beyond_numbers_is_still_too_long():
    assert asked(answers.Plain(headers={"retry-after": "9" * 500})) == float("inf")


@given(st.text())
def test_no_text_is_an_error_of_ours(text):
    found = asked(answers.Plain(headers={"retry-after": text}))

    assert found is None or found >= 0


@given(st.integers(0, 10**6))
def test_milliseconds_are_a_thousandth(number):
    found = asked(answers.Plain(headers={"retry-after-ms": str(number)}))

    assert found == pytest.approx(number / 1000)
