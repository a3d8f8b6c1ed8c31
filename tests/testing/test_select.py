"""`-k`: which tests are meant."""

from __future__ import annotations

import pytest

from mlpolicy.testing.select import SelectionError, chooser

NAMES = (
    "serving.test.yaml::Kept for two minutes",
    "serving.test.yaml::refused",
    "jobs.test.yaml::kept",
)


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("kept", (0, 2)),
        ("KEPT and serving", (0,)),
        ("not kept", (1,)),
        ("refused or jobs", (1, 2)),
        ("kept and not (jobs or refused)", (0,)),
        ("'two minutes'", (0,)),
        ('not not "two minutes"', (0,)),
        ("jobs or refused and serving", (1, 2)),
        ("nothing", ()),
    ],
)
def test_words_choose(expression, meant):
    choose = chooser(expression)

    assert tuple(at for at, name in enumerate(NAMES) if choose(name)) == meant


@pytest.mark.parametrize(
    "expression", ["", "and", "kept and", "(kept", "kept)", "not", "a b", "or b"]
)
def test_what_is_no_expression_is_refused(expression):
    with pytest.raises(SelectionError):
        chooser(expression)
