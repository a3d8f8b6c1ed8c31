"""No code of a value runs but for what the policy asks of it."""

from __future__ import annotations

import logging
from fractions import Fraction
from unittest.mock import Mock

import pandas as pd
import pytest

from mlpolicy.errors import ValidationFailed
from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.checks.classes import DUCKS, NAMES
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

SPECS = [
    *({"type": type} for type in (*NAMES, *DUCKS, "datetime.date", "no.such:thing")),
    *({"range": [0, 1]}, {"finite": True}, {"pattern": "^a"}, {"min_len": 1}, {"max_bytes": "1B"}),
    *({"items": {}}, {"columns": {"a": {}}}),
]


class _Telling(type):
    """A class that tells of what its instances, and it, are asked."""

    def __getattr__(cls, name):
        cls.asked.append(f"class {name}")
        raise AttributeError(name)


class Telling(metaclass=_Telling):
    asked: list[str] = []  # noqa: RUF012 (a test clears it)

    def __getattribute__(self, name):
        type(self).asked.append(name)
        raise AttributeError(name)

    def _tell(self, *_):
        type(self).asked.append("operator")
        raise TypeError

    __repr__ = __str__ = __bool__ = __float__ = __eq__ = __lt__ = __le__ = __hash__ = _tell


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_an_unknown_object_is_asked_for_nothing(spec):
    """It is told by its class alone, to the caller too."""
    Telling.asked.clear()
    look = Look()

    checker(Spec.model_validate(spec), None).look(Telling(), "x", look)

    assert Telling.asked == []
    assert [one.found for one in look.failures] in ([f"{__name__}.Telling"], ["more than that"])


def test_the_generated_lines_ask_it_for_nothing_either(place):
    """A call is refused, at the first time and later, and the value is not touched."""

    def predict(user, rows, x):
        pytest.fail("called")

    args = {"user": {"type": "str"}, "rows": {"type": "sequence"}, "x": {"type": "ndarray"}}
    place(predict, validate={"args": args})
    Telling.asked.clear()

    for _ in range(3):
        with pytest.raises(ValidationFailed) as caught:
            predict(Telling(), Telling(), Telling())
        assert len(caught.value.failures) == 3
        assert "Telling" in caught.value.public
    assert Telling.asked == []


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_mock_grows_nothing(spec):
    """What was not asked of a mock is not there after a check."""
    mock = Mock()

    checker(Spec.model_validate(spec), None).look(mock, "x", Look())

    assert mock._mock_children == {}
    assert mock.method_calls == []


def test_what_is_in_a_column_is_compared_and_nothing_else():
    """Objects in a dataframe are objects."""
    mock = Mock()
    spec = Spec.model_validate({"columns": {"a": {"categories": ["x"]}}})

    checker(spec, None).look(pd.DataFrame({"a": [mock]}), "x", Look())

    assert mock._mock_children == {}


class Logging:
    """As jinja2's logging `Undefined`: whoever uses it writes a line."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        logging.getLogger("templates").warning("%s is undefined", name)
        return self

    def __str__(self):
        logging.getLogger("templates").warning("undefined was printed")
        return ""

    __repr__ = __str__


def test_an_undefined_of_templates_logs_nothing(place, caplog):
    """Neither a check nor its message adds a line to the log."""

    def render(name):
        return name

    place(render, validate={"args": {"name": {"type": "str"}}, "mode": "shadow"})
    with caplog.at_level(logging.WARNING):
        undefined = Logging()
        assert render(undefined) is undefined

    assert caplog.records == []


def test_a_lazy_object_that_cannot_be_made_does_not_pass(place):
    """What it raises is told of the value, and is no bug of the rule."""

    class Lazy:
        @property
        def __class__(self):
            raise RuntimeError("no database")

    def greet(user):
        pytest.fail("called")

    place(greet, validate={"args": {"user": {"type": "fractions.Fraction"}}})

    with pytest.raises(ValidationFailed, match=r"which cannot be checked \(RuntimeError: no data"):
        greet(Lazy())


def test_what_stands_in_for_a_class_is_asked_each_time(place):
    """A lazy object may change its mind; what it was once is not remembered of its class."""

    class Lazy:
        def __init__(self, cls):
            self.cls = cls

        @property
        def __class__(self):
            return self.cls

    def greet(user):
        return user

    place(greet, validate={"args": {"user": {"type": "fractions.Fraction"}}})

    for _ in range(3):
        assert greet(Lazy(Fraction)) is not None
        with pytest.raises(ValidationFailed):
            greet(Lazy(str))
