"""What events do not say: what paths lead to, and what messages of errors hold of values."""

from __future__ import annotations

import dataclasses
from collections import ChainMap, UserDict, namedtuple

import attrs
import numpy as np
import pandas as pd
import pydantic
import pytest

CANARY = "ann@example.org"
Person = namedtuple("Person", "id email")
Secret = namedtuple("Secret", "id password")
Slots = dataclasses.make_dataclass("Slots", ["id", "email"], slots=True)
Data = dataclasses.make_dataclass("Data", ["id", "email"])
Attrs = attrs.make_class("Attrs", ["id", "email"])
RECORDS = np.array([(1, CANARY)], dtype=[("id", "i4"), ("email", "U20")])


class Model(pydantic.BaseModel):
    """A model with what must not be written."""

    id: int
    email: str


class Computed:
    """What must not be written has another name in it."""

    def __init__(self, mail):
        self.mail = mail

    @property
    def email(self):
        return self.mail


HOLDERS = {
    "dict": {"id": 1, "email": CANARY},
    "bytes key": {b"id": 1, b"email": CANARY},
    "named tuple": Person(1, CANARY),
    "data": Data(1, CANARY),
    "slots": Slots(1, CANARY),
    "attrs": Attrs(1, CANARY),
    "model": Model(id=1, email=CANARY),
    "computed": Computed(CANARY),
    "user dict": UserDict(email=CANARY),
    "chain": ChainMap({"email": CANARY}),
    "records": RECORDS,
    "record": RECORDS[0],
    "frame": pd.DataFrame({"email": [CANARY]}),
    "row": pd.Series({"id": 1, "email": CANARY}),
    "list of them": [{"email": CANARY}, Person(1, CANARY)],
    "deep": {"email": {"a": [CANARY]}},
}


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("path", ["user.email", "rows[0].email", "rows[*].email", "rows.email"])
def test_what_a_path_leads_to_is_not_written(place, events, holder, path):
    """Whatever holds it: by a name, a key of bytes, a field, an attribute that is computed."""

    def serve(user=None, rows=None):
        raise ValueError(CANARY)

    place(serve, monitor={"log": {"inputs": "full", "redact": [path]}})
    with pytest.raises(ValueError):
        serve(user=holder) if path.startswith("user") else serve(rows=[holder])

    assert CANARY not in str(events())


@pytest.mark.parametrize("path", ["email", "options.email", "options", "options[*]"])
def test_a_path_leads_into_options_by_key(place, events, path):
    """By the name of the argument as it is passed, or of what holds it."""

    def serve(**options):
        raise ValueError

    place(serve, monitor={"log": {"inputs": "full", "redact": [path]}})
    with pytest.raises(ValueError):
        serve(id=1, email=CANARY)

    assert CANARY not in str(events())


@pytest.mark.parametrize(
    ("path", "shown"),
    [("args[1]", ["a", "[redacted]"]), ("args[*]", ["[redacted]", "[redacted]"])],
)
def test_a_path_leads_into_positional_arguments_by_index(place, events, path, shown):
    """As they are passed."""

    def serve(*args):
        raise ValueError

    place(serve, monitor={"log": {"inputs": "full", "redact": [path]}})
    with pytest.raises(ValueError):
        serve("a", CANARY)

    [event] = events()
    assert event["input"] == {"args": shown}


@pytest.mark.parametrize("keys", [[7], [True, 1.0], ["7"]])
def test_a_path_leads_to_keys_that_are_numbers(place, events, keys):
    """As Python takes them for one."""

    def serve(rows):
        raise ValueError

    place(serve, monitor={"log": {"inputs": "full", "redact": ["rows[7]", "rows[1]"]}})
    for key in keys:
        with pytest.raises(ValueError):
            serve({key: CANARY})

    assert CANARY not in str(events())


@pytest.mark.parametrize("value", [Secret(1, CANARY), {b"password": CANARY}])
def test_what_bears_the_name_of_a_secret_is_not_written(place, events, value):
    """A field and a key of bytes do."""

    def serve(x):
        raise ValueError

    place(serve, monitor={"log": {"inputs": "full"}})
    with pytest.raises(ValueError):
        serve(value)

    assert CANARY not in str(events())


def test_a_long_list_of_what_is_not_written_takes_no_time(place, events):
    """It is bounded as what is written."""

    def serve(rows):
        raise ValueError

    place(serve, monitor={"log": {"inputs": "full", "redact": ["rows[*]"]}})
    with pytest.raises(ValueError):
        serve([CANARY] * 1_000_000)

    [event] = events()
    assert event["input"]["truncated"] is True


# --- messages of errors ---------------------------------------------------------------


class NoUser(Exception):
    """Its message is made by its own code."""

    def __init__(self, name, left):
        super().__init__(f"there is no user {name} among {left}")


class Formatted(LookupError):
    """Its message is made when it is asked for."""

    def __str__(self):
        return "no row of %s in {}".format(self.args[0]) % self.args[1]  # noqa: UP032


def _plainly(name):
    raise ValueError(f"cannot take {name!r} of {name}")


def _by_class(name):
    raise NoUser(name, 7)


def _later(name):
    raise Formatted(name, name)


def _in_full(name):
    raise ValueError("nothing was found at all")


def _only(name):
    raise KeyError(name)


def _by_python(name):
    raise ValueError(int(name + "x"))


def _a_word(name):
    raise ValueError("gold" if name == "gold" else name)


@pytest.mark.parametrize("value", ["Ann Miller", "1234", "gold", "(?!", "a  b", "…"])
@pytest.mark.parametrize(
    ("work", "message"),
    [
        (_plainly, "cannot take … of …"),
        (_by_class, "there is no user … among …"),
        (_later, "no row of … in …"),
        (_in_full, "nothing was found at all"),
        (_only, "…"),
        (_by_python, "…"),
        (_a_word, "…"),
    ],
)
def test_of_a_message_what_stands_in_the_source_is_shown(place, events, work, message, value):
    """All else may be a value, or be made of one; the place says where to look."""

    def serve(name):
        work(name)

    place(serve, monitor={})
    with pytest.raises((ValueError, LookupError, NoUser)):
        serve(value)

    [event] = events()
    file, _, line = event["error"]["place"].rpartition(":")
    assert (event["error"]["message"], file) == (message, __file__)
    assert work.__code__.co_firstlineno < int(line) or work is _later


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"log": {"inputs": "full"}}, "cannot take 'Ann' of Ann"),
        ({"log": {"inputs": "full", "redact": ["other"]}}, "cannot take … of …"),
        ({"log": {"inputs": "none"}}, "cannot take … of …"),
    ],
)
def test_a_message_is_whole_where_all_content_is_asked_for(place, events, rule, message):
    """A path that must not be written keeps it out too: it may be made of what is there."""

    def serve(name, other=None):
        _plainly(name)

    place(serve, monitor=rule)
    with pytest.raises(ValueError):
        serve("Ann")

    [event] = events()
    assert event["error"]["message"] == message


def test_a_message_is_not_whole_where_an_argument_is_a_secret(place, events):
    """By its name, as in what is written of the arguments."""

    def serve(name, password):
        _plainly(password)

    place(serve, monitor={"log": {"inputs": "full"}})
    with pytest.raises(ValueError):
        serve("Ann", password=CANARY)

    assert CANARY not in str(events())
