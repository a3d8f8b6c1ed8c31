"""What is doubted in a validate rule as a whole."""

from __future__ import annotations

import pytest

from mlpolicy.rules.validate.check import check
from mlpolicy.rules.validate.rule import ValidateRule


def lone(**rule):
    found = check(ValidateRule.model_validate(rule))
    return [(field, severity) for code, field, *_, severity in found if code == "MP204"]


ARRAY = {"type": "ndarray"}


def test_a_dimension_with_a_name_of_its_own_compares_with_nothing():
    rule = {"x": {**ARRAY, "shape": ["N", 128]}}

    assert lone(args=rule) == [("args.x.shape.0", "info")]


@pytest.mark.parametrize(
    "rule",
    [
        {"args": {"x": {**ARRAY, "shape": ["N", 2]}, "y": {**ARRAY, "shape": ["N"]}}},
        {"args": {"x": {**ARRAY, "shape": ["N", 2]}}, "returns": {**ARRAY, "shape": ["N"]}},
        {"args": {"x": {**ARRAY, "shape": ["N", "N"]}}},
        {"args": {"x": {"type": "sequence", "items": {**ARRAY, "shape": ["N"]}}}},
        {"args": {"x": {**ARRAY, "shape": [None, 2]}}},
        {
            "args": {
                "x": {"type": "mapping", "fields": {"a": {**ARRAY, "shape": ["N"]}}},
                "y": {**ARRAY, "shape": ["N"]},
            }
        },
    ],
)
def test_one_that_is_used_again_does(rule):
    assert lone(**rule) == []


def test_lone_names_are_one_slip_said_at_the_last():
    """One of two names was meant to be the other."""
    inner = {"type": "mapping", "fields": {"a": {**ARRAY, "shape": ["M"]}}}
    rule = {"x": inner, "y": {**ARRAY, "shape": ["N"]}}

    assert [field for field, _ in lone(args=rule)] == ["args.y.shape.0"]
