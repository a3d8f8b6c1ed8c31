"""Values that tools of YAML 1.1 read otherwise."""

from __future__ import annotations

import pytest

from mlpolicy.model.read import read_text

HEAD = "version: 1\npolicies:\n  m:f:\n    retry: 3\n"


def found(line):
    return [(one.code, one.span.line) for one in read_text(HEAD + f"    {line}\n").diagnostics]


@pytest.mark.parametrize("text", ["NO", "no", "on", "Off", "YES", "1:30", "12:30:45"])
def test_what_looks_like_text_is_warned_of(text):
    assert found(f"labels: {{a: {text}}}") == [("MP105", 5)]
    assert found(f"owner: {text}") == [("MP105", 5)]


def test_a_number_with_a_leading_zero():
    assert found("priority: 010") == [("MP105", 5)]


@pytest.mark.parametrize(
    "text",
    ['"NO"', "'on'", "Norway", "none", "2027-03-31", "10:30h", "m:g", "0.5x", "north", "N", "y"],
)
def test_what_is_read_alike_is_not(text):
    assert found(f"owner: {text}") == []


def test_where_the_field_refuses_it_that_is_said():
    """One mistake is one finding."""
    assert found("final: on") == [("MP010", 5)]
