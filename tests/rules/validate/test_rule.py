"""What an operator may write, and what is found wrong with it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlpolicy.core.backtracking import too_slow
from mlpolicy.rules import KINDS
from mlpolicy.rules.validate.check import check
from mlpolicy.rules.validate.rule import Column, Spec, ValidateRule


def found(**rule):
    """Return (code, place) of what is wrong with a rule, wherever it is noticed."""
    try:
        return [(code, field) for code, field, _ in check(ValidateRule.model_validate(rule))]
    except ValidationError as error:
        return [(one["type"], ".".join(map(str, one["loc"]))) for one in error.errors()]


def wrong(**spec):
    """Return the codes and messages of what is wrong with a spec."""
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate(spec)
    return [(one["type"], one["msg"]) for one in caught.value.errors()]


@pytest.mark.parametrize(
    ("spec", "code", "says"),
    [
        ({"range": [1, 0]}, "MP201", "did you mean [0, 1]?"),
        ({"range": [1, 1]}, "MP201", "write `enum: [1]`"),
        ({"range": [1]}, "MP010", "two numbers"),
        ({"range": [None, None]}, "MP010", "without ends"),
        ({"range": [float("nan"), 1]}, "MP010", "two numbers"),
        ({"pattern": "("}, "MP203", "is no regular expression"),
        ({"pattern": "(a+)+"}, "MP203", "without bound"),
        ({"shape": [-1]}, "MP204", "no dimension has -1 elements"),
        ({"shape": ["a b"]}, "MP204", "no name for a size"),
        ({"shape": [1, 2], "ndim": 3}, "MP204", "has 2 dimensions, `ndim` is 3"),
        ({"dtype": "flaot32"}, "MP204", "did you mean `float32`?"),
        ({"dtype": ["int"]}, "MP204", "did you mean `int64`?"),
        ({"type": "list"}, "MP010", "did you mean `sequence`?"),
        ({"type": "User"}, "MP010", "the dotted path of a class"),
        ({"type": ["ndarray", "frame"]}, "MP010", "did you mean `dataframe`?"),
        ({"type": ["ndarray", "User"]}, "MP010", "the dotted path of a class"),
        ({"model": "User"}, "MP010", "the dotted path of a class"),
        ({"coerce": True}, "MP010", "name the `model`"),
        ({"min_len": 3, "max_len": 2}, "MP010", "no length is"),
        ({"columns": {"a": {"range": [1, 0]}}}, "MP201", "did you mean"),
        ({"columns": {"a": {"dtype": "foo"}}}, "MP204", "is no dtype"),
        ({"fields": {"a": {"items": {"range": [1, 0]}}}}, "MP201", "did you mean"),
    ],
)
def test_what_cannot_be_meant_is_found_at_once(spec, code, says):
    """Each mistake has its code, and says what was probably meant."""
    [(type, message)] = wrong(**spec)

    assert (type, says in message) == (code, True), message


@pytest.mark.parametrize("spec", [{"range": ["a", 1]}, {"range": [True, 5]}, {"min_len": -1},
                                  {"enum": []}, {"json_schema": "x"}, {"max_bytes": 5}])  # fmt: skip
def test_values_of_another_sort_are_refused(spec):
    """Shapes of settings are checked by the model."""
    assert wrong(**spec)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"args": {"x": {"type": "int"}}}, []),
        ({}, [("MP011", "args")]),
        ({"returns": {}, "on_fail": "default"}, [("MP205", "on_fail")]),
        ({"returns": {}, "default": 1}, [("MP205", "default")]),
        ({"returns": {}, "default": 1, "on_fail": "warn"}, [("MP205", "default")]),
        ({"returns": {"type": "int"}, "default": None, "on_fail": "default"}, [("MP206", "default")]),
        ({"returns": {"type": "ndarray"}, "default": [0], "on_fail": "default"}, [("MP206", "default")]),
        ({"returns": {"type": "int"}, "default": 1, "on_fail": "default"}, []),
        ({"returns": {"type": "int"}, "default": {"call": "m:f"}, "on_fail": "default"}, []),
        ({"returns": {"model": "m:User"}, "default": {}, "on_fail": "default"}, []),
        ({"returns": {}, "default": ["x" * 2**21], "on_fail": "default"}, [("MP207", "default")]),
        ({"returns": {}, "default": "x" * 2**21, "on_fail": "default"}, []),
        ({"returns": {}, "default": {"call": "no function"}, "on_fail": "default"}, [("MP010", "default")]),
        ({"returns": {}, "default": {"call": "m:f", "more": 1}, "on_fail": "default"}, []),
    ],
)  # fmt: skip
def test_settings_that_do_not_agree_are_found(rule, expected):
    """What depends on two settings is found with the place to look at."""
    assert found(**rule) == expected


def test_the_kind_leads_to_its_parts():
    """Names in the registry resolve, and synonyms name settings that exist."""
    kind = KINDS["validate"]
    known = {*ValidateRule.model_fields, *Spec.model_fields, *Column.model_fields}

    assert kind.rule_model() is ValidateRule
    assert kind.step_class().kind == "validate"
    assert {synonym.field for synonym in kind.synonyms.values()} <= known


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+", r"(a*)*$", r"(a|aa)+$", r"(a|b|ab)*c", r"(\w+\s?)*x", r"(.*a){20}", r"(a?){30}",
     r"(x+x+)+y", r"(-?\d+)+", r"(.+?,)+$", r"(?:[a-z]+(?:-[a-z]+)?)+", r"((a+))+", r"(?=(a+)+b)",
     r"(\d+|[a-z]+)+!"],
)  # fmt: skip
def test_repeats_of_repeats_are_refused(pattern):
    """They read one text in exponentially many ways."""
    assert too_slow(pattern, 100)


@pytest.mark.parametrize(
    "pattern",
    [r"^u_", r"^[a-z0-9_-]{1,20}$", r"(\w+\.)+\w+", r"(foo|bar)+", r"([a-z]+,)*", r"(?>a+)+",
     r"(?:a++)+x", r"(\d{1,3}\.){3}\d{1,3}", r"^[^@]+@[^@]+\.[a-z]+$", r"(\s*\d+\s*,)*",
     r"^\w+(\s\w+)*$", r"((a|b)+c)+", r"^(https?://)?[\w.-]+$", r"(a{2})+", r"^(a+){3}", r"(?i)^(ab?,)+$"],
)  # fmt: skip
def test_patterns_with_a_separator_in_each_turn_pass(pattern):
    """There is one way to read a text."""
    assert not too_slow(pattern, 256)
