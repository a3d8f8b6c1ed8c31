"""Answers that are returned, not raised: their status is read as that of an error is."""

from __future__ import annotations

import asyncio
import gc
import http
import http.client
import io
import types
import urllib.response
from dataclasses import dataclass
from typing import NamedTuple

import httpx
import pydantic
import pytest
import requests
import urllib3

from mlpolicy.rules.retry.answers import NO_ANSWERS, NO_STATUS, closing
from mlpolicy.rules.retry.libraries import ANSWERS
from tests.rules.retry.scripts import (
    EXACT,
    Script,
    async_generator,
    coroutine,
    function,
    generator,
    retries,
    run,
)

NAMED = {**EXACT, "retry_on": ["http:503"]}


def of_requests(status, **headers):
    answer = requests.Response()
    answer.status_code = status
    answer.headers.update(headers)
    answer.raw = urllib3.HTTPResponse(io.BytesIO(b"later"), preload_content=False)
    return answer


def of_httpx(status, **headers):
    return httpx.Response(status, headers=headers)


def of_urllib3(status, **headers):
    body = io.BytesIO(b"later")
    return urllib3.HTTPResponse(body, headers, status, preload_content=False)


def of_urllib(status, **headers):
    return urllib.response.addinfourl(io.BytesIO(b"later"), headers, "http://localhost/", status)


class _Socket:
    def __init__(self, text):
        self._text = text

    def makefile(self, *_):
        return io.BytesIO(self._text)


def of_http(status, **headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    text = f"HTTP/1.1 {status} No\r\n{lines}Content-Length: 5\r\n\r\nlater"
    answer = http.client.HTTPResponse(_Socket(text.encode()))
    answer.begin()
    return answer


def stub(module, name, **methods):
    """An answer of a library that is not installed here."""
    return type(name, (), {"__module__": module, **methods})


def of_aiohttp(status, **headers):
    def release(self):
        self.closed = True

    made = stub("aiohttp.client_reqrep", "ClientResponse", release=release)()
    made.__dict__.update(status=status, _headers=headers, closed=False)
    type(made).headers = property(lambda self: self._headers)
    return made


def of_fork(status, **headers):
    def close(self):
        self.closed = True

    made = stub("httpx2", "Response", close=close)()
    made.__dict__.update(status_code=status, headers=headers, closed=False)
    return made


class Session(requests.Response):
    """A user's own answer, of a class derived from a client's."""


def of_own(status, **headers):
    answer = of_requests(status, **headers)
    answer.__class__ = Session
    return answer


CLIENTS_ANSWERS = [
    of_requests,
    of_httpx,
    of_urllib3,
    of_urllib,
    of_http,
    of_aiohttp,
    of_fork,
    of_own,
]
answered = pytest.mark.parametrize("answer", CLIENTS_ANSWERS)


@dataclass
class Told:
    status_code: int


class Slotted:
    __slots__ = ("status",)

    def __init__(self, status):
        self.status = status


class Fields(NamedTuple):
    code: int


class Model(pydantic.BaseModel):
    status: int


class Fixed:
    status_code = 503


def of_class(status):
    return type("Fixed", (), {"code": status})()


PLAIN = [Told, Slotted, Fields, lambda code: Model(status=code), of_class]
PLAIN += [lambda code: types.SimpleNamespace(status=code, code="E1")]
PLAIN += [lambda code: Told(http.HTTPStatus(code)), lambda code: of_mock(code)]
PLAIN += [lambda code: {"status": code, "body": b""}]


def of_mock(status):
    from unittest.mock import Mock

    return Mock(status_code=status)


@pytest.mark.parametrize("make", [function, coroutine])
@pytest.mark.parametrize(
    "retry",
    [
        {},
        {"retry_on": ["http:503"]},
        {"retry_on": ["http:5xx"]},
        {"retry_on": [], "on_result": {"status": [503]}},
        {"retry_on": [], "on_result": {"status": ["5xx"]}},
        {"retry_on": ["ValueError"], "on_result": {"status": [429, 503]}},
    ],
)
@answered
def test_a_returned_status_is_asked_for_again(place, world, make, retry, answer):
    """Of whatever client, as if it had been raised."""
    bad, good = answer(503), answer(200)
    script = Script(bad, bad, good)
    fetch = place(make(script), world=world, retry={**EXACT, **retry})

    assert called(fetch) is good
    assert (script.calls, world.slept) == (3, [0.2, 0.4])
    assert retries(place, fetch, "success") == 1


@pytest.mark.parametrize("plain", PLAIN)
def test_a_status_that_is_held_as_data_is_read(place, world, plain):
    bad, good = plain(503), plain(200)
    script = Script(bad, good)
    fetch = place(function(script), world=world, retry=NAMED)

    assert (fetch(1), script.calls) == (good, 2)


@pytest.mark.parametrize("plain", PLAIN)
def test_a_group_means_answers_of_clients_alone(place, world, plain):
    """An area of the code 503 is no failure."""
    area = plain(503)
    script = Script(area)
    fetch = place(function(script), world=world, retry=EXACT)

    assert (fetch(1), script.calls) == (area, 1)


@answered
@pytest.mark.parametrize("make", [function, coroutine])
def test_the_last_answer_is_returned(place, world, make, answer):
    """Never raised, and left open for whoever asked."""
    answers = [answer(503) for _ in range(3)]
    script = Script(*answers)
    fetch = place(make(script), world=world, retry=EXACT)

    assert called(fetch) is answers[2]
    assert retries(place, fetch, "attempts_exhausted") == 1
    if answer is not of_httpx:
        assert [_closed(one) for one in answers] == [True, True, False]


def called(made):
    """Call what is made; an answer may be an iterator, too."""
    result = made(1)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


def _closed(answer):
    if isinstance(answer, requests.Response):
        return answer.raw.closed
    return answer.closed if not isinstance(answer, http.client.HTTPResponse) else answer.isclosed()


@pytest.mark.parametrize(
    ("retry", "status", "calls"),
    [
        ({"retry_on": ["http:5xx"], "give_up_on": ["http:501"]}, 501, 1),
        ({"retry_on": ["http:5xx"], "give_up_on": ["http:501"]}, 502, 3),
        ({"retry_on": ["transient"], "give_up_on": ["http:5xx"]}, 503, 1),
        ({"on_result": {"status": ["5xx"]}, "give_up_on": ["http:501"]}, 501, 1),
        ({"on_result": {"status": [404]}}, 404, 3),
        ({"retry_on": ["transient"]}, 408, 3),
        ({"retry_on": ["transient"]}, 502, 3),
        ({"retry_on": ["transient"]}, 504, 3),
        ({"retry_on": ["transient"]}, 500, 1),
        ({"retry_on": ["transient"]}, 429, 1),
        ({"retry_on": ["transient", "throttle"]}, 429, 3),
        ({"retry_on": ["network"]}, 504, 1),
        ({"retry_on": ["timeout"]}, 504, 3),
        ({"retry_on": ["ConnectionError"]}, 503, 1),
        ({"retry_on": ["http:503"]}, 200, 1),
        ({"retry_on": ["http:503"]}, None, 1),
        ({"retry_on": ["http:5xx"]}, True, 1),
        ({"retry_on": ["http:5xx"]}, "503", 1),
        ({"retry_on": ["http:5xx"]}, 5030, 1),
    ],
)
def test_a_status_is_judged_by_both_lists(place, world, retry, status, calls):
    script = Script(of_requests(status))
    fetch = place(function(script), world=world, retry={**EXACT, **retry})

    fetch(1)

    assert script.calls == calls


@answered
def test_a_pause_that_an_answer_asks_for_is_kept(place, world, answer):
    script = Script(answer(503, **{"Retry-After": "7"}), answer(200))
    fetch = place(function(script), world=world, retry=NAMED)

    fetch(1)

    assert world.slept == [7.0]


def test_an_answer_that_asks_for_too_long_is_returned_at_once(place, world):
    answer = of_requests(503, **{"Retry-After": "9999"})
    script = Script(answer)
    fetch = place(function(script), world=world, retry=NAMED)

    assert (fetch(1), script.calls) == (answer, 1)
    assert retries(place, fetch, "retry_after_too_long") == 1


def test_answers_and_errors_share_the_attempts(place, world):
    last = of_httpx(503)
    script = Script(of_httpx(503), ConnectionError("reset"), last)
    fetch = place(function(script), world=world, retry=EXACT)

    assert (fetch(1), script.calls) == (last, 3)


def test_a_result_may_be_named_beside_a_status(place, world):
    script = Script(None, of_httpx(503), "value")
    settings = {**EXACT, "on_result": {"is_none": True}}
    fetch = place(function(script), world=world, retry=settings)

    assert (fetch(1), script.calls) == ("value", 3)


@pytest.mark.parametrize("make", [generator, async_generator])
def test_answers_that_are_yielded_are_no_results(place, world, make):
    answer = of_httpx(503)
    script = Script(answer)
    fetch = place(make(script), world=world, retry=NAMED)

    assert (run(fetch), script.calls) == (answer, 1)


def test_shadow_counts_answers(place, world):
    answer = of_requests(503)
    script = Script(answer)
    fetch = place(function(script), world=world, retry={**EXACT, "mode": "shadow"})

    assert (fetch(1), script.calls) == (answer, 1)
    labels = {"function": f"{fetch.__module__}:{fetch.__qualname__}", "kind": "retry"}
    assert place.meters.value("mlpolicy_shadow_total", **labels, would="retry") == 1
    assert not _closed(answer)


class AsyncStream(httpx.AsyncByteStream):
    closed = False

    async def __aiter__(self):
        yield b"later"

    async def aclose(self):
        await asyncio.sleep(0)
        self.closed = True


class Stream(httpx.SyncByteStream):
    closed = False

    def __iter__(self):
        yield b"later"

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("make", "stream"), [(function, Stream), (coroutine, Stream), (coroutine, AsyncStream)]
)
def test_a_streamed_body_gives_its_connection_back(place, world, make, stream):
    bad, good = httpx.Response(503, stream=stream()), httpx.Response(200)
    fetch = place(make(Script(bad, good)), world=world, retry=NAMED)

    assert called(fetch) is good
    assert bad.stream.closed


def test_nothing_is_awaited_where_nothing_can_be(place, world):
    """A plain function that hands out an answer of an asynchronous client."""
    bad, good = httpx.Response(503, stream=AsyncStream()), httpx.Response(200)
    fetch = place(function(Script(bad, good)), world=world, retry=NAMED)

    assert fetch(1) is good
    gc.collect()  # a coroutine that nobody awaits would warn


@pytest.mark.parametrize("make", [function, coroutine])
def test_an_answer_that_cannot_be_closed_fails_no_call(place, world, caplog, make):
    def close(self):
        raise RuntimeError("already")

    bad = stub("requests.models", "Response", status_code=503, close=close)()
    fetch = place(make(Script(bad, "value")), world=world, retry=NAMED)

    assert called(fetch) == "value"
    assert caplog.records == []


class Rude:
    """Objects of others: whatever is asked of them by their own code is an error."""

    def __getattr__(self, name):
        raise AssertionError(name)

    def __getattribute__(self, name):
        raise AssertionError(name)

    @property
    def status_code(self):
        raise AssertionError

    @property
    def __class__(self):
        raise AssertionError

    def __eq__(self, other):
        raise AssertionError

    __hash__ = None


class Lazy:
    """A proxy: its dictionary is that of something that would have to be made first."""

    @property
    def __dict__(self):
        raise AssertionError

    status = property(lambda self: pytest.fail("asked"))


class Unhashable(type):
    __hash__ = None


@pytest.mark.parametrize("retry", [NAMED, EXACT])
@pytest.mark.parametrize("cls", [Rude, Lazy, Unhashable("Odd", (), {}), requests.Session, object])
def test_no_code_of_a_result_runs(place, world, caplog, retry, cls):
    result, calls = cls(), []

    def fetch():
        calls.append(1)
        return result

    place(fetch, world=world, retry=retry)

    assert fetch() is result
    assert fetch() is result
    assert (len(calls), caplog.records) == (2, [])


class Bare:
    __slots__ = ()


class Sometimes:
    """Answers of one class, of which some have a status."""

    def __init__(self, **held):
        vars(self).update(held)


@pytest.mark.parametrize(
    ("retry", "known"), [(NAMED, NO_STATUS), (EXACT, NO_ANSWERS)], ids=["named", "default"]
)
def test_a_class_without_a_status_is_asked_once(place, retry, known):
    fetch = place(function(Script(Bare())), retry=retry)

    fetch(1)

    assert Bare in known
    known.discard(Bare)


def test_a_class_is_not_judged_by_its_first_instance(place, world):
    script = Script(Sometimes(value=1), Sometimes(status_code=503), Sometimes(value=2))
    fetch = place(function(script), world=world, retry=NAMED)

    assert (fetch(1).value, fetch(1).value, script.calls) == (1, 2, 3)


@pytest.mark.parametrize(
    "make", [Told, Slotted, Fields, lambda code: {"status": code} if code else {}]
)
def test_a_class_with_a_status_is_not_judged_by_one_that_has_none_yet(place, world, make):
    first, last = make(None), make(200)
    script = Script(first, make(503), last)
    fetch = place(function(script), world=world, retry=NAMED)

    assert fetch(1) is first
    assert fetch(1) is last
    assert script.calls == 3


def test_results_cost_nothing_where_no_status_is_named(place):
    fetch = place(function(Script(1)), retry={"retry_on": ["ConnectionError"]})

    assert "wants_again" not in place.source(fetch)


@pytest.mark.parametrize("annotation", ["int", "str | None", "list[float]", int])
def test_results_cost_nothing_where_they_are_scalars(place, annotation):
    made = function(Script(1))
    made.__annotations__["return"] = annotation
    fetch = place(made, retry={})

    assert "wants_again" not in place.source(fetch)


def test_clients_that_are_installed_have_the_methods_that_close():
    installed = (httpx.Response, requests.Response, urllib3.HTTPResponse, http.client.HTTPResponse)
    for cls in (*installed, urllib.response.addinfourl):
        assert all(callable(getattr(cls, name)) for name in closing(cls))
        assert closing(cls)
    assert {"aiohttp", "httpcore"} <= {name.partition(".")[0] for name in ANSWERS}
