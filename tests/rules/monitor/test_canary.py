"""By default no value of a call reaches a sink, whichever it is."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.rules.monitor.lanes import EXPORTER
from mlpolicy.rules.monitor.otel import NUMBERS
from mlpolicy.rules.monitor.sinks import _made

CANARY = "canary7f3a9d"
SECRET = f"sk-{CANARY}0123456789012345"


class Told(Exception):
    """Bears what it is about, in every way that an error can."""

    def __init__(self, text):
        super().__init__(text)
        self.text = self.password = text
        self.add_note(f"with {text}")


def gives(x, **named):
    return {"found": x, x: [x]}


def raises(x, **named):
    raise Told(f"cannot find {x}") from KeyError(x)


def groups(x, **named):
    raise ExceptionGroup(x, [Told(x), ValueError(f"{x} is wrong")])


def streams(x, **named):
    yield x
    raise Told(x)


@pytest.fixture
def reached(tmp_path, opentelemetry, events):
    """Calls functions under a policy; returns what each sink was told."""
    agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    agent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    agent.bind(("127.0.0.1", 0))
    agent.settimeout(0.2)
    begun = list(EXPORTER._lanes)
    METERS.clear()

    def run(inputs):
        where = f"{{host: 127.0.0.1, port: {agent.getsockname()[1]}}}"
        sinks = f"[prometheus, log, otel, {{file: {{path: {tmp_path}/f}}}}, {{dogstatsd: {where}}}]"
        body = f"    monitor: {{sinks: {sinks}, log: {{sample: 100%, inputs: {inputs}}}}}\n"
        text = "".join(
            f"  {__name__}:{one}:\n{body}" for one in ("gives", "raises", "groups", "streams")
        )
        (tmp_path / "policy.yaml").write_text(f"version: 1\npolicies:\n{text}")
        mlpolicy.install(policy=tmp_path / "policy.yaml")
        for function in (gives, raises, groups, streams):
            for text in (CANARY, SECRET):
                with suppress(Exception):
                    list(function(text, token=text, other=[text]))
        assert EXPORTER.flush(10)
        EXPORTER.finish()
        NUMBERS.offer()
        logs = [one.log_record for one in opentelemetry.logs.get_finished_logs()]
        told = {
            "log": str(events()),
            "file": (tmp_path / "f").read_text(),
            "spans": " ".join(span.to_json() for span in opentelemetry.spans.get_finished_spans()),
            "logs": str([(one.body, one.attributes) for one in logs]),
            "numbers": str(opentelemetry.numbers()),
            "dogstatsd": "",
        }
        with suppress(TimeoutError):
            while True:
                told["dogstatsd"] += agent.recv(1 << 16).decode()
        return told

    opentelemetry.spans.clear()
    opentelemetry.logs.clear()
    yield run
    mlpolicy.uninstall()
    METERS.clear()
    agent.close()
    for sink in [one for one in EXPORTER._lanes if one not in begun]:
        EXPORTER._lanes.pop(sink)._periodic.clear()
    _made.clear()


def test_a_canary_reaches_no_sink(reached):
    """In arguments, results, messages, attributes and notes."""
    told = reached("summary")

    assert {name for name, text in told.items() if "raises" not in text} == set()
    assert {name for name, text in told.items() if CANARY in text} == set()


def test_one_that_was_asked_for_is_found(reached):
    """So that the other test can fail; what looks like a secret is left out even then."""
    told = reached("full")

    assert {name for name, text in told.items() if CANARY in text} == {"log", "file", "logs"}
    assert not any(SECRET in text for text in told.values())
