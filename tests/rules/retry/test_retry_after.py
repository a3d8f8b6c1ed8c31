"""What the other side asks for."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict

from mlpolicy.errors import MemoryPressure
from mlpolicy.rules.retry.answers import asked_pause
from tests.rules.retry import answers
from tests.rules.retry.scripts import EXACT, Script, function

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


class Keyed:
    """A container that has headers by name, and nothing else."""

    def get(self, name):
        return "7" if name == "retry-after" else None


CONTAINERS = [
    {"RETRY-AFTER": "7"},
    {"ReTrY-aFtEr": "7"},
    {b"Retry-After": b"7"},
    {"Retry-After-MS": "7000"},
    [("retry-after", "7")],
    [(b"Retry-After", b"7"), (b"date", b"")],
    ((b"RETRY-AFTER", b" 7 "),),
    {"retry-after": 7},
    {"retry-after": 7.0},
    {7: "x", None: None, "retry-after": "7"},
    httpx.Headers({"RETRY-AFTER": "7"}),
    CaseInsensitiveDict({"RETRY-AFTER": "7"}),
    HTTPHeaderDict({"RETRY-AFTER": "7"}),
    Keyed(),
]


@pytest.mark.parametrize("headers", CONTAINERS)
def test_headers_of_any_case_and_container_are_read(headers):
    assert asked(answers.Plain(headers=headers)) == 7.0


class Deep(int):
    def __ge__(self, other):
        raise RuntimeError


class Odd(str):
    def strip(self, *characters):
        raise RuntimeError


ABSURD = [
    Odd("7"),
    *("-1", "-0.0", "NaN", "inf", "-inf", "1e400", "0x10", "٣" * 5, "1_000", "+5", "5 seconds"),
    *("9" * 400, "9" * 5000, "-" + "9" * 400, "\x00", "7, 8", "Sun, 06 Nov 9999999 08:49:37 GMT"),
    *("Sun, 06 Nov 9999 23:59:59 GMT", "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, 06 Nov 1994"),
    "Sun, 06 Nov 1994 99:99:99 GMT",
    "Sun, 06 Nov 1994 08:49:37 +999999999999",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    *(10**400, -(10**400), 10**5000, float("nan"), float("inf"), -1.5, True, False, None, 1j),
    *([], ["7"], (), {}, object(), b"\xff\xfe", bytearray(b"7"), b"9" * 5000, Deep(7), lambda: 7),
]


@pytest.mark.parametrize("value", ABSURD, ids=range(len(ABSURD)))
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms", "own"])
def test_no_absurd_value_is_an_error_of_ours(name, value):
    error = answers.Plain(headers={name: value}) if name != "own" else answers.Plain()
    if name == "own":
        error.retry_after = value

    found = asked(error)

    assert found is None or found >= 0


@pytest.mark.parametrize(
    "headers",
    [
        None,
        7,
        "retry-after: 7",
        b"x",
        [7],
        [("a",)],
        [("a", "b", "c")],
        object(),
        iter([("a", "b")]),
    ],
)
def test_no_absurd_container_is_an_error_of_ours(headers):
    assert asked(answers.Plain(headers=headers)) is None


@pytest.mark.parametrize("text", ["Sun, 06 Nov 1994 08:49:37 GMT", "0", "0.0"])
def test_a_date_that_is_past_takes_no_pause_away(place, world, text):
    """The clocks of two machines differ."""
    error = answers.of_httpx(503, **{"Retry-After": text})
    fetch = place(function(Script(error)), world=world, retry={**EXACT, "max_attempts": 6})

    with pytest.raises(httpx.HTTPStatusError):
        fetch(1)

    assert world.slept == [0.2, 0.4, 0.8, 1.6, 3.2]
