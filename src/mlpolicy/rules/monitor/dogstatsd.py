"""The numbers of this process for the agent of Datadog: what they rose by, round after round."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar, Final, NamedTuple

from mlpolicy.core import clock
from mlpolicy.core.metrics import METERS, Family, Sample
from mlpolicy.rules.monitor.lanes import EXPORTER, Sink, dropping
from mlpolicy.rules.monitor.rule import DogstatsdBlock

EVERY: Final = 2.0
"""Seconds between two rounds: the agent adds up ten of them."""
PATIENCE: Final = 0.5
"""Seconds that one number may wait for the agent to read those before it."""


class _Certain(float):
    """A sample rate by which the client draws nothing: what is sent stands for several as it is."""

    def __lt__(self, _: float) -> bool:
        return False


class _Line(NamedTuple):
    """A number to send, by a method of the client, and the total that is then sent."""

    send: str
    value: float
    key: tuple[Any, ...]
    total: float
    rate: float = 1


class DogstatsdSink(Sink):
    """Sends the numbers; events are not its business.

    Each number is one datagram: what could not be sent is sent with what comes after it.
    """

    events: ClassVar[bool] = False

    def __init__(self, settings: DogstatsdBlock) -> None:
        self._settings = settings
        self._owner = 0
        self._due = 0.0

    def begin(self) -> None:
        """Send the numbers in rounds from now on."""
        EXPORTER.every_round(self._round, self, "dogstatsd")

    def finish(self) -> None:
        """Send what they rose by since the last round."""
        self.update()

    def _round(self) -> None:
        if clock.REAL() >= self._due:
            self._due = clock.REAL() + EVERY
            self.update()

    def update(self) -> None:
        """Send what has changed; where one cannot be sent, the rest waits for the next round."""
        if self._owner != os.getpid():  # (a child counts from zero, with a socket of its own)
            self._begin_anew()
        for family in METERS.collect():
            name = family.name.removeprefix("mlpolicy_").removesuffix("_total")
            for sample in family.samples:
                tags = [f"{label}:{value}" for label, value in sample.labels]
                for line in self._lines(family, sample):
                    if not self._send(name, line, tags):
                        dropping("dogstatsd", "failed").add()
                        raise ConnectionError("the agent takes no numbers: they wait for it")

    def _begin_anew(self) -> None:
        from datadog.dogstatsd.base import DogStatsd

        one = self._settings
        where = (("host", one.host), ("port", one.port), ("socket_path", one.socket))
        given: dict[str, Any] = {name: value for name, value in where if value is not None}
        self._client: Any = DogStatsd(
            namespace=one.prefix,
            constant_tags=list(one.tags),
            disable_buffering=True,
            socket_timeout=PATIENCE,  # (a unix socket has room for few: this thread waits)
            **given,
        )
        self._sent: dict[tuple[Any, ...], float] = {}
        self._owner = os.getpid()

    def _send(self, name: str, line: _Line, tags: list[str]) -> bool:
        client = self._client
        lost = client.packets_dropped_writer
        getattr(client, line.send)(name, line.value, tags=tags, sample_rate=line.rate)
        if client.packets_dropped_writer > lost:
            return False
        self._sent[line.key] = line.total
        return True

    def _lines(self, family: Family, sample: Sample) -> Iterator[_Line]:
        """Yield what is to be sent of one series."""
        key = (family.name, sample.labels)
        if family.kind == "gauge":
            yield _Line("gauge", sample.value, key, sample.value)
        elif family.kind == "counter":
            rose = sample.value - self._sent.get(key, 0)
            if rose > 0 or key not in self._sent:
                yield _Line("increment", rose, key, sample.value)
        else:
            yield from self._durations(family.name, sample)

    def _durations(self, name: str, sample: Sample) -> Iterator[_Line]:
        """Yield a duration for each bucket that calls fell into, which stands for all of them.

        It is the middle of the bucket; beyond the last bound, that bound.
        """
        bounds = [0.0, *(bound for bound, _ in sample.buckets)]
        for (low, high), (_, count) in zip(pairwise(bounds), sample.buckets, strict=True):
            key = (name, sample.labels, high)
            new = int(count - self._sent.get(key, 0))
            if new > 0:
                middle = low if math.isinf(high) else (low + high) / 2
                # (the agent takes the whole part of 1/rate)
                rate = _Certain(math.nextafter(1 / new, 0)) if new > 1 else 1
                yield _Line("distribution", middle, key, count, rate)


SINK = DogstatsdSink(DogstatsdBlock())
