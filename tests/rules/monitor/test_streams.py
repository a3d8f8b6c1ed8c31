"""A function that returns a stream: its call lasts until the stream ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import os
import subprocess
import sys
import types
from pathlib import Path

import flask
import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

from mlpolicy.core.classes import by_path
from mlpolicy.rules.monitor.streams import PLAIN

SOURCE = str(Path(__file__).parents[3] / "src")
QUIET = {"log": False}
OTHERS = {
    "none": {},
    "retry": {"retry": {"initial_delay": "0s"}},
    "cache": {"cache": {"ttl": "1h", "copy": "none"}},
    "shadow": {"cache": {"ttl": "1h", "mode": "shadow"}},
    "all": {
        "retry": {"initial_delay": "0s"},
        "cache": {"ttl": "1h"},
        "memory": {},
        "validate": {"args": {"count": {"type": "int"}}},
    },
}


def numbers(count, bad=None):
    """Some numbers."""
    for number in range(count):
        if number == bad:
            raise KeyError(number)
        yield number
    return "done"


async def later(count, bad=None):
    for number in range(count):
        await asyncio.sleep(0)
        if number == bad:
            raise KeyError(number)
        yield number


def read(stream):
    """Return all that a stream gives."""
    if not inspect.isasyncgen(stream):
        return list(stream)

    async def items():
        return [item async for item in stream]

    return asyncio.run(items())


@pytest.fixture(params=["def", "async def"])
def returning(request):
    """Make a function that returns what another makes, and a way to call it."""

    def made(make):
        def plain(count, bad=None):
            return make(count, bad)

        async def coroutine(count, bad=None):
            return make(count, bad)

        if request.param == "def":
            return plain, plain
        return coroutine, lambda *arguments: asyncio.run(coroutine(*arguments))

    return made


@pytest.mark.parametrize("rules", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("make", [numbers, later])
def test_a_stream_is_counted_when_it_ends(
    place, outcomes, in_flight, returning, caplog, make, rules
):
    """What it gives, and what it raises, is the call's."""
    function, call = returning(make)
    place(function, monitor=QUIET, **rules)

    stream = call(3)
    assert type(stream) is type(make(1))
    assert (outcomes(function), in_flight(function)) == ({}, 1)
    assert read(stream) == [0, 1, 2]
    assert (outcomes(function), in_flight(function)) == ({"ok": 1}, 0)
    with pytest.raises(KeyError, match="1"):
        read(call(3, 1))

    assert (outcomes(function), in_flight(function)) == ({"ok": 1, "error": 1}, 0)
    assert "by itself" not in caplog.text


@pytest.mark.parametrize("make", [numbers, later])
def test_a_stream_that_is_not_read_to_its_end_went_well(
    place, outcomes, in_flight, returning, make
):
    """Never read, closed unread, dropped half way, closed half way: each is one call."""
    function, call = returning(make)
    place(function, monitor=QUIET)

    async def halfway():
        await anext(call_here())
        stream = call_here()
        await anext(stream)
        await stream.aclose()
        await call_here().aclose()

    def call_here():
        return stack.pop()

    call(3)
    if make is later:
        stack = [call(3) for _ in range(3)]
        asyncio.run(halfway())
    else:
        next(call(3))
        stream = call(3)
        next(stream)
        stream.close()
        call(3).close()

    gc.collect()
    assert (outcomes(function), in_flight(function)) == ({"ok": 4}, 0)


def test_a_generator_is_sent_to_thrown_into_and_returns(place, outcomes):
    """The one that delegates to it is a generator of its name."""

    def echo():
        got = []
        while len(got) < 3:
            try:
                got.append((yield len(got)))
            except LookupError as error:
                got.append(type(error))
        return got

    def make():
        return echo()

    place(make, monitor=QUIET)
    stream = make()

    assert (stream.__name__, stream.__qualname__) == ("echo", echo.__qualname__)
    assert [next(stream), stream.send("a"), stream.throw(KeyError)] == [0, 1, 2]
    with pytest.raises(StopIteration) as end:
        stream.send("b")
    assert end.value.value == ["a", KeyError, "b"]
    assert outcomes(make) == {"ok": 1}


def test_an_async_generator_is_sent_to_and_thrown_into(place, outcomes):
    """Its finally runs when it is closed."""
    got = []

    async def echo():
        try:
            while True:
                try:
                    got.append((yield len(got)))
                except LookupError as error:
                    got.append(type(error))
        finally:
            await asyncio.sleep(0)
            got.append("closed")

    def make():
        return echo()

    async def use():
        stream = make()
        assert await anext(stream) == 0
        assert await stream.asend("a") == 1
        assert await stream.athrow(KeyError) == 2
        await stream.aclose()

    place(make, monitor=QUIET)
    asyncio.run(use())

    assert got == ["a", KeyError, "closed"]
    assert outcomes(make) == {"ok": 1}


def test_a_generator_that_somebody_else_holds_is_handed_out_itself(place, outcomes):
    """To let go of what would stand in for it would close it."""

    class Source:
        def __init__(self):
            self.stream = numbers(5)

        def current(self):
            return self.stream

    place(Source.current, monitor=QUIET)
    source = Source()

    assert source.current() is source.stream
    assert next(source.current()) == 0
    assert list(source.current()) == [1, 2, 3, 4]
    assert outcomes(Source.current) == {"ok": 3}


def test_a_generator_that_may_be_awaited_is_handed_out_itself(place, outcomes):
    """No other can stand in for it."""

    @types.coroutine
    def old():
        yield from asyncio.sleep(0).__await__()
        return 7

    def make():
        return old()

    async def use():
        return await make()

    place(make, monitor=QUIET)

    assert asyncio.run(use()) == 7
    assert outcomes(make) == {"ok": 1}


def test_a_context_manager_may_be_made_of_it(place, outcomes):
    """An error within it reaches the generator, and is the call's."""
    seen = []

    def guarded():
        try:
            yield 1
        except KeyError as error:
            seen.append(error)
            raise

    def make():
        return guarded()

    place(make, monitor=QUIET)
    error = KeyError("a")
    with pytest.raises(KeyError) as raised, contextlib.contextmanager(make)():
        raise error

    assert raised.value is error is seen[0]
    assert outcomes(make) == {"error": 1}


def test_streams_within_streams_are_counted_once_each(place, outcomes):
    """Two functions under policy, one of which hands out what the other gives."""

    def inner():
        return numbers(3, 2)

    def outer():
        return inner()

    place(inner, monitor=QUIET)
    place(outer, monitor=QUIET)
    with pytest.raises(KeyError):
        list(outer())

    assert (outcomes(inner), outcomes(outer)) == ({"error": 1}, {"error": 1})


def test_the_event_of_a_stream_tells_how_it_ended(place, events):
    """It is written when the stream ends, with the seconds until then."""

    def make(count, bad=None):
        return numbers(count, bad)

    place(make, monitor={"log": {"sample": "100%"}})
    stream = make(2)
    before = events()
    list(stream)
    with pytest.raises(KeyError):
        list(make(2, 1))

    assert before == []
    well, badly = events()
    assert (well["outcome"], well["output"]) == ("ok", {"type": "generator"})
    assert well["input"] == {"count": {"type": "int"}, "bad": {"type": "NoneType"}}
    assert (badly["outcome"], badly["error"]["type"]) == ("error", "KeyError")


def test_a_stream_outlives_the_policy(place, outcomes, in_flight):
    """Taken out while it is under way, the rule counts it all the same."""

    def make():
        return numbers(3)

    place(make, monitor=QUIET)
    stream = make()
    next(stream)
    place.remove()

    assert list(stream) == [1, 2]
    assert (outcomes(make), in_flight(make)) == ({"ok": 1}, 0)


def test_a_stream_that_was_begun_before_a_fork_is_the_parents(tmp_path):
    """In the child it goes on, and counts for nothing."""
    (tmp_path / "served.py").write_text("def rows():\n    return (i for i in range(3))\n")
    (tmp_path / "policy.yaml").write_text(
        "version: 1\npolicies:\n  served:rows: {monitor: {log: false}}\n"
    )
    text = """
import os, mlpolicy
mlpolicy.install(policy="policy.yaml")
import served
from mlpolicy.core.metrics import METERS
def counts():
    ok = METERS.value("mlpolicy_calls_total", function="served:rows", outcome="ok")
    return [ok, METERS.value("mlpolicy_in_flight", function="served:rows")]
stream = served.rows()
next(stream)
pid = os.fork()
if pid == 0:
    rest, found = list(stream), counts()
    list(served.rows())
    os._exit(0 if (rest, found, counts()) == ([1, 2], [0, 0], [1, 0]) else 3)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
before = counts()
list(stream)
print(code, before, counts())
"""
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(tmp_path / "plans")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.stdout == "0 [0, 1] [1, 0]\n", done.stderr


def got(app):
    """Return the text that an application answers with."""

    async def get():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return (await client.get("/")).text

    return asyncio.run(get())


@pytest.fixture
def served(place, outcomes, in_flight):
    """Serve a route by FastAPI; get its text, and how its calls ended."""

    def serve(route):
        app = FastAPI()
        app.get("/")(place(route, monitor=QUIET))
        text = got(app)
        gc.collect()
        return text, outcomes(route), in_flight(route)

    return serve


async def texts(bad=None):
    async for number in later(3, bad):
        yield str(number)


def plain_texts(bad=None):
    return map(str, numbers(3, bad))


@pytest.mark.parametrize("bad", [None, 1])
@pytest.mark.parametrize("make", [texts, plain_texts])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_streaming_response_is_counted_when_it_was_sent(served, make, asynchronous, bad):
    """An error in the middle of it is the route's."""

    class Own(StreamingResponse):
        pass

    def route():
        return Own(make(bad))

    async def route_later():
        return Own(make(bad))

    sent = served(route_later if asynchronous else route)

    assert sent == (("012", {"ok": 1}, 0) if bad is None else ("0", {"error": 1}, 0))


def test_a_middleware_that_hands_on_a_response_is_counted_when_it_was_sent(place, outcomes):
    """Its response is a stream whatever the route gives."""

    async def dispatch(request, call_next):
        return await call_next(request)

    app = FastAPI()
    app.add_middleware(BaseHTTPMiddleware, dispatch=place(dispatch, monitor=QUIET))
    app.get("/")(lambda: StreamingResponse(texts()))

    assert got(app) == "012"
    assert outcomes(dispatch) == {"ok": 1}


def test_a_response_that_is_never_sent_went_well(place, outcomes, in_flight):
    """It is counted when it is gone."""

    def route():
        return StreamingResponse(texts())

    place(route, monitor=QUIET)
    route()

    gc.collect()
    assert (outcomes(route), in_flight(route)) == ({"ok": 1}, 0)


@pytest.mark.parametrize("bad", [None, 1])
def test_a_response_of_flask_is_counted_when_it_was_sent(place, outcomes, in_flight, bad):
    """The generator of its body is what is read; one of text is no stream."""

    def route():
        return flask.Response(str(number) for number in numbers(3, bad))

    def text():
        return flask.Response("012")

    app = flask.Flask("served")
    app.get("/")(place(route, monitor=QUIET))
    app.get("/text")(place(text, monitor=QUIET))
    client = app.test_client()
    with contextlib.suppress(KeyError):
        assert client.get("/").text == "012"
    assert client.get("/text").text == "012"

    assert (outcomes(text), in_flight(text)) == ({"ok": 1}, 0)
    assert (outcomes(route), in_flight(route)) == ({"ok" if bad is None else "error": 1}, 0)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("bad", [None, 1])
def test_a_response_of_django_is_counted_when_it_was_sent(place, outcomes, asynchronous, bad):
    """Its `streaming_content` is what is read."""
    http = pytest.importorskip("django.http")
    conf = pytest.importorskip("django.conf")
    if not conf.settings.configured:
        conf.settings.configure()

    def view():
        return http.StreamingHttpResponse(texts(bad) if asynchronous else plain_texts(bad))

    async def read_later(response):
        return b"".join([part async for part in response])

    place(view, monitor=QUIET)
    response = view()
    with contextlib.suppress(KeyError):
        body = asyncio.run(read_later(response)) if asynchronous else response.getvalue()
        assert body == b"012"
    response.close()

    assert outcomes(view) == {"ok" if bad is None else "error": 1}


def test_events_of_sse_starlette_are_counted_when_they_were_sent(served):
    """Its response is none of Starlette's streams."""
    sse = pytest.importorskip("sse_starlette.sse")

    def route():
        return sse.EventSourceResponse(texts(), sep="\n")

    text, *counted = served(route)

    assert text.count("data:") == 3
    assert counted == [{"ok": 1}, 0]


class Odd(type):
    """A class of classes that cannot be hashed."""

    __hash__ = None

    def __eq__(cls, other):
        raise AssertionError


def test_what_is_no_stream_is_handed_out_as_it_is(place, outcomes, caplog):
    """Whatever its class is; one that is not there for good is not kept."""
    local = type("Local", (), {})
    values = [None, 1, [1], iter([1]), map(str, [1]), local(), Odd("Odd", (), {})(), numbers]

    def give(value):
        return value

    place(give, monitor=QUIET)

    assert all(give(value) is value for value in values for _ in range(2))
    assert outcomes(give) == {"ok": 2 * len(values)}
    assert local not in PLAIN
    assert not caplog.records


def test_a_class_is_known_by_its_path_and_by_those_it_derives_from():
    """Whatever its metaclass says."""
    own = type("Own", (StreamingResponse,), {})
    table = {"starlette.responses.StreamingResponse": 1}

    assert by_path(own, table) == 1
    assert by_path(dict, table) is None
    assert by_path(Odd("Odd", (), {"__module__": "starlette.responses"}), table) is None
