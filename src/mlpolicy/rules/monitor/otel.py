"""Numbers, spans and log records for OpenTelemetry, by the providers that the service has set up.

A span is made when its call has ended, of the event, off the thread of the call: what runs within
the call is not below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any, Final

from mlpolicy.core.metrics import METERS, Family
from mlpolicy.core.report import say_once
from mlpolicy.core.threads import Forked, Lock
from mlpolicy.rules.monitor.event import as_line
from mlpolicy.rules.monitor.lanes import EXPORTER, Sink
from mlpolicy.rules.monitor.rule import OtelBlock

SCOPE: Final = "mlpolicy"
_UNITS: Final = {"_seconds": "s", "_bytes": "By"}
_ATTRIBUTES: Final = {"function": "code.function.name", "error_type": "error.type"}
_NAMES: Final = {"mlpolicy.call_duration": "mlpolicy.call.duration"}


class OtelSink(Sink):
    """Makes spans and log records of events; the numbers are asked for by the SDK itself."""

    def __init__(self, settings: OtelBlock) -> None:
        self._settings = settings

    def begin(self) -> None:
        """Offer the numbers, once a process."""
        if self._settings.metrics:
            EXPORTER.every_round(NUMBERS.offer)

    def write(self, event: Mapping[str, Any]) -> None:
        """Make the span of *event*, and its log record."""
        end = round(datetime.fromisoformat(event["time"]).timestamp() * 1e6) * 1000
        attributes, context = _attributes(event), _context(event)
        if self._settings.traces:
            context = _make_span(event, attributes, context, end)
        if self._settings.logs:
            _make_log(event, attributes, context, end)


def _attributes(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what span and log record say of an event; no value of the call."""
    said = event.get("error", {})
    facts = {
        "code.function.name": dotted(event["function"]),
        "error.type": said.get("type"),
        **{
            f"mlpolicy.{name}": event.get(name)
            for name in ("outcome", "call_id", "own_id", "attempts", "cache", "sample_rate")
        },
    }
    return {name: value for name, value in facts.items() if value is not None}


def _exception(event: Mapping[str, Any]) -> dict[str, Any]:
    said = event.get("error", {})
    return {f"exception.{name}": said[name] for name in ("type", "message") if name in said}


def _context(event: Mapping[str, Any]) -> Any:
    """Return the context of the call: the span that was open, or nothing."""
    from opentelemetry import trace
    from opentelemetry.context import Context

    if "trace_id" not in event:
        return Context()
    around = trace.SpanContext(
        int(event["trace_id"], 16),
        int(event["span_id"], 16),
        is_remote=False,
        trace_flags=trace.TraceFlags(int(event["trace_flags"], 16)),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(around), Context())


def _make_span(event: Mapping[str, Any], attributes: dict[str, Any], context: Any, end: int) -> Any:
    """Make the span of a call, and return the context within it."""
    from opentelemetry import trace

    span = trace.get_tracer(SCOPE).start_span(
        dotted(event["function"]),
        context,
        attributes=attributes,
        start_time=end - round(event["duration_s"] * 1e9),
    )
    if event["outcome"] in ("error", "refused"):
        exception = _exception(event)
        if exception:
            span.add_event("exception", exception, end)
        span.set_status(trace.StatusCode.ERROR, exception.get("exception.message"))
    span.end(end)
    return trace.set_span_in_context(span, context)


def _make_log(event: Mapping[str, Any], attributes: dict[str, Any], context: Any, at: int) -> None:
    """Make the log record of a call; its body is the event as JSON."""
    try:
        from opentelemetry._logs import SeverityNumber, get_logger

        severity = event["severity"]
        get_logger(SCOPE).emit(
            timestamp=at,
            context=context,
            severity_number=SeverityNumber["WARN" if severity == "WARNING" else severity],
            severity_text=severity,
            body=as_line(event),
            attributes={**attributes, **_exception(event)},
            event_name="mlpolicy.call",
        )
    except (ImportError, TypeError):
        say_once("sink:otel:logs", "this opentelemetry-api takes no log records: upgrade it")


def dotted(target: str) -> str:
    """Return the name of a function as OpenTelemetry writes it."""
    return target.replace(":", ".")


class Numbers:
    """The meters as observable instruments: what they show is read when the SDK collects."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._offered: set[str] = set()
        self.forget()

    def forget(self) -> None:
        """Read all anew; in a forked child it is that of the parent."""
        self._families: dict[str, Family] = {}
        self._given: set[tuple[str, str]] = set()
        """The instruments that have shown what was read last: asked again, all is read anew."""

    def offer(self) -> None:
        """Make the instruments of families that are new."""
        from opentelemetry import metrics

        meter = metrics.get_meter(SCOPE)
        for family in METERS.collect():
            if family.name in self._offered:
                continue
            self._offered.add(family.name)
            name, unit = named(family.name)
            parts = ("bucket", "sum", "count") if family.kind == "histogram" else ("",)
            for part in parts:
                is_gauge = family.kind == "gauge"
                make = (
                    meter.create_observable_gauge if is_gauge else meter.create_observable_counter
                )
                read = partial(self._observed, family.name, part)
                of_unit = unit if part in ("", "sum") else ""
                make(f"{name}.{part}" if part else name, [read], of_unit, family.help)

    def _observed(self, name: str, part: str, _options: Any) -> Iterator[Any]:
        """Yield what the SDK asks for of one instrument."""
        from opentelemetry.metrics import Observation

        family = self._read(name, part)
        for sample in family.samples if family is not None else ():
            labels = {
                _ATTRIBUTES.get(label, label): dotted(value) if label == "function" else value
                for label, value in sample.labels
            }
            totals = list(accumulate(count for _, count in sample.buckets))
            if part != "bucket":
                yield Observation(totals[-1] if part == "count" else sample.value, labels)
                continue
            for (bound, _), total in zip(sample.buckets, totals, strict=True):
                yield Observation(total, {**labels, "le": f"{bound:g}"})

    def _read(self, name: str, part: str) -> Family | None:
        """Return a family as it was at one moment for all instruments of a collection."""
        if not self._lock.held():
            with self._lock:
                if (name, part) in self._given or not self._families:
                    self._families = {family.name: family for family in METERS.collect()}
                    self._given.clear()
                self._given.add((name, part))
        return self._families.get(name)


def named(name: str) -> tuple[str, str]:
    """Return the name of a metric as OpenTelemetry has it, and its unit."""
    name = name.removesuffix("_total").replace("mlpolicy_", "mlpolicy.", 1)
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            name = name.removesuffix(suffix)
            return _NAMES.get(name, name), unit
    return name, ""


NUMBERS = Numbers()
Forked(Numbers.forget).add(NUMBERS)
SINK = OtelSink(OtelBlock())
