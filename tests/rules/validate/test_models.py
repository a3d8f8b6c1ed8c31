"""Values that pydantic models of the user's take."""

from __future__ import annotations

import logging

import pytest
from pydantic import BaseModel, Field

from mlpolicy.errors import ValidationFailed


class User(BaseModel):
    id: str
    age: int = Field(ge=0)


HERE = __name__
USER = f"{HERE}:User"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Tests may be imported under a name that is no module path; the models need one."""
    import sys

    monkeypatch.setitem(sys.modules, HERE, sys.modules.get(HERE) or _module())


def _module():
    from types import SimpleNamespace

    return SimpleNamespace(User=User)


def test_a_model_takes_the_value(place):
    """A mapping that the model takes passes as it is."""

    def greet(user):
        return user

    place(greet, validate={"args": {"user": {"model": USER}}})
    plain, made = {"id": "u", "age": "3"}, User(id="u", age=3)

    assert greet(plain) is plain
    assert greet(made) is made


def test_each_error_of_the_model_is_a_failure(place):
    """The place of an error in the model is its place in the argument."""

    def greet(user):
        pytest.fail("called")

    place(greet, validate={"args": {"user": {"model": USER}}})
    with pytest.raises(ValidationFailed) as caught:
        greet({"age": -1})

    assert [str(one) for one in caught.value.failures] == [
        f"user.id is missing, expected Field required ({USER})",
        f"user.age is -1, expected greater than or equal to 0 ({USER})",
    ]


def test_what_the_model_made_takes_the_place_of_the_argument(place):
    """`coerce` hands the function an instance, however the argument was passed."""

    def greet(user, /, other, *, third=None, **more):
        return user, other, third, more

    spec = {"model": USER, "coerce": True}
    place(greet, validate={"args": dict.fromkeys(("user", "third", "extra"), spec)})
    plain = {"id": "u", "age": "3"}
    made = User(id="u", age=3)

    assert greet(plain, plain, third=plain, extra=plain, rest=plain) == (
        made, plain, made, {"extra": made, "rest": plain},
    )  # fmt: skip
    assert greet(made, 1, third=made) == (made, 1, made, {})


def test_what_the_model_made_takes_the_place_of_the_result(place):
    """`coerce` of `returns` hands the caller an instance."""

    def load():
        return {"id": "u", "age": "3"}

    place(load, validate={"returns": {"model": USER, "coerce": True}})

    assert load() == User(id="u", age=3)


def test_what_the_model_made_is_kept_by_a_cache(place):
    """It is what the function gave, in another form."""
    calls = []

    def load():
        calls.append(1)
        return {"id": "u", "age": "3"}

    place(load, validate={"returns": {"model": USER, "coerce": True}}, cache={"ttl": "1h"})

    assert load() == load() == User(id="u", age=3)
    assert calls == [1]


def test_shadow_coerces_nothing(place):
    """In shadow the function gets what was passed."""

    def greet(user):
        return user

    rule = {"args": {"user": {"model": USER, "coerce": True}}, "mode": "shadow"}
    place(greet, validate=rule)
    plain = {"id": "u", "age": 3}

    assert greet(plain) is plain


@pytest.mark.parametrize("path", ["no.such.module:User", "collections.OrderedDict"])
def test_a_model_that_is_none_lets_values_pass_and_is_reported_once(place, caplog, path):
    """A policy that cannot be kept takes down no call."""

    def greet(user):
        return user

    place(greet, validate={"args": {"user": {"model": path}}})
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        assert greet(1) == greet(2) - 1 == 1

    assert len(caplog.records) == 1
    assert path in caplog.text
