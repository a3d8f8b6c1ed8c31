"""Results are counted by their label: a bounded set, read by no code of the user's."""

from __future__ import annotations

import asyncio
import enum
import threading
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from mlpolicy.rules.monitor.labels import LONGEST_LABEL, MOST_LABELS, label_of, reached
from mlpolicy.rules.monitor.rule import MonitorRule

NAME = "mlpolicy_predictions_total"


def served(x):
    """Do what *x* says."""
    if isinstance(x, BaseException):
        raise x
    return x


async def awaited(x):
    """Return *x*."""
    return x


def counted(meters):
    """Return how many results had each label."""
    found = {one.name: one.samples for one in meters.collect()}
    return {dict(one.labels)["label"]: one.value for one in found[NAME]}


def test_results_are_counted_by_what_the_policy_names(place):
    """And all others together, those without a label too; an error has no result."""
    block = {"path": "result.label", "values": ["cat", 7, True]}
    place(served, monitor={"log": False, "labels_from": block, "labels": {"team": "a"}})

    for label in ("cat", "cat", 7, True, "dog", "7 lives", None, 1.5):
        served({"label": label})
    served([])
    with pytest.raises(ValueError, match="bad"):
        served(ValueError("bad"))

    assert counted(place.meters) == {"cat": 2, "7": 1, "true": 1, "other": 5}


def test_without_names_the_first_that_come_are_told_apart(place):
    """So many, and no more, however many there are."""
    place(served, monitor={"log": False, "labels_from": "result"})

    for _ in range(2):
        for number in range(MOST_LABELS + 30):
            served(f"class-{number}")

    expected = {f"class-{number}": 2 for number in range(MOST_LABELS)}
    assert counted(place.meters) == {**expected, "other": 60}


def test_counts_are_exact_under_threads(place):
    """Labels that all threads see first at one time, too."""
    place(served, monitor={"log": False, "labels_from": "result"})
    ready = threading.Barrier(4)

    def call():
        ready.wait(30)
        for number in range(20_000):
            served(str(number % 50))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    found = counted(place.meters)
    assert sum(found.values()) == 80_000
    assert len(found) <= MOST_LABELS + 1
    assert {number for label, number in found.items() if label != "other"} == {1600}


def test_the_result_of_a_coroutine_function_is_what_is_awaited(place):
    """Not the coroutine."""
    place(awaited, monitor={"log": False, "labels_from": "result"})
    asyncio.run(awaited("cat"))

    assert counted(place.meters) == {"other": 0, "cat": 1}


class Answer(NamedTuple):
    """A named tuple."""

    label: str


@dataclass(slots=True)
class Slotted:
    """Attributes without a dict."""

    label: str


class Model(BaseModel):
    """A model of pydantic."""

    label: str


class Computed:
    """Computes its label."""

    asked = False

    @property
    def label(self):
        Computed.asked = True
        return "cat"

    def __getattr__(self, name):
        Computed.asked = True
        return "cat"


STEPS = ("label",)


@pytest.mark.parametrize(
    ("value", "steps"),
    [
        ({"label": "cat"}, STEPS),
        ({"a": [{"label": "cat"}]}, ("a", 0, "label")),
        (("cat",), (0,)),
        (Answer("cat"), STEPS),
        (Slotted("cat"), STEPS),
        (SimpleNamespace(label="cat"), STEPS),
        (Model(label="cat"), STEPS),
    ],
)
def test_a_path_leads_to_what_is_stored(value, steps):
    """Keys, indexes, fields and attributes."""
    assert reached(value, steps) == "cat"


@pytest.mark.parametrize("value", [{}, [], None, 5, "text", Answer, Computed(), [{"label": 1}]])
def test_what_is_not_stored_has_no_label(value):
    """Nothing of the user's is asked for it."""
    Computed.asked = False  # (pytest looks for a name)

    assert label_of(reached(value, STEPS)) is None
    assert not Computed.asked


class Colour(str, enum.Enum):
    """A text with a name."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("cat", "cat"), (3, "3"), (False, "false"), (np.int64(3), "3"), (np.str_("cat"), "cat"),
        (np.True_, "true"), (Colour.RED, "red"), ("", None), ("x" * (LONGEST_LABEL + 1), None),
        ("a\nb", None), ("\ud800", None), (2**80, None), (1.0, None), (b"cat", None), (None, None),
    ],
)  # fmt: skip
def test_a_label_is_a_short_text_or_an_integer(value, label):
    """What an exporter can write, and no more of it than names a class."""
    assert label_of(value) == label


def test_a_label_that_looks_like_a_secret_is_not_shown(place):
    """A model may repeat what it was given."""
    place(served, monitor={"log": False, "labels_from": "result"})
    served("AKIAIOSFODNN7EXAMPLE")

    assert counted(place.meters) == {"other": 1}


@pytest.mark.parametrize("path", ["label", "result.rows[*]", "result.", "", "args.x"])
def test_a_path_begins_at_the_result(path):
    """And leads to one place."""
    with pytest.raises(ValidationError, match="not a part of the result"):
        MonitorRule.model_validate({"labels_from": path})


def test_without_the_setting_there_is_no_series(place):
    """And no line in the driver."""
    place(served, monitor={"log": False})

    assert NAME not in {one.name for one in place.meters.collect()}
    assert "labelled" not in place.source(served)
