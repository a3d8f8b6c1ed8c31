"""The groups know classes by package and name: the libraries, their forks, and copies within others."""

from __future__ import annotations

import pytest

from mlpolicy.rules.retry.exceptions import Choice
from mlpolicy.rules.retry.libraries import GROUPS, family

KNOWN = [
    ("httpx", "ConnectError"),
    ("httpx", "ReadTimeout"),
    ("httpx", "PoolTimeout"),
    ("httpx", "RemoteProtocolError"),
    ("httpcore", "ReadError"),
    ("requests", "ConnectionError"),
    ("requests", "ConnectTimeout"),
    ("requests.exceptions", "ChunkedEncodingError"),
    ("urllib3.exceptions", "NewConnectionError"),
    ("urllib3.exceptions", "MaxRetryError"),
    ("urllib3.exceptions", "ReadTimeoutError"),
    ("pip._vendor.requests.exceptions", "ConnectionError"),
    ("pip._vendor.urllib3.exceptions", "ReadTimeoutError"),
]
NOT_TRANSIENT = [
    ("httpx", "UnsupportedProtocol"),
    ("httpx", "LocalProtocolError"),
    ("httpx", "HTTPStatusError"),
    ("requests", "HTTPError"),
    ("requests.exceptions", "InvalidURL"),
    ("requests", "TooManyRedirects"),
    ("urllib3.exceptions", "LocationParseError"),
]


@pytest.mark.parametrize(("module", "name"), KNOWN)
def test_errors_of_installed_libraries_are_transient(module, name):
    cls = getattr(pytest.importorskip(module), name)

    assert GROUPS["transient"].holds(cls)


@pytest.mark.parametrize(("module", "name"), NOT_TRANSIENT)
def test_what_stays_wrong_is_not(module, name):
    cls = getattr(pytest.importorskip(module), name)

    assert not GROUPS["transient"].holds(cls)


def made(path, *bases):
    """A class of a library that is not installed here."""
    module, _, name = path.rpartition(".")
    return type(name, bases or (Exception,), {"__module__": module})


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("httpx2.NetworkError", "network"),
        ("httpx2.TimeoutException", "timeout"),
        ("httpcore2.ProtocolError", "network"),
        ("niquests.exceptions.ConnectionError", "network"),
        ("niquests.exceptions.Timeout", "timeout"),
        ("urllib3_future.exceptions.ProtocolError", "network"),
        ("urllib3_future.exceptions.TimeoutError", "timeout"),
        ("aiobotocore.httpsession.HTTPClientError", "network"),
        ("botocore.vendored.requests.exceptions.Timeout", "timeout"),
        ("valkey.exceptions.ConnectionError", "network"),
        ("valkey.exceptions.TimeoutError", "timeout"),
        ("aioredis.exceptions.ConnectionError", "network"),
        ("coredis.exceptions.TimeoutError", "timeout"),
        ("psycopg.OperationalError", "network"),
        ("psycopg2.OperationalError", "network"),
        ("psycopg.errors.AdminShutdown", "network"),
        ("psycopg.errors.ConnectionTimeout", "timeout"),
        ("asyncpg.exceptions.PostgresConnectionError", "network"),
        ("pymongo.errors.ConnectionFailure", "network"),
        ("anthropic.APIConnectionError", "network"),
        ("groq.APITimeoutError", "timeout"),
        ("together.APIConnectionError", "network"),
        ("anthropic.RateLimitError", "throttle"),
        ("huggingface_hub._vendor.httpx.ConnectTimeout", ""),
        ("mine.httpx2.NetworkError", ""),
        ("httpx3.NetworkError", ""),
        ("mine.ConnectionError", ""),
        ("psycopg.errors.InvalidPassword", ""),
        ("valkey.exceptions.ResponseError", ""),
    ],
)
def test_forks_are_known_by_the_names_of_the_original(path, group):
    cls = made(path)
    if path.endswith("Timeout") and not group:  # (its base is not here)
        assert family(cls.__module__) == "httpx"

    held = {name for name in ("network", "timeout", "throttle") if GROUPS[name].holds(cls)}

    assert held == ({group} if group else set())


def test_what_derives_from_a_class_of_a_fork_belongs_to_it():
    base = made("httpx2.NetworkError")

    assert GROUPS["transient"].holds(made("httpx2.ConnectError", base))
    assert GROUPS["transient"].holds(made("mine.Lost", base))


def test_what_a_fork_never_passes_is_not_retried():
    base = made("httpx2.ProtocolError")
    refused = made("valkey.exceptions.ConnectionError")

    assert not GROUPS["transient"].holds(made("httpx2.LocalProtocolError", base))
    assert not GROUPS["transient"].holds(made("valkey.exceptions.AuthenticationError", refused))


def test_a_wide_class_is_known_without_what_derives_from_it():
    """psycopg raises it alone where a connection breaks, and a class for each thing that stays."""
    base = made("psycopg.OperationalError")

    assert not GROUPS["network"].holds(made("psycopg.errors.InvalidPassword", base))
    assert not GROUPS["network"].holds(made("psycopg.errors.DiskFull", base))


@pytest.mark.parametrize("status", [408, 502, 503, 504])
@pytest.mark.parametrize(
    "path",
    [
        "openai.InternalServerError",
        "anthropic.InternalServerError",
        "aiohttp.client_exceptions.ClientResponseError",
        "google.api_core.exceptions.ServiceUnavailable",
    ],
)
def test_a_raised_status_is_transient(path, status):
    error = made(path)()
    error.__dict__["code" if "google" in path else "status"] = status

    assert Choice(["transient"], []).retries(error)
    assert not Choice(["transient"], [f"http:{status}"]).retries(error)


def test_a_raised_status_of_urllib_is_transient():
    from urllib.error import HTTPError

    with HTTPError("http://localhost/", 503, "no", None, None) as error:
        assert Choice(["transient"], []).retries(error)
    with HTTPError("http://localhost/", 404, "no", None, None) as error:
        assert not Choice(["transient"], []).retries(error)


def test_a_class_with_an_odd_module_belongs_to_none():
    odd = type("Odd", (Exception,), {"__module__": None})

    assert not GROUPS["transient"].holds(odd)
