"""What a path of `log.redact` leads to is in no message of a refusal, whoever reads it."""

from __future__ import annotations

import pickle
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, field_validator

from mlpolicy.errors import ValidationFailed

CANARY = "c4n4ry-ann@example.org"
NUMBER = 771_234_567_890
Person = namedtuple("Person", "id email")
INT = {"type": "int"}
PATTERN = {"pattern": "^$"}


class User(BaseModel):
    """Refuses everything, with the value in the message."""

    email: str

    @field_validator("email")
    @classmethod
    def _refuse(cls, value):
        raise ValueError(f"no {value}")


class Hidden(BaseModel):
    """A model that names its field otherwise."""

    inner: dict[str, int]


def shown(place, paths, args, **passed):
    """Return all that a refused call tells its caller."""

    def serve(user=None, rows=None, *others, **options):
        pytest.fail("called")

    log = {"log": {"redact": list(paths)}} if paths else {}
    place(serve, monitor=log, validate={"args": args})
    with pytest.raises(ValidationFailed) as caught:
        serve(*passed.pop("others", ()), **passed)
    error = pickle.loads(pickle.dumps(caught.value))
    told = [(*vars_of(one),) for one in error.failures]
    return f"{error} {error!r} {error.args} {error.public} {told} {getattr(error, '__notes__', '')}"


def vars_of(failure):
    return (getattr(failure, name) for name in failure.__slots__)


FIELDS = {"fields": {"email": INT}}
MODEL = f"{__name__}:User"
CASES = [
    ("user", {"user": INT}, {"user": CANARY}),
    ("user", {"user": {"enum": ["a"]}}, {"user": CANARY.encode()}),
    ("user", {"user": {"range": [0, 1]}}, {"user": NUMBER}),
    ("user.email", {"user": FIELDS}, {"user": {"email": CANARY}}),
    ("user.email", {"user": FIELDS}, {"user": SimpleNamespace(email=CANARY)}),
    ("user.email", {"user": FIELDS}, {"user": Person(1, CANARY)}),
    ("user.email", {"user": {"items": PATTERN}}, {"user": Person("", CANARY)}),
    ("user.email", {"user": INT}, {"user": CANARY}),
    ("user.email", {"user": {"model": MODEL}}, {"user": {"email": CANARY}}),
    ("user.email", {"user": {"model": f"{__name__}:Hidden"}}, {"user": {"inner": {CANARY: CANARY}}}),
    ("user.email", {"user": {"columns": {"email": {"categories": ["a"]}}}}, {"user": pd.DataFrame({"email": [CANARY]})}),
    ("user.email", {"user": {"range": [0, 1]}}, {"user": pd.DataFrame({"email": [NUMBER]})}),
    ("user[*].email", {"user": {"columns": {"email": {"range": [0, 1]}}}}, {"user": pd.DataFrame({"email": [NUMBER]})}),
    ("rows[*].email", {"rows": {"items": FIELDS}}, {"rows": [{"email": CANARY}]}),
    ("rows.email", {"rows": {"items": FIELDS}}, {"rows": [{"email": CANARY}]}),
    ("rows[*].email", {"rows": {"fields": {"bob": FIELDS}}}, {"rows": {"bob": {"email": CANARY}}}),
    ("rows[2]", {"rows": {"items": INT}}, {"rows": [1, 2, CANARY]}),
    ("rows[*]", {"rows": {"range": [0, 1]}}, {"rows": np.array([[0, NUMBER]])}),
    ("rows[*].email", {"rows": {"items": {"model": MODEL}}}, {"rows": [{"email": CANARY}]}),
    ("email", {"email": INT}, {"email": CANARY}),
    ("options.email", {"email": INT}, {"email": CANARY}),
    ("options", {"email": INT}, {"email": CANARY}),
    ("email", {"options": FIELDS}, {"email": CANARY}),
    ("others[0]", {"others": {"items": INT}}, {"others": (1, [], CANARY)}),
    ("", {"user": {"fields": {"api_key": INT}}}, {"user": {"api_key": CANARY}}),
    ("", {"password": INT}, {"password": CANARY}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "args", "passed"), CASES, ids=range(len(CASES)))
def test_a_refusal_tells_nothing_of_what_a_path_leads_to(place, path, args, passed):
    """Neither in its text nor in its facts; what is in it, and what it is in, are kept too."""
    told = shown(place, [path] if path else [], args, **passed)

    assert not any(secret in told for secret in (CANARY, CANARY[:12], str(NUMBER)))


@pytest.mark.parametrize("path", ["user.id", "other", "user.emails", "rows"])
def test_what_no_path_leads_to_is_told(place, path):
    """The caller reads what was wrong with all else."""
    assert CANARY in shown(place, [path], {"user": FIELDS}, user={"email": CANARY})


def test_a_disabled_monitor_keeps_what_it_names_private(place):
    """Who switches the log off in an emergency does not mean to show more."""

    def serve(user):
        pytest.fail("called")

    rule = {"log": {"redact": ["user"]}, "mode": "disabled"}
    place(serve, monitor=rule, validate={"args": {"user": INT}})
    with pytest.raises(ValidationFailed) as caught:
        serve(CANARY)

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"args": {"user": INT}}, CANARY),
        ({"args": {"user": {"range": [0, 1]}}}, NUMBER),
        ({"args": {"user": {"model": MODEL}}}, {"email": CANARY}),
        ({"args": {"user": {"model": f"{__name__}:Hidden"}}}, {"inner": {CANARY: CANARY}}),
        ({"returns": INT}, CANARY),
    ],
)
def test_values_are_shown_to_no_caller_where_the_rule_says_so(place, settings, value):
    """Place, check and what was expected are told all the same."""

    def serve(user):
        return user

    place(serve, validate={**settings, "errors": {"show_values": False}})
    with pytest.raises(ValidationFailed) as caught:
        serve(value)

    told = f"{caught.value} {caught.value.failures}"
    assert not any(secret in told for secret in (CANARY, CANARY[:12], str(NUMBER)))
    assert "expected" in str(caught.value)
