"""Clients and decorators that retry by themselves, in what functions use."""

from __future__ import annotations

import sys
import types
from types import SimpleNamespace

import backoff
import httpx
import pytest
import requests
import stamina
import tenacity
import urllib3
from requests.adapters import HTTPAdapter

from mlpolicy.install import registry
from mlpolicy.install.lookup import find
from mlpolicy.rules.retry.lint import nested


def stub(module, name, *bases, **held):
    """An object as a library that is not installed here makes it."""
    made = type(name, bases, {"__module__": module})()
    made.__dict__.update(held)
    return made


def openai(retries, package="openai"):
    base = type("BaseClient", (), {"__module__": f"{package}._base_client"})
    return stub(package, "OpenAI", base, max_retries=retries)


def resource(retries):
    base = type("SyncAPIResource", (), {"__module__": "openai._resource"})
    made = stub("openai.resources.chat", "Completions", base, _client=openai(retries))
    type(made).create = lambda self: None
    return made


def aws(**retries):
    base = type("BaseClient", (), {"__module__": "botocore.client"})
    config = stub("botocore.config", "Config", retries=retries)
    return stub("botocore.client", "S3", base, _client_config=config)


def session(retries):
    made = requests.Session()
    made.mount("https://", HTTPAdapter(max_retries=retries))
    return made


def pool(**settings):
    return urllib3.PoolManager(**settings)


def decorated(decorator):
    def made():
        return 1

    return decorator(made)


FOUND = [
    (openai(2), ("openai", 3)),
    (openai(5), ("openai", 6)),
    (openai(4, "anthropic"), ("anthropic", 5)),
    (openai(1, "groq"), ("groq", 2)),
    (resource(2), ("openai", 3)),
    (resource(3).create, ("openai", 4)),
    (aws(mode="legacy"), ("botocore", 5)),
    (aws(total_max_attempts=8), ("botocore", 8)),
    (session(4), ("requests", 5)),
    (session(urllib3.Retry(total=6, connect=2)), ("requests", 7)),
    (HTTPAdapter(max_retries=2), ("requests", 3)),
    (pool(), ("urllib3", 4)),
    (pool(retries=1), ("urllib3", 2)),
    (pool(retries=urllib3.Retry(9)), ("urllib3", 10)),
    (httpx.Client(transport=httpx.HTTPTransport(retries=3)), ("httpx", 4)),
    (httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=1)), ("httpx", 2)),
    (decorated(tenacity.retry(stop=tenacity.stop_after_attempt(4))), ("tenacity", 4)),
    (tenacity.Retrying(stop=tenacity.stop_after_attempt(2)), ("tenacity", 2)),
    (decorated(backoff.on_exception(backoff.expo, ValueError, max_tries=5)), ("backoff", 5)),
    (decorated(stamina.retry(on=ValueError, attempts=6)), ("stamina", 6)),
]
NOT_FOUND = [
    openai(0),
    aws(total_max_attempts=1),
    session(0),
    requests.Session(),
    pool(retries=False),
    pool(retries=0),
    httpx.Client(),
    SimpleNamespace(max_retries=3),
    stub("elsewhere", "BaseClient", max_retries=3),
    type("Rude", (), {"max_retries": property(lambda _: pytest.fail("asked"))})(),
    None,
    3,
]


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("served")
    monkeypatch.setitem(sys.modules, "served", made)

    def define(text, **held):
        made.__dict__.update(held)
        exec(text, made.__dict__)
        return made

    return define


def looked(made, name="fetch"):
    return nested(find(made, name), registry.own_of)


@pytest.mark.parametrize(("client", "calls"), FOUND)
def test_what_a_function_uses_is_found_with_its_calls(module, client, calls):
    """Clients by type, with what they were told; decorators too."""
    made = module("def fetch(): return client.x", client=client)

    assert looked(made) == {"client": calls}


@pytest.mark.parametrize("client", NOT_FOUND)
def test_what_does_not_retry_is_not_found(module, client):
    made = module("def fetch(): return client.x", client=client)

    assert looked(made) == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("async def fetch(): return await client.x()", "client"),
        ("def fetch(): return [client.x for _ in ()]", "client"),
        ("def helper(): return client\ndef fetch(): return helper().x", "client"),
        ("def fetch(held=client): return held.x", "fetch"),
        ("def make(held):\n def fetch(): return held.x\n return fetch\nfetch = make(client)", "held"),
        ("class Box:\n def __init__(self): self.held = client\nbox = Box()\ndef fetch(): return box.held", "held"),
        ("import types\nspace = types.ModuleType('space')\nspace.held = client\ndef fetch(): return space.held", "held"),
    ],
)  # fmt: skip
def test_it_is_found_wherever_the_function_reaches_it(module, text, name):
    assert looked(module(text, client=openai(2))) == {name: ("openai", 3)}


def test_a_client_of_the_class_is_found(module):
    text = "class Service:\n held = client\n def fetch(self): return self.held.x"

    assert looked(module(text, client=openai(2)), "Service.fetch") == {"held": ("openai", 3)}


@pytest.mark.parametrize(
    "text",
    [
        "def fetch(): return 1",
        "def other(): return client\ndef fetch(): return 1",
        "def fetch(served): return served.client",
    ],
)
def test_what_the_function_does_not_use_is_not_found(module, text):
    """An attribute of the same name is another thing."""
    assert looked(module(text, client=openai(2))) == {}


def test_a_method_of_such_a_client_makes_the_usual_calls():
    """Nobody knows the instance."""
    assert nested(find(urllib3.poolmanager, "PoolManager.urlopen"), registry.own_of) == {
        "PoolManager": ("urllib3", 4)
    }
    assert nested(find(requests.sessions, "Session.request"), registry.own_of) == {}
    assert nested(find(httpx, "Client.send"), registry.own_of) == {}
