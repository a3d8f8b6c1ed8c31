"""Names of exceptions and of classes, looked up in the source."""

from __future__ import annotations

from pathlib import Path

import pytest

LIBRARY = Path(__import__("json").__file__).parents[1]
CLIENT = {
    "client/__init__": "from client.errors import Timeout, Base, make\nLIMIT = 3\n",
    "client/errors": """
        from elsewhere import Foreign
        class Base(Exception): ...
        class Timeout(Base): ...
        class Plain: ...
        class Odd(Foreign): ...
        Alias = Timeout
        Made = make("x")
        def helper(): ...
    """,
    "client/deep": "class Inner(OSError): ...\n",
    "store/__init__": "globals().update(LIMIT=3)\nclass Unreachable(Exception): ...\n",
    "shop": "def f(): ...\n",
    "shops/__init__": "",
    "shops/deep/__init__": "",
    "shops/deep/serve": "def f(): ...\n",
    "shops/errors": "class Plain: ...\n",
    "shops/deep/errors": "class Refused(Exception): ...\nclass Stale(Refused): ...\nclass Info: ...\n",
}


@pytest.fixture
def named(findings, tmp_path):
    def find(name, field="retry_on"):
        policy = f"policies:\n  'shop:f':\n    retry:\n      {field}: [OSError, {name}]\n"
        policy += "  'shops.deep.serve:f': {monitor: {}}\n"
        return findings(policy, [tmp_path, LIBRARY], **CLIENT)

    return find


@pytest.mark.parametrize(
    ("name", "code", "meant"),
    [
        ("client.Timeot", "MP603", "client.Timeout"),
        ("client.errors.timeout", "MP603", "client.errors.Timeout"),
        ("cliant.errors.Timeout", "MP603", "client.errors.Timeout"),
        ("shops.errors.Refused", "MP603", ""),
        ("shops.exceptions.Refused", "MP603", ""),
        ("shops.deep.errors.Refuse", "MP603", "shops.deep.errors.Refused"),
        ("shops.deep.errors.Zzzzz", "MP603", ""),
        ("shops.Refusd", "MP603", ""),
        ("client.errors.Zzzzz", "MP603", ""),
        ("json.JSONDecodeErr", "MP603", "json.JSONDecodeError"),
        ("client.errors.Plain", "MP604", ""),
        ("client.errors.helper", "MP604", ""),
        ("client.LIMIT", "MP604", ""),
        ("json.JSONDecoder", "MP604", ""),
    ],
)
@pytest.mark.parametrize("field", ["retry_on", "give_up_on"])
def test_what_is_no_exception(named, name, code, meant, field):
    [one] = named(name, field)

    assert (one.code, one.severity, one.span.line) == (code, "error", 5)
    assert meant in one.help


@pytest.mark.parametrize(
    "name",
    [
        "client.Timeout",
        "client.errors.Base",
        "client.errors.Alias",
        "client.errors.Made",
        "client.errors.Odd",
        "client.make",
        "client.Inner",  # deeper in the package, which is enough at run time
        "json.JSONDecodeError",
        "requests.exceptions.Timeout",  # not installed in this folder
        "redis.ConnectionError",  # as `dis` is, by its letters
        "socket.timeout",
        "store.Unreachables",  # the module may get any name as it runs
        "store.Reachable",
        "transient",
        "'http:503'",
    ],
)
def test_what_is_one_or_may_be(named, name):
    assert named(name) == ()


def test_a_name_is_said_once_for_all_functions(findings, tmp_path):
    policy = "policies:\n  'shop:*': {retry: {retry_on: [client.Timeot]}}\n"

    found = findings(policy, **{**CLIENT, "shop": "def f(): ...\ndef g(): ...\n"})

    assert [one.code for one in found] == ["MP603"]
    assert "more function" not in found[0].message


@pytest.fixture
def typed(findings, tmp_path):
    def find(spec):
        policy = "settings: {allow_call: ['*']}\n"
        policy += f"policies:\n  'shop:f':\n    validate: {{args: {{x: {spec}}}}}\n"
        files = {**CLIENT, "shop": "def f(x): ...\n"}
        return findings(policy, [tmp_path, LIBRARY], **files)

    return find


@pytest.mark.parametrize(
    ("spec", "column", "help"),
    [
        ("{type: client.errors.Plane}", 33, "did you mean `client.errors.Plain`?"),
        ("{type: 'client.errors:Plane'}", 33, "did you mean `client.errors.Plain`?"),
        ("{type: client.errors.Helper}", 33, ""),  # `helper` is a function
        ("{type: client.errors.helper}", 33, ""),
        ("{type: client.LIMIT}", 33, ""),
        ("{type: cliant.errors.Plain}", 33, "did you mean `client.errors.Plain`?"),
        ("{type: client.error.Plain}", 33, ""),
        ("{type: client.errors.Odds}", 33, "did you mean `client.errors.Odd`?"),
        ("{type: client.errors.Pla}", 33, "did you mean `client.errors.Plain`?"),
        ("{type: [str, client.errors.Plane]}", 39, "did you mean `client.errors.Plain`?"),
        ("{model: shops.models.Stale}", 34, ""),
        ("{model: client.errors.Plane}", 34, "did you mean `client.errors.Plain`?"),
        ("{fields: {a: {type: client.Nothing}}}", 46, ""),
        ("{items: {type: json.JSONDecodr}}", 41, "did you mean `json.JSONDecoder`?"),
    ],
)
def test_what_is_no_class(typed, spec, column, help):
    """Every value would be refused, or none looked at."""
    [one] = typed(spec)

    assert (one.code, one.severity, one.help) == ("MP208", "error", help)
    assert (one.span.line, one.span.column) == (5, column)


@pytest.mark.parametrize(
    "name",
    [
        *("client.errors.Plain", "client.make", "json.JSONDecoder", "int", "ndarray"),
        "torch.Tensor",  # not installed in this folder
        # Made while the module is imported, or by another module where there is one.
        *("ssl.Options", "signal.Signals", "socket.AddressFamily", "decimal.DecimalTuple"),
    ],
)
def test_what_is_a_class_or_may_be(typed, name):
    assert typed(f"{{type: {name}}}") == ()


def test_a_model_is_one_of_pydantic(findings, tmp_path):
    """Where all that a class inherits is known, it is known whether it takes values."""
    files = {
        "shop": """
            from elsewhere import Base
            from pydantic import BaseModel
            class Plain: ...
            class Made(BaseModel): ...
            class Odd(Base): ...
            class Own:
                @classmethod
                def model_validate(cls, value): ...
            def f(x): ...
        """,
        "pydantic/__init__": "class BaseModel:\n    @classmethod\n    def model_validate(cls, x): ...\n",
    }
    policy = "policies:\n  'shop:f':\n    validate: {{args: {{x: {{model: shop.{}}}}}}}\n"

    found = {
        name: [one.message for one in findings(policy.format(name), **files)]
        for name in ("Plain", "Made", "Odd", "Own")
    }

    assert found == {
        "Plain": ["the model `shop.Plain` is not a pydantic model"],
        "Made": [],
        "Odd": [],
        "Own": [],
    }
