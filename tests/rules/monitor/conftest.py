"""What tests of the monitor share: events as they are written, and numbers as they are read."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import jsonschema
import pytest

from mlpolicy.rules.monitor import rule as rule_module
from mlpolicy.rules.monitor.sinks import EXPORTER

SCHEMA = json.loads(Path(rule_module.__file__).with_name("event.schema.json").read_text())
EVENT = jsonschema.Draft202012Validator(SCHEMA)


def _not_json(constant):
    raise ValueError(f"{constant} is not JSON")


@pytest.fixture
def events():
    """The events that reach the logger, as strict JSON; reading them waits for the exporter."""
    lines = []

    class Handler(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    handler, logger = Handler(), logging.getLogger("mlpolicy.events")
    assert EXPORTER.flush(5)  # (what tests before this one left)
    logger.addHandler(handler)

    def read():
        assert EXPORTER.flush(5)
        found = [json.loads(text, parse_constant=_not_json) for text in lines]
        for one in found:
            EVENT.validate(one)
        return found

    yield read
    logger.removeHandler(handler)


@pytest.fixture
def outcomes(place):
    """How many calls of a function ended in each way."""

    def read(function):
        target = f"{function.__module__}:{function.__qualname__}"
        found = {
            outcome: place.meters.value("mlpolicy_calls_total", function=target, outcome=outcome)
            for outcome in ("ok", "error", "refused", "fallback")
        }
        return {outcome: number for outcome, number in found.items() if number}

    return read


@pytest.fixture
def in_flight(place):
    """How many calls of a function are under way."""

    def read(function):
        target = f"{function.__module__}:{function.__qualname__}"
        return place.meters.value("mlpolicy_in_flight", function=target)

    return read
