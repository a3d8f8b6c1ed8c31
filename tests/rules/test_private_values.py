"""A value of a call reaches no sink, whatever the rules say of it: the caller alone may see it."""

from __future__ import annotations

import json
import logging
import warnings
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel, field_validator

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.rules.monitor.lanes import EXPORTER
from mlpolicy.rules.monitor.prometheus import Collector

CANARY = "canary7f3a"
NUMBER = 731_254_098_716
LONG = f"{CANARY}-0123456789-0123456789-012345678"
MONITOR = "monitor: {log: {sample: 100%}}\n"


class User(BaseModel):
    """A model that refuses."""

    name: int
    tags: dict[str, int] = {}

    @field_validator("tags")
    @classmethod
    def _none(cls, tags):
        if "bad" in tags:
            raise ValueError(f"tags are {CANARY}")
        return tags


class Raises:
    """Raises what it holds wherever it is asked."""

    def _raise(self, *_: Any) -> Any:
        raise ValueError(CANARY)

    __hash__ = __eq__ = __reduce_ex__ = __deepcopy__ = __getattr__ = __len__ = __str__ = _raise
    __repr__ = __bool__ = __iter__ = __int__ = __float__ = __format__ = __contains__ = _raise


class Color(Enum):
    """A member bears the value."""

    RED = CANARY


def served(x=None, **named):
    """Give what it takes."""
    return x


def fails(x=None):
    """Raise an error that says nothing."""
    raise ConnectionError


def says(x=None):
    """Raise an error whose message holds the value, in each way that one is made."""
    raise ConnectionError(f"cannot reach {x} of {[x]!r}, {str(x).upper()!s:.20}") from ValueError(x)


class Speaks(ConnectionError):
    """Its message is made by code of its own, of what it holds."""

    def __init__(self, held):
        super().__init__(held)
        self.held = held

    def __str__(self):
        return f"cannot take {self.held} at all"


def speaks(x=None):
    """Raise one."""
    raise Speaks(x)


def passes_on(x=None):
    """Raise what it is given, or what Python says of it."""
    if isinstance(x, Exception):
        raise x
    return {}[x] if isinstance(x, str | bytes) else int(f"{x}x")


def grouped(x=None):
    """Raise several at once."""
    raise ExceptionGroup(f"several of {x}", [ConnectionError(x), ValueError(f"{x}")])


def gives_up(x=None):
    """Raise an error that asks for more time than there is."""
    error = ConnectionError()
    error.retry_after = f"9999{CANARY}"
    raise error


def fallback(x=None):
    """Fail as a default may."""
    raise ValueError(CANARY)


@pytest.fixture
def leaks(tmp_path, caplog, capfd):
    """Return what finds the sinks that a value reached in a call under some rules."""
    lines = []

    class Handler(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    handler, logger = Handler(), logging.getLogger("mlpolicy.events")
    logger.addHandler(handler)
    caplog.set_level(logging.DEBUG)
    METERS.clear()  # (labels stay as long as the process)

    def find(function, rules, call):
        body = "".join(f"    {line}\n" for line in (MONITOR + rules).splitlines())
        (tmp_path / "policy.yaml").write_text(
            f"version: 1\npolicies:\n  {__name__}:{function}:\n{body}"
        )
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            mlpolicy.install(policy=tmp_path / "policy.yaml")
            notes = _notes(call)
        assert EXPORTER.flush(10)
        registry = CollectorRegistry()
        registry.register(Collector(METERS))
        sinks = {
            "events": "\n".join(lines),
            "metrics": generate_latest(registry).decode(),
            "logs": "\n".join(
                f"{record.getMessage()} {record.exc_text}"
                for record in caplog.records
                if record.name != "mlpolicy.events"
            ),
            "notes": notes,
            "warnings": " ".join(str(one.message) for one in warned),
        }
        assert lines, "no event was written"
        for line in lines:
            json.loads(line)
        sinks["streams"] = "".join(capfd.readouterr())
        return [name for name, text in sinks.items() if CANARY in text or str(NUMBER) in text]

    yield find
    mlpolicy.uninstall()
    METERS.clear()
    logger.removeHandler(handler)


def _notes(call):
    """Make a *call*; return the notes of its error."""
    try:
        call()
    except Exception as error:
        return "\n".join(getattr(error, "__notes__", []))
    return ""


NAMED = {CANARY: CANARY}
VALUES = {
    "text": CANARY,
    "list": [CANARY],
    "key": {CANARY: 1},
    "nested": {"a": [{"b": (CANARY,)}]},
    "array": np.array([CANARY]),
    "objects": np.array([CANARY, None], dtype=object),
    "fields": np.zeros(1, dtype=[("a", "f4")]),
    "frame": pd.DataFrame({CANARY: [CANARY]}),
    "series": pd.Series([CANARY], name=CANARY),
    "category": pd.Series([CANARY], dtype="category"),
    "enum": Color.RED,
    "bytes": CANARY.encode(),
    "object": SimpleNamespace(name=CANARY),
    "raises": Raises(),
}
RULES = {
    "monitor": "",
    "type": "validate: {args: {x: {type: int}}}\n",
    "warn": "validate: {args: {x: {type: int}}, on_fail: warn}\n",
    "default": "validate: {args: {x: {type: int}}, on_fail: default, default: 7}\n",
    "shadow": "validate: {args: {x: {type: int}}, mode: shadow}\n",
    "enum": "validate: {args: {x: {enum: [a, b]}}}\n",
    "pattern": "validate: {args: {x: {pattern: '[0-9]+'}}}\n",
    "length": "validate: {args: {x: {min_len: 1000}}}\n",
    "range": "validate: {args: {x: {range: [0, 1]}}}\n",
    "items": "validate: {args: {x: {items: {type: int}}}}\n",
    "fields": "validate: {args: {x: {fields: {a: {type: int}}}}}\n",
    "required": "validate: {args: {x: {required: [a]}}}\n",
    "dtype": "validate: {args: {x: {dtype: float32}}}\n",
    "columns": "validate: {args: {x: {columns: {a: {dtype: float32}}}}}\n",
    "result": "validate: {returns: {type: int}}\n",
    "model": f"validate: {{args: {{x: {{model: '{__name__}:User'}}}}}}\n",
    "coerce": f"validate: {{args: {{x: {{model: '{__name__}:User', coerce: true}}}}}}\n",
    "cache": "cache: {ttl: 1h}\n",
    "cache deep": "cache: {ttl: 1h, copy: deep}\n",
    "cache shadow": "cache: {ttl: 1h, mode: shadow}\n",
    "cache key": "cache: {ttl: 1h, key: [x.name]}\n",
    "rollout": "cache: {ttl: 1h, rollout: {percent: 50%, by: x.name}}\n",
    "memory": "memory: {limit: 1MiB, wait: 0s}\n",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_no_value_reaches_a_sink(leaks, rules, value):
    """Neither of a call that goes well, nor of one that is refused, nor of one that no rule takes."""
    assert leaks("served", rules, lambda: served(value)) == []


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_no_value_of_a_call_that_fails_reaches_a_sink(leaks, value):
    """What is tried again, given up and noted says how often alone."""
    assert leaks("fails", "retry: {initial_delay: 0s}\n", lambda: fails(value)) == []


@pytest.mark.parametrize(
    ("rules", "call"),
    [
        ("", lambda: served(**NAMED)),
        (RULES["model"], lambda: served({"name": CANARY})),
        (RULES["model"], lambda: served({"name": 1, "tags": {CANARY: CANARY}})),
        (RULES["model"], lambda: served({"name": 1, "tags": {"bad": 1}})),
        (
            f"validate: {{args: {{x: {{type: int}}}}, on_fail: default, default: {{call: '{__name__}:fallback'}}}}\n",
            lambda: served(CANARY),
        ),
    ],
    ids=["named", "field", "key of a field", "validator", "default"],
)
def test_no_value_in_a_place_of_its_own_reaches_a_sink(leaks, rules, call):
    """Names of arguments, keys that models meet, messages of validators, errors of defaults."""
    assert leaks("served", rules, call) == []


def test_a_refusal_shows_the_value_to_the_caller(leaks):
    """Its message is for whoever made the call."""
    leaks("served", RULES["type"], lambda: None if not served(1) else None)

    with pytest.raises(mlpolicy.ValidationFailed, match=CANARY):
        served(CANARY)


def test_what_the_other_side_asks_for_is_not_passed_on(leaks):
    """A pause that is no number is none."""
    assert leaks("gives_up", "retry: {initial_delay: 0s}\n", gives_up) == []


class Told:
    """Its representation holds the value."""

    def __repr__(self):
        return f"Told({CANARY!r}, {NUMBER})"


CANARIES = {
    "text": LONG,
    "number": NUMBER,
    "float": float(NUMBER),
    "bytes": LONG.encode(),
    "object": Told(),
    "exception": ConnectionError(LONG, NUMBER),
    "in a list": [LONG, NUMBER],
    "in a mapping": {LONG: NUMBER},
}
NOW = "initial_delay: 0s, max_attempts: 2"
FAILING = {
    "monitor": "",
    "retry": f"retry: {{{NOW}}}\n",
    "retry, in shadow": f"retry: {{{NOW}, mode: shadow}}\n",
    "cache": "cache: {ttl: 1h}\n",
    "cache, stale": "cache: {ttl: 1h, stale_if_error: 1h}\n",
    "memory": "memory: {limit: 1MiB, wait: 0s}\n",
    "memory, answered": "memory: {limit: 1MiB, wait: 0s, on_pressure: default, default: 7}\n",
    "memory, in shadow": "memory: {limit: 1MiB, wait: 0s, mode: shadow}\n",
    "rollout": "cache: {ttl: 1h, rollout: {percent: 50%, by: x}}\n",
    "rollout deep": "cache: {ttl: 1h, rollout: {percent: 50%, by: x.name}}\n",
    "validate": "validate: {args: {x: {type: bool}}}\n",
    "validate, answered": f"validate: {{args: {{x: {{type: bool}}}}, on_fail: default, default: {{call: '{__name__}:says'}}}}\n",
    "validate, in shadow": "validate: {args: {x: {type: bool}}, mode: shadow}\n",
    "validate, warned": "validate: {args: {x: {type: bool}}, on_fail: warn}\n",
}


@pytest.mark.parametrize("value", CANARIES.values(), ids=CANARIES)
@pytest.mark.parametrize("rules", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("function", ["says", "speaks", "passes_on", "grouped"])
def test_no_value_in_an_error_reaches_a_sink(leaks, function, rules, value):
    """Errors of the program hold what it was called with, and no rule passes it on."""
    assert leaks(function, rules, lambda: globals()[function](value)) == []
