"""What is used up by the first who reads it is kept for nobody, wherever in a result it is."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import csv
import dataclasses
import functools
import http.client
import io
import itertools
import logging
import socket
import sqlite3
import tempfile
import threading
import types
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import attrs
import flask
import httpx
import pydantic
import pytest
import requests as requests_library
from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse

MODES = ["auto", "none", "shallow", "deep", "readonly"]

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def numbers():
    yield 1


async def later():
    yield b"1"


async def coroutine():
    return 1


class Own:
    """An iterator of the user's."""

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


@dataclasses.dataclass
class Record:
    item: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    item: Any


class Pair(NamedTuple):
    item: Any
    other: int = 0


class Model(pydantic.BaseModel):
    item: Any = None
    _private: Any = pydantic.PrivateAttr(None)


class Open(pydantic.BaseModel, extra="allow"):
    pass


@attrs.define
class Defined:
    item: Any


class Plain:
    def __init__(self, item):
        self.item = item


class Slotted:
    __slots__ = ("item",)

    def __init__(self, item):
        self.item = item


class Lazily(Plain):
    """Computes whatever it is asked for."""

    def __getattr__(self, name):
        raise AssertionError(name)

    __iter__ = __len__ = __eq__ = __bool__ = __getattr__
    __hash__ = object.__hash__
    item = property(lambda self: pytest.fail("asked"), lambda self, item: vars(self).update(x=item))


def privately(item):
    model = Model()
    model._private = item
    return model


ONCE = {
    "generator": numbers,
    "async generator": later,
    "coroutine": coroutine,
    "map": lambda: map(str, [1]),
    "filter": lambda: filter(None, [1]),
    "zip": lambda: zip([1], [2], strict=True),
    "list iterator": lambda: iter([1]),
    "chain": lambda: itertools.chain([1]),
    "tee": lambda: itertools.tee([1])[0],
    "own": Own,
    "csv": lambda: csv.reader(["a"]),
    "bytes": lambda: io.BytesIO(b"a"),
    "text": lambda: io.StringIO("a"),
    "file": lambda: open(__file__),
    "binary file": lambda: open(__file__, "rb"),
    "temporary file": tempfile.NamedTemporaryFile,
    "cursor": lambda: sqlite3.connect(":memory:").execute("select 1"),
    "httpx": lambda: httpx.Response(200, content=numbers()),
    "requests": lambda: requested(read=False),
    "starlette": lambda: StreamingResponse(later()),
    "starlette list": lambda: StreamingResponse(["a"]),
    "starlette file": lambda: FileResponse(__file__),
    "flask": lambda: flask.Response(numbers()),
}
INSIDE = {
    "itself": lambda item: item,
    "list": lambda item: [1, item],
    "tuple": lambda item: (item,),
    "dict": lambda item: {"a": 1, "b": item},
    "dict of lists": lambda item: {"a": [{"b": (1, [item])}]},
    "ordered": lambda item: collections.OrderedDict(a=item),
    "deque": lambda item: collections.deque([item]),
    "mapping": lambda item: types.MappingProxyType({"a": item}),
    "user dict": lambda item: collections.UserDict(a=item),
    "dataclass": Record,
    "frozen": Frozen,
    "named tuple": Pair,
    "model": lambda item: Model(item=item),
    "private": privately,
    "extra": lambda item: Open(item=item),
    "attrs": Defined,
    "object": Plain,
    "slots": Slotted,
    "lazily": Lazily,
    "object in a dict": lambda item: [{"a": Plain([item])}],
    "namespace": lambda item: types.SimpleNamespace(a=item),
    "after many": lambda item: [*range(3000), item],
    "partial": lambda item: functools.partial(print, item),
}


def requested(*, read):
    response = requests_library.Response()
    response.status_code, response.raw = 200, io.BytesIO(b"abc")
    if read:
        assert response.content == b"abc"
    return response


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("make", "inside"),
    [(ONCE[one], INSIDE[how]) for one in ONCE for how in ("itself", "dict", "object")]
    + [(ONCE[one], INSIDE[how]) for one in ("generator", "bytes", "httpx") for how in INSIDE],
)
def test_what_is_used_up_by_its_use_is_computed_for_each_caller(
    place, requests, caplog, make, inside, mode
):
    """Under every mode; it is counted as what could not be kept, and the log says once why."""
    results = []

    def load():
        results.append(inside(make()))
        return results[-1]

    place(load, cache={"ttl": "1h", "copy": mode})

    assert [load() is results[-1] for _ in range(3)] == [True] * 3
    assert len(results) == 3
    assert requests(load) == {"error": 3}
    assert len(caplog.records) == 1
    assert "is not cached" in caplog.text


@pytest.mark.parametrize("mode", MODES)
def test_objects_within_objects_are_looked_into(place, mode):
    """As deep as a wrapper in a wrapper."""
    load = place(lambda: Plain({"a": Plain([numbers()])}), cache={"ttl": "1h", "copy": mode})

    assert load() is not load()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [Record, Plain, Model])
def test_what_a_class_holds_is_looked_at_each_time(place, requests, kind, mode):
    """A field may hold a list today and a generator tomorrow."""

    def load(key, item):
        return kind(item=item)

    place(load, cache={"ttl": "1h", "copy": mode, "key": ["key"]})
    for key in range(2):
        assert load(key, [1]).item == load(key, None).item == [1]
    stream = numbers()
    for _ in range(2):
        assert load(3, stream).item is stream

    assert requests(load) == {"hit": 2, "miss": 2, "error": 2}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sse_starlette.sse", "EventSourceResponse"),
        ("django.http.response", "StreamingHttpResponse"),
        ("aiohttp.web_response", "StreamResponse"),
        ("aiohttp.client_reqrep", "ClientResponse"),
        ("starlette.middleware.base", "_StreamingResponse"),
    ],
)
def test_responses_are_known_by_the_path_of_their_class(place, module, name, mode):
    """Those that derive from them too; no library is imported."""
    known = type(name, (), {"__module__": module})
    own = type("Own", (known,), {})
    calls = []

    def load(inside):
        calls.append(1)
        return [own()] if inside else own()

    place(load, cache={"ttl": "1h", "copy": mode})
    for inside in (False, False, True, True):
        load(inside)

    assert len(calls) == 4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_response_of_httpx_is_kept_once_it_was_read(place, requests, mode, library):
    """What was streamed from the server is there for one; what was read, for all."""
    httpx = pytest.importorskip(library)

    class Unread(httpx.SyncByteStream):
        def __iter__(self):
            yield b"abc"

    def fetch(read):
        transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Unread()))
        client = httpx.Client(transport=transport)
        response = client.send(client.build_request("GET", "http://here"), stream=True)
        if read:
            response.read()
        return response

    place(fetch, cache={"ttl": "1h", "copy": mode})

    assert [fetch(False).read() for _ in range(2)] == [b"abc"] * 2
    assert [fetch(True).content for _ in range(2)] == [b"abc"] * 2
    assert requests(fetch).get("hit") == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_response_of_requests_is_kept_once_it_was_read(place, requests, mode):
    """Its `raw` is used up, its `content` is not."""

    def fetch():
        return requested(read=True)

    place(fetch, cache={"ttl": "1h", "copy": mode})

    assert [fetch().content for _ in range(2)] == [b"abc"] * 2
    assert requests(fetch) == {"miss": 1, "hit": 1}


def entered():
    manager = contextlib.contextmanager(numbers)()
    manager.__enter__()
    return manager


def connected():
    connection = http.client.HTTPConnection("here")
    connection.sock, other = socket.socketpair()
    connection.file = connection.sock.makefile("rb")
    other.close()
    return connection


def cyclic():
    made = Plain(None)
    made.item = [made]
    return made


HANDLES = {
    "client": httpx.Client,
    "session": requests_library.Session,
    "connection": connected,
    "pool of connections": lambda: Plain([socket.socket()]),
    "database": lambda: sqlite3.connect(":memory:"),
    "pool": lambda: concurrent.futures.ThreadPoolExecutor(1),
    "counter": lambda: Plain(itertools.count()),
    "logger": lambda: Plain(logging.getLogger("own")),
    "log file": lambda: Plain(tempfile.TemporaryFile("w")),  # noqa: SIM115 (it is what is kept)
    "binary log file": lambda: Plain(open("/dev/null", "wb")),
    "entered": lambda: Plain(entered()),
    "task": lambda: Plain(asyncio.Future(loop=LOOP)),
    "mock": lambda: Plain(MagicMock()),
    "lock": lambda: Plain(threading.Lock()),
    "function": lambda: numbers,
    "class": lambda: Own,
    "module": lambda: io,
    "cycle": cyclic,
    "in memory": lambda: flask.Response("abc"),
    "list in memory": lambda: flask.Response(["a", "b"]),
}
LOOP = asyncio.new_event_loop()
LOOP.close()


@pytest.mark.parametrize("make", HANDLES.values(), ids=HANDLES)
def test_a_handle_is_kept_as_it_is(place, caplog, make):
    """What it has for its own use is not the result: sockets, counters, logs, tasks."""
    load = place(lambda: make(), cache={"ttl": "1h", "copy": "none"})

    assert load() is load()
    assert not caplog.records


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [numbers, lambda: {"a": io.BytesIO(b"abc")}])
def test_callers_that_wait_for_a_stream_make_their_own(place, make, mode):
    """Nobody gets what another reads, in tasks or in threads."""

    async def load_later():
        await asyncio.sleep(0.01)
        return make()

    def load():
        threading.Event().wait(0.05)
        return make()

    async def tasks():
        return await asyncio.gather(*(load_later() for _ in range(5)))

    place(load, cache={"ttl": "1h", "copy": mode})
    place(load_later, cache={"ttl": "1h", "copy": mode})

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        results = list(pool.map(lambda _: load(), range(5)))
    results += asyncio.run(tasks())
    assert len({id(one) for one in results}) == 10


@pytest.mark.parametrize("make", [numbers, lambda: {"a": zip()}, lambda: StreamingResponse([])])
def test_in_shadow_a_stream_is_nothing_that_would_be_kept(place, make):
    """It is neither read nor counted as a hit."""
    load = place(lambda: make(), cache={"ttl": "1h", "mode": "shadow"})

    for _ in range(3):
        load()

    target = f"{load.__module__}:{load.__qualname__}"
    labels = {"function": target, "kind": "cache", "would": "hit"}
    assert place.meters.value("mlpolicy_shadow_total", **labels) == 0


def test_an_old_result_stands_in_for_a_failure_and_no_stream_does(place, world):
    """A stream that was given meanwhile has not taken its place."""
    answers = [[1], numbers(), OSError()]

    def load():
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    place(load, world=world, cache={"ttl": "1s", "copy": "none", "stale_if_error": "1h"})
    first = load()
    world.advance(2)
    next(load())

    assert load() is first == [1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("content", [later, lambda: map(str, [1]), lambda: ["1"]])
def test_a_route_that_streams_answers_in_full_each_time(place, content, mode):
    """The second request gets what the first has got."""

    def route():
        return StreamingResponse(content())

    async def get():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return [(await client.get("/")).text for _ in range(3)]

    app = FastAPI()
    app.get("/")(place(route, cache={"ttl": "1h", "copy": mode}))

    assert asyncio.run(get()) == ["1"] * 3


@pytest.mark.parametrize("mode", MODES)
def test_a_view_that_streams_answers_in_full_each_time(place, mode):
    """A response of Flask is kept where its body is in memory, and only there."""

    def streams():
        calls.append(1)
        return flask.Response(str(number) for number in numbers())

    def text():
        calls.append(1)
        return flask.Response("1")

    app, calls = flask.Flask("served"), []
    app.get("/streams")(place(streams, cache={"ttl": "1h", "copy": mode}))
    app.get("/text")(place(text, cache={"ttl": "1h", "copy": mode}))
    client = app.test_client()

    assert [client.get("/streams").text for _ in range(3)] == ["1"] * 3
    assert [client.get("/text").text for _ in range(3)] == ["1"] * 3
    assert len(calls) == 4
