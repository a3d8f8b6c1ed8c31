"""Names of errors: what they say, and which classes they take."""

from __future__ import annotations

import http.client
import json
import sys
from types import ModuleType

import httpx
import pytest
import requests

from mlpolicy.errors import MemoryPressure, ValidationFailed
from mlpolicy.rules.retry.exceptions import (
    Builtin,
    Choice,
    Path,
    SpellingError,
    Status,
    parse,
)
from mlpolicy.rules.retry.libraries import GROUPS


def retries(error, retry_on=("transient",), give_up_on=()):
    return Choice(retry_on, give_up_on).retries(error)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("transient", GROUPS["transient"]),
        ("ValueError", Builtin(ValueError)),
        ("IOError", Builtin(OSError)),
        ("builtins.ValueError", Builtin(ValueError)),
        ("requests.Timeout", Path("requests.Timeout")),
        ("http:429", Status("429")),
        ("http:5xx", Status("5xx")),
        ("grpc:UNAVAILABLE", Status("UNAVAILABLE")),
    ],
)
def test_a_name_says_what_it_means(text, name):
    assert parse(text) == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ValueErorr", "did you mean `ValueError`?"),
        ("transiant", "did you mean `transient`?"),
        ("mlpolicy.MemoryPresure", "did you mean `mlpolicy.MemoryPressure`?"),
        ("MemoryPressure", "did you mean `mlpolicy.MemoryPressure`?"),
        ("int", "`int` is not an exception"),
        ("", "`` is not an exception"),
        ("builtins.Nothing", "`builtins.Nothing` is not an exception"),
        *((text, "`requests.Timeout`, `http:503`") for text in ("ReadTimeout", "a b", "503")),
        *((text, "expected a name") for text in ("http:600", "http:50x", "grpc:14", "status:-")),
        *((text, "expected a name") for text in ("grpc:unavailable", "requests:Timeout")),
    ],
)
def test_a_misspelt_name_is_told(text, said):
    with pytest.raises(SpellingError) as caught:
        parse(text)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError(),
        ConnectionResetError(),
        BrokenPipeError(),
        TimeoutError(),
        http.client.RemoteDisconnected(),
        http.client.IncompleteRead(b""),
        requests.ConnectionError(),
        requests.ConnectTimeout(),
        requests.ReadTimeout(),
        requests.Timeout(),
        requests.exceptions.ChunkedEncodingError(),
        requests.exceptions.ProxyError(),
        httpx.ConnectError("no"),
        httpx.ReadTimeout("no"),
        httpx.PoolTimeout("no"),
        httpx.ReadError("no"),
        httpx.RemoteProtocolError("no"),
    ],
    ids=lambda error: f"{type(error).__module__}.{type(error).__name__}",
)
def test_transport_errors_are_transient(error):
    assert retries(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(),
        FileNotFoundError(),
        PermissionError(),
        ValueError(),
        RuntimeError(),
        requests.HTTPError(),
        requests.exceptions.JSONDecodeError("no", "", 0),
        requests.exceptions.InvalidURL(),
        requests.TooManyRedirects(),
        json.JSONDecodeError("no", "", 0),
        httpx.UnsupportedProtocol("no"),
        httpx.LocalProtocolError("no"),
        httpx.InvalidURL("no"),
        httpx.DecodingError("no"),
        httpx.HTTPStatusError("no", request=None, response=None),
    ],
    ids=lambda error: f"{type(error).__module__}.{type(error).__name__}",
)
def test_other_errors_are_not_transient(error):
    assert not retries(error)


@pytest.mark.parametrize(
    ("module", "name", "bases", "held"),
    [
        ("aiohttp.client_exceptions", "ClientConnectionError", (), True),
        ("aiohttp.client_exceptions", "ClientPayloadError", (), True),
        ("aiohttp.client_exceptions", "ContentTypeError", (), False),
        ("botocore.exceptions", "HTTPClientError", (), True),
        ("botocore.exceptions", "NoCredentialsError", (), False),
        ("httpx2", "NetworkError", (), True),
        ("httpx2", "TimeoutException", (), True),
        ("httpcore2", "ProxyError", (), True),
        ("httpx2", "UnsupportedProtocol", (), False),
        ("httpx2", "DecodingError", (), False),
        ("openai", "APIConnectionError", (), True),
        ("openai", "BadRequestError", (), False),
        ("redis.exceptions", "ConnectionError", (), True),
        ("redis.exceptions", "TimeoutError", (), True),
        ("redis.exceptions", "ResponseError", (), False),
        ("redis.exceptions", "AuthenticationError", (ConnectionError,), False),
        ("urllib3.exceptions", "ProtocolError", (), True),
        ("urllib3.exceptions", "LocationParseError", (ValueError,), False),
        ("myapp.clients", "ClientConnectionError", (), False),
    ],
)
def test_libraries_are_known_by_package_and_name(module, name, bases, held):
    cls = type(name, bases or (Exception,), {"__module__": module})

    assert retries(type("Closer", (cls,), {})()) is held


def test_network_and_timeout_are_the_halves_of_transient():
    assert retries(ConnectionError(), ["network"])
    assert not retries(requests.ReadTimeout(), ["network"])
    assert retries(requests.ReadTimeout(), ["timeout"])
    assert not retries(ConnectionError(), ["timeout"])
    # This one is both.
    assert retries(requests.ConnectTimeout(), ["network"])
    assert retries(requests.ConnectTimeout(), ["timeout"])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("requests.ConnectionError", requests.ConnectTimeout()),
        ("requests.exceptions.ConnectionError", requests.ConnectionError()),
        ("requests.RequestException", requests.HTTPError()),
        ("httpx.ReadTimeout", httpx.ReadTimeout("no")),
        ("asyncio.TimeoutError", TimeoutError()),
        ("socket.timeout", TimeoutError()),
        ("json.JSONDecodeError", json.JSONDecodeError("no", "", 0)),
        ("mlpolicy.ValidationFailed", ValidationFailed("a:b", [])),
        ("mlpolicy.errors.ValidationFailed", ValidationFailed("a:b", [])),
        ("mlpolicy.MemoryPressure", MemoryPressure("a:b", used=1, limit=2)),
        ("mlpolicy.CallRefused", MemoryPressure("a:b", used=1, limit=2)),
    ],
)
def test_a_path_takes_the_class_where_it_is_defined_and_where_it_is_offered(text, error):
    assert retries(error, [text])


def test_a_path_takes_no_class_of_the_same_name_elsewhere():
    class ConnectionError(Exception):
        __module__ = "shop.billing"
        __qualname__ = "ConnectionError"

    assert not retries(ConnectionError(), ["requests.ConnectionError"])
    assert not retries(ConnectionError(), ["shop.users.ConnectionError"])
    assert not retries(ConnectionError(), ["ConnectionError"])
    assert retries(ConnectionError(), ["shop.billing.ConnectionError"])
    assert retries(ConnectionError(), ["shop.ConnectionError"])


def test_what_a_module_offers_decides_between_classes_of_one_name(monkeypatch):
    def make(module):
        return type("Full", (Exception,), {"__module__": module, "__qualname__": "Full"})

    offered, other = make("depot.disk"), make("depot.queue")
    package = ModuleType("depot")
    package.Full = offered
    monkeypatch.setitem(sys.modules, "depot", package)

    assert retries(offered(), ["depot.Full"])
    assert not retries(other(), ["depot.Full"])


def test_a_nested_class_is_named_by_its_qualified_name(monkeypatch):
    class Client:
        class Busy(Exception):
            __module__ = "depot.client"
            __qualname__ = "Client.Busy"

    assert retries(Client.Busy(), ["depot.client.Client.Busy"])
    assert retries(Client.Busy(), ["depot.Client.Busy"])
    package = ModuleType("depot")
    package.Client = Client
    monkeypatch.setitem(sys.modules, "depot", package)
    assert retries(Client.Busy(), ["depot.Client.Busy"])


def test_an_alias_in_a_module_imported_later_is_seen_then(monkeypatch):
    class Hidden(Exception):
        __module__ = "inner.parts"

    choice = Choice(["outer.Public"], [])
    before = choice.retries(Hidden())
    outer = ModuleType("outer")
    outer.Public = Hidden
    monkeypatch.setitem(sys.modules, "outer", outer)

    assert (before, choice.retries(Hidden())) == (False, True)


def test_a_class_of_the_program_itself_goes_by_its_import_name(monkeypatch):
    class Busy(Exception):
        __module__ = "__main__"
        __qualname__ = "Busy"

    main = ModuleType("__main__")
    main.__spec__ = type("Spec", (), {"name": "shop.serve"})
    monkeypatch.setitem(sys.modules, "__main__", main)

    assert retries(Busy(), ["shop.serve.Busy"])


def test_no_module_is_imported_for_a_name(monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)

    assert not retries(ValueError(), ["wave.Error"])
    assert "wave" not in sys.modules
