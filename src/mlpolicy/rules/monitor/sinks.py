"""Where numbers and events go: the sinks that a policy may name, and one for each of its settings."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any, Final, cast

from mlpolicy.core.kind import load
from mlpolicy.core.plugins import Extensions
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.rules.monitor.event import as_line
from mlpolicy.rules.monitor.lanes import EXPORTER, Lane, Sink, finish_at_sigterm

LOGGER = logging.getLogger("mlpolicy.events")


class LogSink(Sink):
    """Writes events as JSON lines: to that logger, or to stderr where it has no handler."""

    def write(self, event: Mapping[str, Any]) -> None:
        """Write one line: a message may hold line breaks, the JSON does not."""
        text = as_line(event)
        level = getattr(logging, event["severity"])
        if LOGGER.level == logging.NOTSET:
            # The level of a parent, WARNING by default, is about messages; these are asked for.
            LOGGER.setLevel(logging.DEBUG)
        if not LOGGER.isEnabledFor(level):
            return
        record = LOGGER.makeRecord(LOGGER.name, level, __file__, 0, "%s", (text,), None)
        if LOGGER.hasHandlers():
            LOGGER.handle(record)
        elif LOGGER.filter(record):  # (one that takes the events elsewhere lets none through)
            sys.stderr.write(text + "\n")
            sys.stderr.flush()


LOG = LogSink()


def _vet(_: str, sink: Any) -> str | None:
    return None if isinstance(sink, Sink) else f"it is no `Sink`, but {type(sink).__name__}"


SINKS: Extensions[Sink] = Extensions(
    "sinks",
    {
        "prometheus": "mlpolicy.rules.monitor.prometheus:SINK",
        "log": "mlpolicy.rules.monitor.sinks:LOG",
        "otel": "mlpolicy.rules.monitor.otel:SINK",
        "dogstatsd": "mlpolicy.rules.monitor.dogstatsd:SINK",
    },
    _vet,
)
"""Every sink that a policy may name."""


WITH_SETTINGS: Final[Mapping[str, str]] = {
    "file": "mlpolicy.rules.monitor.file:FileSink",
    "otel": "mlpolicy.rules.monitor.otel:OtelSink",
    "dogstatsd": "mlpolicy.rules.monitor.dogstatsd:DogstatsdSink",
    "record": "mlpolicy.rules.monitor.record:RecordSink",
}
"""Classes of sinks that are made of settings, the model of which is in `rule.SinkBlock`."""
_LIBRARIES: Final = {
    "otel": ("opentelemetry.trace", "opentelemetry-api", "otel"),
    "dogstatsd": ("datadog", "datadog", "datadog"),
}


def lacking(name: str) -> str:
    """Return what the sink of that name lacks here; nothing if it can be used."""
    module, package, extra = _LIBRARIES.get(name, ("sys", "", ""))
    top = module.partition(".")[0]
    if find_spec(top) is not None and find_spec(module) is not None:
        return ""
    return f'the sink `{name}` needs {package}: pip install "mlpolicy[{extra}]"'


def chosen(named: str | Any) -> tuple[str, Sink]:
    """Return the name of a sink and the sink: for equal settings there is one object a process."""
    if isinstance(named, str):
        return named, SINKS[named]
    name, settings = named.chosen
    if not settings.model_dump(exclude_defaults=True):
        return name, SINKS[name]  # (with its name alone it is the same)
    if named not in _made:
        _made.setdefault(named, (name, cast("Any", load(WITH_SETTINGS[name]))(settings)))
    return _made[named]


_made: dict[Any, tuple[str, Sink]] = {}


def lanes_to(sinks: Iterable[tuple[str, Sink]]) -> list[Lane]:
    """Return the ways to those that take events."""
    return [EXPORTER.lane(name, sink) for name, sink in sinks if sink.events]


def begin(sinks: Iterable[tuple[str, Sink]]) -> None:
    """Let each get ready for numbers; what fails is said, and no rule is left out for it."""
    for name, sink in sinks:
        try:
            sink.begin()
        except Exception as error:
            if interrupts(error):
                raise
            say_once(f"sink:{name}", f"the sink `{name}` failed", error=error)
        if type(sink).finish is not Sink.finish:
            finish_at_sigterm()
