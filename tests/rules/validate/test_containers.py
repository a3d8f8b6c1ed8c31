"""Mappings, sequences and objects: what is in them, and how much."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.checks.settings import size_of
from mlpolicy.rules.validate.look import MOST, Look
from mlpolicy.rules.validate.rule import Spec

USER = {
    "type": "mapping",
    "required": ["id"],
    "fields": {
        "id": {"type": "str", "pattern": "^u_"},
        "age": {"type": "int", "range": [0, 150]},
        "tags": {"type": "sequence", "items": {"type": "str", "max_len": 3}},
        "home": {"type": "mapping", "fields": {"zip code": {"type": "str"}}},
    },
}


def look(value, **spec):
    found = Look()
    checker(Spec.model_validate(spec), None).look(value, "user", found)
    return found


def failures(value, **spec):
    return [str(one) for one in look(value, **spec).failures]


def test_fields_that_are_there_are_looked_at():
    """A field is optional unless `required` names it."""
    assert failures({"id": "u_1"}, **USER) == []
    assert failures({"id": "u_1", "age": 3, "tags": ["a"], "home": {}, "more": 1}, **USER) == []


def test_everything_wrong_inside_is_told():
    """Each part is named by its path."""
    user = {"id": "x", "age": True, "tags": ["a", "long", 3], "home": {"zip code": 5}}

    assert failures(user, **USER) == [
        "user.id is 'x', expected to match `^u_`",
        "user.age is bool True, expected int",
        "user.tags[1] is of length 4, expected a length of at most 3",
        "user.tags[2] is int 3, expected str",
        "user.home['zip code'] is int 5, expected str",
    ]


def test_labels_have_no_indexes():
    """The label of a failure is known from the policy alone."""
    found = look({"id": "u_1", "tags": [1, 2]}, **USER)

    assert found.fields == ["user.tags", "user.tags"]


def test_a_missing_key_is_told():
    """`required` names what is missing."""
    assert failures({}, **USER) == ["user.id is missing, expected it to be there"]


def test_attributes_of_objects_are_fields():
    """An object is looked at by its attributes."""

    @dataclass
    class Person:
        id: str
        age: int

    spec = {key: USER[key] for key in ("required", "fields")}

    assert failures(Person("u_1", 3), **spec) == []
    assert failures(Person("u_1", -1), **spec) == ["user.age is -1, expected between 0 and 150"]
    assert failures(object(), **spec) == ["user.id is missing, expected it to be there"]


def test_items_of_what_is_no_sequence_are_wrong():
    """A text has no items."""
    assert failures("ab", items={"type": "str"}) == ["user is str 'ab', expected a sequence"]
    assert failures([1, 2.5, None], items={"type": "float", "not_null": False}) == []
    assert failures([1, 2], items={"type": "int", "range": [0, 1]}) == [
        "user[1] is 2, expected between 0 and 1"
    ]


def test_only_so_many_failures_are_kept():
    """A long list of wrong items does not fill the log."""
    assert len(failures(["a"] * 10_000, items={"type": "int"})) == MOST


@pytest.mark.parametrize(
    ("value", "size"),
    [("abc", 3), ("äö", 4), (b"abcd", 4), (5, 8), ([1, "ab"], 10), ({"k": [b"xyz"]}, 4), ({}, 0)],
)
def test_contents_are_measured(value, size):
    """Texts count as UTF-8, numbers as eight bytes, containers as what is in them."""
    assert size_of(value, 10**9) == size


def test_contents_may_be_bounded():
    """`max_bytes` looks into containers."""
    assert failures(["a" * 1024], max_bytes="1KiB") == []
    assert failures(["a" * 1025], max_bytes="1KiB") == [
        "user is more than that, expected at most 1KiB"
    ]
    assert failures("ä" * 600, type="str", max_bytes="1KiB") != []
