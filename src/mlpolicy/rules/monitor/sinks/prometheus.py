"""The numbers of this process, where Prometheus looks for them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

from mlpolicy.core.metrics import METERS, Family, Meters, Sample
from mlpolicy.rules.monitor.sinks.exporter import EXPORTER
from mlpolicy.rules.monitor.sinks.sink import Sink

VARIABLES = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")

_lock = threading.Lock()
_exposed: list[object] = []


def expose() -> None:
    """Let the default registry of prometheus_client show our numbers, once a process.

    It is imported here and now, which takes a tenth of a second: on another thread the import
    could be under way when the process forks, and the child would wait for it for ever.
    """
    with _lock:
        if _exposed:
            return
        if any(os.environ.get(name) for name in VARIABLES):
            mirror = Mirror(METERS)
            _exposed.append(mirror)
            # No update may be under way in a fork: the child would inherit its locks, held.
            os.register_at_fork(
                before=_lock.acquire,
                after_in_parent=_lock.release,
                after_in_child=mirror.restart,
            )
            EXPORTER.every_round(mirror.update)
        else:
            from prometheus_client import REGISTRY

            collector = Collector(METERS)
            REGISTRY.register(collector)
            _exposed.append(collector)


class Collector:
    """Gives the numbers of this moment at each scrape."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def describe(self) -> list[Any]:
        """Return nothing: names are known when functions are placed."""
        return []

    def collect(self) -> Iterator[Any]:
        """Yield every family."""
        for family in self._meters.collect():
            yield _family(family)


def _family(family: Family) -> Any:
    from prometheus_client import core

    if family.kind == "histogram":
        made = core.HistogramMetricFamily(family.name, family.help, labels=())
        _histogram(made, family)
        return made
    if family.kind == "counter":
        counter = core.CounterMetricFamily(family.name.removesuffix("_total"), family.help)
        for sample in family.samples:
            counter.add_sample(family.name, dict(sample.labels), sample.value)
        return counter
    gauge = core.GaugeMetricFamily(family.name, family.help)
    for sample in family.samples:
        gauge.add_sample(family.name, dict(sample.labels), sample.value)
    return gauge


def _histogram(made: Any, family: Family) -> None:
    for sample in family.samples:
        labels, total = dict(sample.labels), 0
        for bound, count in sample.buckets:
            total += count
            bucket = labels | {"le": _bound(bound)}
            made.add_sample(f"{family.name}_bucket", bucket, total)
        made.add_sample(f"{family.name}_count", labels, total)
        made.add_sample(f"{family.name}_sum", labels, sample.value)


def _bound(bound: float) -> str:
    from prometheus_client.utils import floatToGoString

    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]  # (a library's helper)


class Mirror:
    """Copies our numbers into real metric objects, which alone write the files of several processes.

    Exact after a graceful end; after SIGKILL short by what happened since the last round.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._made: dict[str, Any] = {}
        self._shown: dict[tuple[str, tuple[tuple[str, str], ...]], Sample] = {}

    def restart(self) -> None:
        """Begin at zero in a forked child."""
        self._shown.clear()
        _lock.release()

    def update(self) -> None:
        """Add what happened since the last round."""
        with _lock:
            for family in self._meters.collect():
                for sample in family.samples:
                    self._copy(family, sample)

    def _copy(self, family: Family, sample: Sample) -> None:
        key = (family.name, sample.labels)
        before = self._shown.get(key)
        metric = self._metric(family, sample)
        child = metric.labels(**dict(sample.labels)) if sample.labels else metric
        if family.kind == "gauge":
            child.set(sample.value)
        elif family.kind == "counter":
            child.inc(max(0.0, sample.value - (before.value if before else 0.0)))
        else:
            _add(child, sample, before)
        self._shown[key] = sample

    def _metric(self, family: Family, sample: Sample) -> Any:
        names = tuple(name for name, _ in sample.labels)
        key = f"{family.name}{names}"
        if key not in self._made:
            self._made[key] = _metric(family, sample, names)
        return self._made[key]


def _metric(family: Family, sample: Sample, names: tuple[str, ...]) -> Any:
    from prometheus_client import Counter, Gauge, Histogram

    if family.kind == "counter":
        return Counter(family.name.removesuffix("_total"), family.help, names, registry=None)
    if family.kind == "gauge":
        return Gauge(family.name, family.help, names, registry=None, multiprocess_mode="livesum")
    bounds = [bound for bound, _ in sample.buckets]
    return Histogram(family.name, family.help, names, registry=None, buckets=bounds)


def _add(child: Any, sample: Sample, before: Sample | None) -> None:
    """Add counts to the buckets of *child*; it has no public way to take more than one at a time."""
    old = dict(before.buckets) if before else {}
    for cell, (bound, count) in zip(child._buckets, sample.buckets, strict=True):
        more = count - old.get(bound, 0)
        if more > 0:
            cell.inc(more)
    child._sum.inc(sample.value - (before.value if before else 0.0))


class PrometheusSink(Sink):
    """Shows the numbers; events are not its business."""

    events: ClassVar[bool] = False

    def begin(self) -> None:
        """Register with prometheus_client, once a process."""
        expose()


SINK = PrometheusSink()
