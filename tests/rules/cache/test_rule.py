"""What an operator may write."""

from __future__ import annotations

import pydantic
import pytest

from mlpolicy.core.model import docstrings
from mlpolicy.rules.cache import KIND
from mlpolicy.rules.cache.check import check
from mlpolicy.rules.cache.rule import CacheRule


def rule(**fields):
    return CacheRule.model_validate({"ttl": "30s", **fields})


def test_only_the_ttl_is_needed():
    """Everything else has a default that works."""
    assert rule().model_dump(mode="json") == {
        "ttl": "30s",
        "ttl_jitter": "10%",
        "max_entries": "1024",
        "max_bytes": None,
        "key": None,
        "ignore": [],
        "version": None,
        "single_flight": True,
        "lock_timeout": None,
        "stale_if_error": None,
        "cache_none": True,
        "store": "memory",
        "copy": "auto",
    }


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ttl": "0s"}, "MP010"),
        ({"ttl": 30}, "MP101"),
        ({"max_entries": 0}, "MP010"),
        ({"key": []}, "MP010"),
        ({"key": ["user..id"]}, "MP010"),
        ({"key": ["user"], "ignore": ["trace"]}, "MP010"),
        ({"copy": "some"}, "literal_error"),
        ({"store": "redis"}, "MP130"),
        ({"ttl_jitter": "200%"}, "MP103"),
    ],
)
def test_nonsense_is_found(fields, code):
    """Each with its code."""
    with pytest.raises(pydantic.ValidationError) as caught:
        rule(**fields)

    assert [error["type"] for error in caught.value.errors()] == [code]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, []),
        ({"max_entries": None}, [("MP705", "max_entries")]),
        ({"max_entries": None, "max_bytes": "1MiB"}, []),
        ({"ttl": "25h"}, [("MP709", "ttl")]),
        ({"stale_if_error": "31s"}, [("MP709", "stale_if_error")]),
        ({"stale_if_error": "30s"}, []),
    ],
)
def test_doubts_are_reported(fields, found):
    """What is allowed, but hardly meant."""
    assert [(code, field) for code, field, _ in check(rule(**fields))] == found


def test_every_field_is_documented():
    """The text under a field is what an editor shows."""
    assert docstrings(CacheRule).keys() >= CacheRule.model_fields.keys()


def test_synonyms_lead_to_fields():
    """What people type from habit has a field to go to."""
    fields = set(CacheRule.model_fields)

    assert {synonym.field for synonym in KIND.synonyms.values()} <= fields
    assert KIND.shorthand in fields
    assert not fields & set(KIND.synonyms)
