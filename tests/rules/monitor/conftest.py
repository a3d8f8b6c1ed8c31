"""What tests of the monitor share: events as they are written, and numbers as they are read."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from pathlib import Path

import jsonschema
import pytest
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mlpolicy.rules.monitor import rule as rule_module
from mlpolicy.rules.monitor.lanes import EXPORTER

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


class Sdk:
    """Providers whose exporters keep what they get."""

    def __init__(self):
        self.spans, self.logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
        self.reader = InMemoryMetricReader()
        self.tracing = TracerProvider(shutdown_on_exit=False)
        self.tracing.add_span_processor(SimpleSpanProcessor(self.spans))
        trace.set_tracer_provider(self.tracing)
        metrics.set_meter_provider(MeterProvider([self.reader], shutdown_on_exit=False))
        logging = LoggerProvider(shutdown_on_exit=False)
        logging.add_log_record_processor(SimpleLogRecordProcessor(self.logs))
        _logs.set_logger_provider(logging)

    def numbers(self):
        """What is collected, by name: (attributes, value) of each point."""
        found = defaultdict(list)
        data = self.reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        found[metric.name].append((dict(point.attributes), point.value))
        return found


@pytest.fixture(scope="session")
def opentelemetry():
    """The SDK, as a process sets it up once."""
    return Sdk()


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
