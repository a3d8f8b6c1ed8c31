"""The numbers as an agent gets them: real sockets, whose datagrams are taken apart."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import forget
from mlpolicy.rules.monitor.lanes import EXPORTER
from mlpolicy.rules.monitor.rule import DogstatsdBlock, SinkBlock
from mlpolicy.rules.monitor.sinks import _made, chosen

LINE = re.compile(
    r"(?P<name>[\w.]+):(?P<value>[\d.e+-]+)\|(?P<kind>[cgd])(\|@(?P<rate>[\d.e-]+))?\|#(?P<tags>[^|]*)"
)
ME = f"{__name__}:served"


def served(x=0):
    if x < 0:
        raise ValueError
    return x


class Agent:
    """Adds up what it receives, as the agent does."""

    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(address)
        self.counts, self.gauges, self.calls = Counter(), {}, Counter()
        self.awake, self.thread = True, threading.Thread(target=self.read)

    def __enter__(self):
        self.socket.settimeout(0.05)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.awake = False
        self.thread.join(10)
        self.socket.close()

    def read(self):
        while True:
            try:
                lines = self.socket.recv(1 << 16).decode().splitlines()
            except TimeoutError:
                if not self.awake:
                    return
                continue
            for line in lines:
                if not line.startswith("datadog.dogstatsd.client"):
                    self._take(LINE.match(line))

    def _take(self, line):
        tags = dict(tag.split(":", 1) for tag in line["tags"].split(","))
        key = (line["name"], frozenset(tags.items()))
        if line["kind"] == "c":
            self.counts[key] += float(line["value"])
        elif line["kind"] == "g":
            self.gauges[key] = float(line["value"])
        else:
            self.calls[line["name"], tags["function"]] += int(1 / float(line["rate"] or 1))


@pytest.fixture
def put(tmp_path):
    """Put a policy with that sink in force; what it begins ends with the test."""
    forget()
    begun = list(EXPORTER._lanes)

    def install(sink):
        text = f"version: 1\npolicies:\n  {ME}:\n    monitor: {{sinks: [{sink}]}}\n"
        (tmp_path / "policy.yaml").write_text(text)
        mlpolicy.install(policy=tmp_path / "policy.yaml")

    METERS.clear()
    yield install
    mlpolicy.uninstall()
    METERS.clear()
    for sink in [one for one in EXPORTER._lanes if one not in begun]:
        EXPORTER._lanes.pop(sink)._periodic.clear()
    _made.clear()


def call(well, badly):
    for _ in range(well):
        served(1)
    for _ in range(badly):
        with suppress(ValueError):
            served(-1)


def compare(agent, prefix="mlpolicy", **constant):
    """What the agent had are the totals of this process, each series of them."""
    for family in METERS.collect():
        name = f"{prefix}.{family.name.removeprefix('mlpolicy_').removesuffix('_total')}"
        for sample in family.samples:
            labels = dict(sample.labels)
            if labels.get("sink") == "dogstatsd":
                continue
            key = (name, frozenset({**labels, **constant}.items()))
            if family.kind == "counter":
                assert agent.counts[key] == sample.value, key
            elif family.kind == "gauge":
                assert key in agent.gauges
            else:
                count = sum(number for _, number in sample.buckets)
                assert agent.calls[name, labels["function"]] == count


@pytest.mark.parametrize("family", ["udp", "unix"])
def test_an_agent_has_the_totals_of_the_process(put, tmp_path, family):
    """By UDP and by a unix socket, with names and tags as they were asked for."""
    path = str(tmp_path / "agent.sock")
    udp = family == "udp"
    with Agent(*((socket.AF_INET, ("127.0.0.1", 0)) if udp else (socket.AF_UNIX, path))) as agent:
        port = agent.socket.getsockname()[1] if udp else 0
        where = f"host: 127.0.0.1, port: {port}" if udp else f"socket: {path}"
        put(f"{{dogstatsd: {{{where}, prefix: shop, tags: ['env:test']}}}}")
        for well, badly in ((300, 7), (93, 0), (1, 1)):
            call(well, badly)
            EXPORTER.finish()

    compare(agent, "shop", env="test")
    key = {"function": ME, "env": "test"}
    assert agent.counts["shop.calls", frozenset({**key, "outcome": "ok"}.items())] == 394
    assert agent.counts["shop.calls", frozenset({**key, "outcome": "error"}.items())] == 8
    assert agent.calls["shop.call_duration_seconds", ME] == 402
    assert agent.gauges["shop.in_flight", frozenset(key.items())] == 0


def test_what_an_agent_that_is_not_there_misses_it_gets_later(put, tmp_path):
    """Calls go on meanwhile, and it is counted."""
    path = str(tmp_path / "agent.sock")
    put(f"{{dogstatsd: {{socket: {path}}}}}")

    call(20, 0)
    EXPORTER.finish()
    call(20, 0)
    EXPORTER.finish()
    reason = {"sink": "dogstatsd", "reason": "failed"}
    failed = METERS.value("mlpolicy_dropped_events_total", **reason)
    with Agent(socket.AF_UNIX, path) as agent:
        call(2, 1)
        EXPORTER.finish()

    assert failed >= 2
    compare(agent)
    assert agent.calls["mlpolicy.call_duration_seconds", ME] == 43


def test_an_agent_that_reads_nothing_holds_nothing_up(put, tmp_path):
    """Its socket is full: what does not fit waits."""
    path = str(tmp_path / "agent.sock")
    agent = Agent(socket.AF_UNIX, path)
    for number in range(2000):
        METERS.counter("shop_orders_total", "Orders.", shop=str(number)).add()
    put(f"{{dogstatsd: {{socket: {path}}}}}")

    begun = time.monotonic()
    EXPORTER.finish()
    took = time.monotonic() - begun
    with agent:
        EXPORTER.finish()

    assert took < 1.5
    compare(agent)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_sends_what_it_counts_itself(put):
    with Agent(socket.AF_INET, ("127.0.0.1", 0)) as agent:
        put(f"{{dogstatsd: {{host: 127.0.0.1, port: {agent.socket.getsockname()[1]}}}}}")
        call(10, 0)
        EXPORTER.finish()
        child = os.fork()
        if child == 0:
            try:
                call(5, 0)
                EXPORTER.finish()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        EXPORTER.finish()

    assert agent.calls["mlpolicy.call_duration_seconds", ME] == 15


def test_without_settings_it_is_the_one_by_its_name():
    """Two of them would send everything twice."""
    assert chosen(SinkBlock(dogstatsd=DogstatsdBlock())) == chosen("dogstatsd")
