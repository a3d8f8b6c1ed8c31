"""What signal handlers raise in the middle of a check."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

HERE = "interrupted_models"


class Late(ValueError):
    """Of a sort that values raise, too."""


def _late(number, frame):
    raise Late


@pytest.fixture(autouse=True)
def handler():
    """A program whose handler of a signal raises, as time-outs by SIGALRM do."""
    before = signal.signal(signal.SIGUSR1, _late)
    yield
    signal.signal(signal.SIGUSR1, before)


def _signal():
    signal.raise_signal(signal.SIGUSR1)


class Sized:
    def __len__(self):
        _signal()
        return 1


class Items(Sequence):
    def __len__(self):
        return 1

    def __getitem__(self, at):
        _signal()
        raise IndexError


class Array(np.ndarray):
    def min(self, *args, **kwargs):
        _signal()
        return super().min(*args, **kwargs)


class Model:
    @classmethod
    def model_validate(cls, value):
        _signal()
        return value


CASES = [
    ({"min_len": 1}, Sized()),
    ({"items": {"type": "int"}}, Items()),
    ({"range": [0, 1]}, Items()),
    ({"range": [0, 1]}, np.zeros(3).view(Array)),
    ({"type": "mapping", "fields": {"a": {"min_len": 1}}}, {"a": Sized()}),
    ({"model": f"{HERE}:Model"}, 1),
]


@pytest.mark.parametrize(("spec", "value"), CASES, ids=range(len(CASES)))
def test_what_a_handler_raises_is_no_failure_of_the_value(monkeypatch, spec, value):
    """It is meant for whoever waits for the call, and passes."""
    monkeypatch.setitem(sys.modules, HERE, SimpleNamespace(Model=Model))
    model = checker(Spec.model_validate(spec), lambda _: Model)

    with pytest.raises(Late):
        model.look(value, "x", Look())


def test_what_a_handler_raises_passes_through_the_generated_lines(place):
    """The same error is raised, and it holds nothing alive."""

    def measure(x):
        pytest.fail("called")

    place(measure, validate={"args": {"x": {"min_len": 1}}})

    with pytest.raises(Late) as caught:
        measure(Sized())
    assert caught.value.__context__ is None


def test_what_a_handler_raises_within_the_checker_passes(place):
    """So does what interrupts a value's own code, behind all that guards the caller from us."""

    def measure(x):
        pytest.fail("called")

    place(measure, validate={"args": {"x": {"type": "sequence", "items": {"type": "int"}}}})

    with pytest.raises(Late):
        measure(Items())


def test_what_a_handler_raises_while_a_default_is_imported_passes(place, monkeypatch):
    """An import may take long: time-outs come in the middle of it."""

    class Importing:
        def __getattr__(self, name):
            _signal()
            pytest.fail("went on")

    def measure(x):
        pytest.fail("called")

    monkeypatch.setitem(sys.modules, HERE, Importing())
    default = {"call": f"{HERE}:other"}
    rule = {"args": {"x": {"type": "int"}}, "on_fail": "default", "default": default}
    place(measure, validate=rule)

    with pytest.raises(Late):
        measure("text")


def test_an_alarm_in_a_long_reduction_passes(place):
    """A time-out that ends while an array is looked at is not lost."""

    def measure(x):
        return len(x)

    place(measure, validate={"args": {"x": {"type": "ndarray", "range": [0, 1]}}})
    x = np.zeros(1_000_000)
    measure(x)
    before = signal.signal(signal.SIGALRM, _late)
    try:
        for _ in range(20):
            with pytest.raises(Late):  # noqa: PT012 (the alarm ends the loop)
                signal.setitimer(signal.ITIMER_REAL, 0.003)
                while True:
                    measure(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
