"""Series and lines come from what a policy declares, and neither callers nor it make thousands."""

from __future__ import annotations

import logging
from contextlib import suppress
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import forget
from mlpolicy.rules.validate.step import MOST_PLACES

TIMES = 2000
MOST_LINES = 10
MOST_ERROR_TYPES = 50


class Scores(BaseModel):
    """A mapping whose keys are the caller's."""

    scores: dict[str, int]


def _class(number, *bases, **body):
    return type(f"Made{number}", bases, body)


def _raises(number):
    """Return an object of a class of its own, which raises one of a class of its own."""

    def fail(*_):
        raise _class(number, RuntimeError)(f"message {number}")

    return _class(
        number, object, __len__=fail, __hash__=fail, __reduce_ex__=fail, name=property(fail)
    )()


SENT = {
    "texts": lambda number: f"text {number}",
    "numbers": lambda number: number,
    "keys": lambda number: {f"key{number}": f"value {number}"},
    "keys of a model": lambda number: {"scores": {f"key{number}": f"value {number}"}},
    "items": lambda number: [f"item {number}"] * (number % 7),
    "attributes": lambda number: SimpleNamespace(**{f"name{number}": number}),
    "classes": lambda number: _class(number, object)(),
    "what raises": _raises,
    "errors": lambda number: _class(number, ConnectionError)(f"message {number}"),
}
RULES = {
    "validate type": {"validate": {"args": {"x": {"type": "bool"}}}},
    "validate warn": {"validate": {"args": {"x": {"type": "bool", "min_len": 1}}, "on_fail": "warn"}},
    "validate parts": {
        "validate": {
            "args": {"x": {"required": ["a"], "fields": {"b": {"type": "int"}}, "items": {"type": "bool"}, "max_len": 0}},
            "on_fail": "warn",
        }
    },
    "validate model": {"validate": {"args": {"x": {"model": f"{__name__}:Scores"}}, "on_fail": "warn"}},
    "validate options": {"validate": {"args": {"options": {"range": [0, 1]}}, "on_fail": "warn"}},
    "validate result": {"validate": {"returns": {"range": [0, 1]}}},
    "validate shadow": {"validate": {"args": {"x": {"type": "bool"}}, "mode": "shadow"}},
    "cache": {"cache": {"ttl": "1h"}},
    "cache key": {"cache": {"ttl": "1h", "key": ["x.name"]}},
    "cache shadow": {"cache": {"ttl": "1h", "mode": "shadow"}},
    "retry": {"retry": {"initial_delay": "0s", "max_attempts": 2}},
    "memory": {"memory": {"limit": "1MiB", "wait": "0s", "relieve": []}},
}  # fmt: skip


def _series(*meters):
    return sum(len(family.samples) for one in meters for family in one.collect())


@pytest.mark.parametrize("make", SENT.values(), ids=SENT)
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_what_callers_send_makes_neither_series_nor_lines(place, caplog, rules, make):
    """Thousands of keys, paths, classes and values are as many series as one of them."""

    def serve(x=None, **options):
        if isinstance(x, Exception):
            raise x
        return x

    place(serve, monitor={"log": False}, **rules)
    forget()
    before = _series(place.meters, METERS)
    with caplog.at_level(logging.DEBUG, "mlpolicy"):
        for number in range(TIMES):
            with suppress(Exception):
                serve(make(number), **({f"option{number}": number} if number % 3 == 0 else {}))
    lines = [one for one in caplog.records if one.name == "mlpolicy"]

    assert _series(place.meters, METERS) - before <= MOST_ERROR_TYPES + 2
    assert len(lines) <= MOST_LINES


@pytest.mark.parametrize("by", ["x", "x.name", "x[0]"])
@pytest.mark.parametrize("make", SENT.values(), ids=SENT)
def test_a_rollout_says_one_line(caplog, make, by):
    """Whatever cannot be read, and for whatever reason."""
    from mlpolicy.core.argpath import parse
    from mlpolicy.runtime.assemble import Share

    forget()
    share = Share(0.5, parse(by), "salt")
    with caplog.at_level(logging.DEBUG, "mlpolicy"):
        for number in range(TIMES):
            share(make(number))

    assert len(caplog.records) <= 1


def test_a_policy_of_thousands_of_fields_makes_no_thousands_of_series(place, caplog):
    """Those beyond so many places count under their argument, and warn under it."""

    def serve(x, y):
        return x

    fields = {f"key{number}": {"range": [0, 1]} for number in range(TIMES)}
    args = {"x": {"fields": fields}, "y": {"fields": fields}}
    before = _series(METERS)
    place(serve, validate={"args": args, "on_fail": "warn"})
    for start in range(0, TIMES, 45):
        part = {f"key{number}": 2 for number in range(start, min(start + 45, TIMES))}
        serve(part, part)

    target = f"{__name__}:{serve.__qualname__}"
    name = "mlpolicy_validation_failures_total"
    counts = {
        field: place.meters.value(name, function=target, check="range", field=field)
        for field in ("x.key0", "x", "y", f"x.key{TIMES - 1}")
    }
    kept = MOST_PLACES - 3
    assert _series(place.meters) + _series(METERS) - before <= MOST_PLACES + 2
    assert counts == {"x.key0": 1, "x": TIMES - kept, "y": TIMES, f"x.key{TIMES - 1}": 0}
    assert len(caplog.records) <= MOST_PLACES


def test_thousands_of_arguments_make_no_thousands_of_series(place):
    """A function of `**options` may be checked for as many as a policy likes."""
    many = 500

    def serve(**options):
        return options

    place(serve, validate={"args": {f"key{number}": {"type": "int"} for number in range(many)}})

    assert _series(place.meters) <= 3 * MOST_PLACES
    with pytest.raises(ValueError):
        serve(**{f"key{many - 1}": "x"})
    labels = {"function": f"{__name__}:{serve.__qualname__}", "check": "type", "field": "other"}
    assert place.meters.value("mlpolicy_validation_failures_total", **labels) == 1
