"""What OpenTelemetry's own SDK has of calls, in memory and by OTLP to a collector."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.rules.monitor.lanes import EXPORTER
from mlpolicy.rules.monitor.otel import NUMBERS, named

NAME = f"{__name__}.served"


def served(x=0):
    if x < 0:
        raise ValueError(f"nobody has taken {x}")
    return x


@pytest.fixture
def sdk(opentelemetry, tmp_path):
    """The SDK, and a policy with the sink in force."""
    METERS.clear()
    text = (
        f"version: 1\npolicies:\n  {__name__}:served:\n"
        "    monitor: {sinks: [otel], log: {sample: 100%}}\n"
    )
    (tmp_path / "policy.yaml").write_text(text)
    mlpolicy.install(policy=tmp_path / "policy.yaml")
    assert EXPORTER.flush(10)
    opentelemetry.spans.clear()
    opentelemetry.logs.clear()
    yield opentelemetry
    mlpolicy.uninstall()
    METERS.clear()


def call(x):
    with suppress(ValueError):
        served(x)


def test_a_call_is_a_span_within_the_one_that_was_open(sdk):
    """With its own times, and of an error what an event says."""
    with trace.get_tracer("service").start_as_current_span("request") as around:
        call(1)
        call(-31)
    assert EXPORTER.flush(10)

    well, badly, _ = sorted(sdk.spans.get_finished_spans(), key=lambda span: span.end_time)
    for span in (well, badly):
        assert span.name == NAME
        assert span.parent.span_id == around.get_span_context().span_id
        assert span.context.trace_id == around.get_span_context().trace_id
        assert around.start_time - 1e6 < span.start_time <= span.end_time < around.end_time
        assert span.attributes["code.function.name"] == NAME
    assert (well.status.status_code, well.attributes["mlpolicy.outcome"]) == (
        trace.StatusCode.UNSET,
        "ok",
    )
    assert (badly.status.status_code, badly.status.description) == (
        trace.StatusCode.ERROR,
        "nobody has taken …",
    )
    assert badly.attributes["error.type"] == "ValueError"
    [event] = badly.events
    assert (event.name, event.attributes["exception.message"]) == (
        "exception",
        "nobody has taken …",
    )


def test_a_call_within_no_span_is_the_root_of_a_trace(sdk):
    call(1)
    assert EXPORTER.flush(10)

    [span] = sdk.spans.get_finished_spans()
    assert span.parent is None


def test_a_span_within_one_that_is_not_sampled_is_not_sampled_either(sdk):
    off = TracerProvider(sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
    with trace.use_span(off.get_tracer("service").start_span("request")):
        call(1)
    assert EXPORTER.flush(10)

    assert sdk.spans.get_finished_spans() == ()


def test_an_event_is_a_log_record_within_the_span_of_its_call(sdk):
    call(-1)
    assert EXPORTER.flush(10)

    [span] = sdk.spans.get_finished_spans()
    [log] = [one.log_record for one in sdk.logs.get_finished_logs()]
    assert (log.trace_id, log.span_id) == (span.context.trace_id, span.context.span_id)
    assert (log.severity_text, log.event_name) == ("ERROR", "mlpolicy.call")
    assert log.timestamp == span.end_time
    assert log.attributes["exception.type"] == "ValueError"
    assert '"schema":"mlpolicy.event/1"' in log.body


def test_the_numbers_are_those_of_the_meters(sdk):
    """Each time they are collected, of one moment."""
    for calls in (5, 7):
        for x in (*range(calls), -1):
            call(x)
        NUMBERS.offer()
        found = sdk.numbers()

        for family in METERS.collect():
            if family.kind != "histogram":
                shown = sorted(value for _, value in found[named(family.name)[0]])
                assert shown == sorted(sample.value for sample in family.samples)
    ended = {
        attributes["outcome"]: value
        for attributes, value in found["mlpolicy.calls"]
        if attributes["code.function.name"] == NAME
    }
    assert ended == {"ok": 12, "error": 2, "refused": 0, "fallback": 0}
    [(_, count)] = found["mlpolicy.call.duration.count"]
    buckets = {at["le"]: value for at, value in found["mlpolicy.call.duration.bucket"]}
    assert count == buckets["inf"] == 14
    assert [*buckets.values()] == sorted(buckets.values())
    [(attributes, _)] = found["mlpolicy.errors"]
    assert attributes == {"code.function.name": NAME, "error.type": "ValueError"}


# --- by OTLP --------------------------------------------------------------------------

POLICY = """\
version: 1
policies:
  shop:predict:
    monitor: {sinks: [otel, {file: {path: events.jsonl}}], log: {sample: 100%}}
"""
SHOP = "def predict(x):\n    return 1 / x\n"
PROGRAM = """
import sys, time
from contextlib import suppress
from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

import mlpolicy
mlpolicy.install(policy="policy.yaml")
import shop

metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
logging, tracing = LoggerProvider(), TracerProvider()  # (it is the first to be shut down)
processor = {"batch": BatchSpanProcessor, "simple": SimpleSpanProcessor}[sys.argv[1]]
tracing.add_span_processor(processor(OTLPSpanExporter()))
logging.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
trace.set_tracer_provider(tracing)
_logs.set_logger_provider(logging)
worst = 0
with tracing.get_tracer("service").start_as_current_span("request"):
    for x in (0, *range(1, 181)):
        begun = time.perf_counter()
        with suppress(ZeroDivisionError):
            shop.predict(x)
        worst = max(worst, time.perf_counter() - begun)
print(worst)
"""


class Collector(ThreadingHTTPServer):
    """Takes OTLP by HTTP, or takes a connection and says nothing."""

    daemon_threads = True

    def __init__(self, *, hangs):
        self.hangs, self.released = hangs, threading.Event()
        self.traces, self.metrics, self.logs = [], [], []
        super().__init__(("127.0.0.1", 0), self.Handler)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.server.hangs:
                self.server.released.wait(60)
                return
            kind = self.path.rpartition("/")[2]
            request = {
                "traces": ExportTraceServiceRequest,
                "metrics": ExportMetricsServiceRequest,
                "logs": ExportLogsServiceRequest,
            }[kind].FromString(body)
            getattr(self.server, kind).append(request)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    def serve(self, folder, processor):
        """Run the program against this collector; return the time of its slowest call."""
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "shop.py").write_text(SHOP)
        thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        thread.start()
        try:
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, processor],
                **{"cwd": folder, "capture_output": True, "text": True, "timeout": 60},
                env={
                    "PYTHONPATH": str(folder),
                    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server_port}",
                    "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
                },
            )
        finally:
            self.released.set()
            self.shutdown()
            thread.join(10)
            self.server_close()
        assert done.returncode == 0, done.stderr
        return float(done.stdout)


def attributes_of(item):
    return {one.key: one.value.string_value for one in item.attributes}


def test_a_collector_gets_all_of_it_though_the_process_ends_at_once(tmp_path):
    """Spans, log records and totals."""
    collector = Collector(hangs=False)
    collector.serve(tmp_path, "batch")

    spans = [
        span
        for request in collector.traces
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    [request] = [span for span in spans if span.name == "request"]
    ours = [span for span in spans if span.name == "shop.predict"]
    assert [span.parent_span_id for span in ours] == [request.span_id] * 181
    logs = [
        record
        for request in collector.logs
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    assert {record.span_id for record in logs} == {span.span_id for span in ours}
    totals = {
        (metric.name, attributes_of(point).get("outcome")): point.as_int or point.as_double
        for request in collector.metrics
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.sum.data_points
    }
    assert totals["mlpolicy.calls", "ok"] == 180
    assert totals["mlpolicy.calls", "error"] == 1
    assert totals["mlpolicy.call.duration.count", None] == 181


@pytest.mark.slow
def test_a_collector_that_hangs_holds_up_no_call_and_no_other_sink(tmp_path):
    """Though every span is sent by itself, and waited for."""
    slowest = Collector(hangs=True).serve(tmp_path, "simple")

    assert slowest < 0.5
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 181
