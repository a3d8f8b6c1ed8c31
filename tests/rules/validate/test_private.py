"""Nothing out of a call's values reaches logs, labels, notes or the public message."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from mlpolicy.core.site import Notes, Parameter, Site
from mlpolicy.errors import ValidationFailed
from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec, ValidateRule
from mlpolicy.rules.validate.step import ValidateStep

CANARY = "c4n4ry"
NUMBER = 77123
HERE = "private_models"


class Inner(BaseModel):
    id: int = Field(alias="ident")


class User(BaseModel):
    name: int = 0
    scores: dict[str, int] = Field(default_factory=dict)
    inner: list[Inner] = Field(default_factory=list)
    extra: Any = None

    @field_validator("extra")
    @classmethod
    def _refuse(cls, value: Any) -> Any:
        if value == "custom":
            raise PydanticCustomError("bad", "saw {v}", {"v": CANARY})
        if value is not None:
            raise ValueError(f"no {value} here")
        return value


class Broken(LookupError):
    def __str__(self):
        raise RuntimeError(CANARY)


class Raising(BaseModel):
    @classmethod
    def model_validate(cls, value, **_):
        raise value


class _Broken:
    def __len__(self):
        raise RuntimeError(CANARY)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """The models are found by a path."""
    monkeypatch.setitem(sys.modules, HERE, SimpleNamespace(User=User, Raising=Raising))


def resolve(path):
    module, _, name = path.partition(":")
    return getattr(sys.modules[module], name)


USER = {"model": f"{HERE}:User"}
CASES = [
    ({"type": "int"}, CANARY),
    ({"type": "int"}, CANARY.encode()),
    ({"type": "str"}, NUMBER),
    ({"type": "str"}, {CANARY: CANARY}),
    ({"type": "str"}, np.str_(CANARY).astype("S")),
    ({"type": "str"}, pd.Series([CANARY], dtype="category")),
    ({"type": "str"}, pl.Series([CANARY], dtype=pl.Enum([CANARY]))),
    ({"type": "str"}, np.zeros(1, [(CANARY, "f8")])),
    ({"dtype": "float64"}, np.zeros(1, [(CANARY, "f8")])),
    ({"columns": {"a": {"dtype": "int64"}}}, pl.DataFrame({"a": [{CANARY: 1}]})),
    ({"columns": {"a": {"dtype": "int64"}}}, pl.DataFrame({"a": [CANARY]}, {"a": pl.Enum([CANARY])})),
    ({"columns": {"a": {"dtype": "int64"}}}, pa.table({"a": [{CANARY: 1}]})),
    ({"dtype": "float64"}, SimpleNamespace(dtype=CANARY)),
    ({"shape": [2]}, SimpleNamespace(shape=CANARY)),
    ({"ndim": 1}, SimpleNamespace(shape=(CANARY, NUMBER * 0.5))),
    ({"enum": ["a"]}, CANARY),
    ({"enum": [1]}, NUMBER),
    ({"pattern": "^a"}, CANARY),
    ({"range": [0, 1]}, NUMBER),
    ({"range": [0, 1]}, [0.5, NUMBER]),
    ({"range": [0, 1]}, [[0.5], [CANARY]]),
    ({"range": [0, 1]}, np.array([0.5, NUMBER])),
    ({"range": [0, 1]}, np.array([CANARY])),
    ({"range": [0, 1]}, np.array([CANARY], object)),
    ({"range": [0, 1]}, pd.DataFrame({CANARY: [NUMBER]})),
    ({"range": [0, 1]}, pa.table({CANARY: [CANARY]})),
    ({"min_len": 1}, _Broken()),
    ({"max_len": 1}, CANARY),
    ({"max_bytes": "1B"}, CANARY),
    ({"required": ["a"]}, {CANARY: 1}),
    ({"fields": {"a": {"type": "int"}}}, {"a": CANARY}),
    ({"items": {"type": "int"}}, [CANARY]),
    ({"columns": {"a": {"range": [0, 1]}}}, pd.DataFrame({"a": [NUMBER]})),
    ({"columns": {"a": {"categories": ["x"]}}}, pd.DataFrame({"a": [CANARY]})),
    ({"columns": {"a": {}}}, pd.DataFrame({CANARY: [1]})),
    (USER, CANARY),
    (USER, {"name": CANARY}),
    (USER, {"scores": {CANARY: CANARY}}),
    (USER, {"extra": CANARY}),
    (USER, {"extra": "custom"}),
    (USER, {"inner": [{"ident": CANARY}]}),
    ({"model": f"{HERE}:Raising"}, Broken()),
    ({"model": f"{HERE}:Raising"}, KeyError(CANARY)),
    ({"model": f"{HERE}:Raising"}, RecursionError(CANARY)),
    ({"model": f"{HERE}:Raising"}, ValueError(CANARY)),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "value"), CASES, ids=range(len(CASES)))
def test_what_is_public_of_a_failure_holds_no_value(spec, value):
    """Place, check, type and bounds are told; neither values nor keys of the data."""
    look = Look()

    checker(Spec.model_validate(spec), resolve).look(value, "x", look)
    error = ValidationFailed("m:f", look.failures)

    assert look.failures
    for secret in (CANARY, str(NUMBER)):
        assert secret not in error.public
        assert secret not in str(look.fields)
    assert all(one.what.startswith("x") and one.check in one.what for one in look.failures)


def test_a_failure_tells_enough_without_the_value():
    """One knows where to look, and for what."""
    spec = {"type": "mapping", "fields": {"age": {"range": [0, 150]}, "x": {"shape": ["N", 3]}}}
    look = Look()

    checker(Spec.model_validate(spec), None).look({"age": 200, "x": np.zeros((2, 2))}, "user", look)
    checker(Spec.model_validate(USER), resolve).look(
        {"scores": {CANARY: "x"}, "inner": [{}]}, "user", look
    )

    assert [one.what for one in look.failures] == [
        "user.age fails range: it is int, expected between 0 and 150",
        "user.x fails shape: it is of shape [2, 2], expected [N, 3] with N = 2",
        f"user.scores[key] fails model: it is str, expected what {HERE}:User takes (int_parsing)",
        f"user.inner[0].ident fails model: it is missing, expected what {HERE}:User takes (missing)",
    ]
    assert look.fields == ["user.age", "user.x", "user", "user"]


def test_the_caller_is_shown_the_value():
    """Who passed it may read it in the exception."""
    look = Look()

    checker(Spec.model_validate(USER), resolve).look({"scores": {"a": "x"}}, "user", look)

    [failure] = look.failures
    assert str(failure).startswith("user.scores.a is 'x', expected a valid integer")


@pytest.mark.parametrize("on_fail", ["raise", "warn"])
@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_logs_labels_and_notes_hold_no_value(place, caplog, on_fail, mode):
    """Whatever becomes of a call, its values stay out of everything that is kept of it."""

    def predict(user, score):
        return score

    args = {"user": USER, "score": {"type": "int", "enum": [1]}}
    place(predict, validate={"args": args, "on_fail": on_fail, "mode": mode})
    with caplog.at_level(logging.DEBUG):
        for score in (CANARY, NUMBER):
            try:
                predict({"scores": {CANARY: CANARY}}, score)
            except ValidationFailed as error:
                assert CANARY not in error.public
    labels = [str(one.labels) for family in place.meters.collect() for one in family.samples]

    for text in (*labels, *(record.getMessage() for record in caplog.records)):
        assert CANARY not in text
        assert str(NUMBER) not in text


def test_notes_of_a_call_hold_no_value():
    """What the log event takes over is the decision alone."""
    rule = ValidateRule.model_validate({"args": {"x": {"type": "int"}}})
    site = Site("m:f", parameters=(Parameter("x", "positional"),), notes=Notes())

    ValidateStep(rule, site).refused_input(1, (CANARY,), None)

    assert CANARY not in str(dict(site.notes))


def test_labels_of_failures_come_from_the_policy_alone(place):
    """A key of the data makes no series, however many there are."""

    def predict(user):
        return user

    place(predict, validate={"args": {"user": USER}})
    before = _series(place)
    for number in range(50):
        with pytest.raises(ValidationFailed):
            predict({"scores": {f"key{number}": "x"}})

    assert _series(place) == before


def _series(place):
    return sorted(one.labels for family in place.meters.collect() for one in family.samples)


@pytest.mark.parametrize(
    "error", [Broken(), RecursionError("deep"), TypeError(), ValidationError.from_exception_data("U", [])]
)  # fmt: skip
def test_a_model_may_raise_anything(place, error):
    """A call whose value the model breaks at is refused; nobody is told of a bug of ours."""

    def predict(user):
        pytest.fail("called")

    place(predict, validate={"args": {"user": {"model": f"{HERE}:Raising"}}})
    with pytest.raises(ValidationFailed) as caught:
        predict(error)

    assert [one.check for one in caught.value.failures] == ["model"]


def test_what_ends_the_program_passes_through_a_model(place):
    """`KeyboardInterrupt` and the like are nobody's failure."""

    def predict(user):
        pytest.fail("called")

    place(predict, validate={"args": {"user": {"model": f"{HERE}:Raising"}}})
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as caught:
        predict(error)

    assert caught.value is error
