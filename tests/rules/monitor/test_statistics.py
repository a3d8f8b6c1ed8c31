"""`inputs: statistics`: numbers of a sample, names of keys and columns, labels; by default nothing."""

from __future__ import annotations

import time
from collections import OrderedDict
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import ValidationError

from mlpolicy.rules.monitor.rule import LogBlock
from mlpolicy.rules.monitor.statistics import SAMPLE, statistics
from mlpolicy.rules.monitor.summary import REDACTED, summary

LOGGED = {"log": {"sample": "100%", "inputs": "statistics"}}
NAN = float("nan")
HALVES = {"nan": 0.25, "min": 1, "mean": 2, "max": 3}


def said(value, **settings):
    """Return what is said of *value* beyond its summary."""
    whole = statistics(value, str, **settings)
    before = summary(value)
    assert whole.items() >= before.items()
    return {key: one for key, one in whole.items() if key not in before}


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        (np.array([1.0, NAN, 2.0, 3.0]), HALVES),
        (np.array([[1.0, NAN], [2.0, 3.0]], "f4")[:, ::-1], HALVES),
        (np.ma.array([1, 9, 2, 3], mask=[0, 1, 0, 0]), HALVES),
        (np.array([True, False]), {"nan": 0, "min": 0, "mean": 0.5, "max": 1}),
        (np.float32(2), {"nan": 0, "min": 2, "mean": 2, "max": 2}),
        (np.array([1.0, np.inf]), {"nan": 0, "min": 1, "mean": 1, "max": 1}),
        (np.array([], "f8"), {}),
        (np.array(["a"]), {}),
        (np.array([1j]), {}),
        (np.array([MagicMock()], object), {}),
        (pd.Series([1.0, NAN, 2, 3], index=[5.0, 6.0, 7.0, 8.0]), HALVES),
        (pd.Series([1, None, 2, 3], dtype="Int64"), HALVES),
        (pd.Index([1, 2]), {"nan": 0, "min": 1, "mean": 1.5, "max": 2}),
        (pd.Series(["private"]), {}),
        (pl.Series([1, None, 2, 3]), HALVES),
        (pl.Series([[1], [2]]), {}),
        (pa.array([1, None, 2, 3]), HALVES),
        (pa.chunked_array([[1.0, None], [2.0, 3.0]]), HALVES),
        ([1, None, 2, 3.0], HALVES),
        ((2,), {"nan": 0, "min": 2, "mean": 2, "max": 2}),
        (2.5, {"nan": 0, "min": 2.5, "mean": 2.5, "max": 2.5}),
        (["private", 1], {}),
        ([2**80], {"nan": 0}),
        ([1e308, 1e308], {}),
        ([], {}),
        (None, {}),
        ("private", {}),
        (MagicMock(), {}),
    ],
)
def test_numbers_are_told_of_what_is_made_of_them(value, numbers):
    """Share of NaN and nulls, least, mean and greatest."""
    assert said(value) == pytest.approx(numbers)


def test_a_large_array_is_sampled():
    """At most so many elements, from all of it; neither copied nor gone through."""
    value = np.broadcast_to(np.arange(3_000_000.0), (1000, 3_000_000))
    started = time.perf_counter()
    numbers = said(value)

    assert time.perf_counter() - started < 0.1
    assert numbers["min"] == 0
    assert numbers["max"] > 2_000_000 * (1 - 2 / SAMPLE)


def test_frames_tell_the_gaps_of_their_columns():
    """By name, a bounded number of them; of a column without a name nothing."""
    columns = {"age": [1.0, None], "city": ["private", None], "n": [1, 2]}
    gaps = {"nulls": {"age": 0.5, "city": 0.5, "n": 0}}

    assert said(pd.DataFrame(columns)) == gaps
    assert said(pl.DataFrame(columns)) == gaps
    assert said(pa.table(columns)) == gaps
    assert said(pd.DataFrame({5: [1]})) == {"nulls": {}}
    assert len(said(pd.DataFrame(np.zeros((2, 99))).add_prefix("c"))["nulls"]) == 20


def test_mappings_tell_their_keys():
    """Those that are texts, a bounded number of them, and none that names a secret."""
    assert said({"age": 1, "password": 2, 5: 3}) == {"keys": ["age"]}
    assert said(OrderedDict(a=1)) == {"keys": ["a"]}
    assert said({"x" * 99: 1}) == {"keys": ["x" * 64]}
    assert len(said(dict.fromkeys(map(str, range(99))))["keys"]) == 20


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("cat", {"label": "cat"}),
        (3, {"label": "3"}),
        (np.int64(3), {"label": "3"}),
        ([0.2, 0.7, 0.1], {"label": "1", "top": 0.7}),
        (np.array([0.25, 0.75]), {"label": "1", "top": 0.75}),
        ({(1, 2): 1.0}, {"label": "other", "top": 1}),
        ({"cat": 0.75, "dog": 0.25}, {"label": "cat", "top": 0.75}),
        ({"cat": np.float64(0.75), "dog": np.float64(0.25)}, {"label": "cat", "top": 0.75}),
        ({"label": 3, "confidence": 0.9}, {}),
        ([0.2, 0.7], {}),
        ([-0.5, 1.5], {}),
        (np.array([[0.5, 0.5]]), {}),
        ([], {}),
        ("x" * 99, {}),
    ],
)
def test_of_a_result_the_label_is_told(value, label):
    """A label itself, or the likeliest of several with its share."""
    found = said(value, result=True)

    assert {key: one for key, one in found.items() if key in ("label", "top")} == label


def predict(features, user):
    """Return a label."""
    return "cat"


def test_events_bear_them(place, events):
    """Of arguments and of the result."""
    place(predict, monitor=LOGGED)
    predict([1.0, 3.0], "u-17")

    [event] = events()
    features = {"type": "list", "len": 2, "nan": 0, "min": 1, "mean": 2, "max": 3}
    assert event["input"] == {"features": features, "user": {"type": "str", "len": 4}}
    assert event["output"] == {"type": "str", "len": 3, "label": "cat"}


def test_of_what_is_private_there_are_none(place, events):
    """Nor of a result, which may be made of it."""
    place(predict, monitor={"log": {**LOGGED["log"], "redact": ["features[0]"]}})
    predict([1.0, 3.0], {"k": 1})

    [event] = events()
    assert event["input"]["features"] == {"type": "list", "len": 2}
    assert event["input"]["user"] == {"type": "dict", "len": 1, "keys": ["k"]}
    assert event["output"] == {"type": "str", "len": 3}


def test_by_default_nothing_of_a_value_is_told(place, events):
    """No key that a caller chose, no column, no number."""
    place(predict, monitor={"log": {"sample": "100%"}})
    predict({"canary": 1}, pd.DataFrame({"canary": [77]}))

    [event] = events()
    assert "canary" not in str(event)
    assert event["input"]["user"] == {"type": "DataFrame", "shape": [1, 1]}


# --- patterns -------------------------------------------------------------------------


def refuse(text, rows):
    """Raise with all of it."""
    raise ValueError(f"cannot serve {text} today")


@pytest.mark.parametrize("inputs", ["full", "statistics"])
def test_what_a_pattern_finds_is_in_no_event(place, events, inputs):
    """In texts, keys and messages; one longer than the pattern is safe for is left out whole."""
    log = {"inputs": inputs, "redact_patterns": [r"\d{3}-\d{4}", r"\w+@\w+"]}
    place(refuse, monitor={"log": log})
    with pytest.raises(ValueError, match="555-1234"):
        refuse("call 555-1234", {"me@home": "at 555-1234", "long": "a" * 3000 + " b@c"})

    [event] = events()
    assert not [one for one in ("555", "me@", "b@c") if one in str(event)]
    if inputs == "full":
        rows = {REDACTED: f"at {REDACTED}", "long": REDACTED}
        assert event["input"] == {"text": f"call {REDACTED}", "rows": rows}
        assert "cannot serve" in event["error"]["message"]
    else:
        assert event["input"]["rows"]["keys"] == [REDACTED, "long"]


def test_patterns_that_take_long_are_refused():
    """A text of a caller's decides how long a search takes."""
    for pattern, why in ((r"(\w+\s?)*$", "more than 50 ms"), ("(", "no regular expression")):
        with pytest.raises(ValidationError, match=why):
            LogBlock.model_validate({"redact_patterns": [pattern]})
