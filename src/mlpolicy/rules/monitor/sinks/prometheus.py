"""The numbers of this process, where Prometheus looks for them."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from importlib import import_module
from typing import Any, ClassVar

from mlpolicy.core.metrics import METERS, Family, Labels, Meters, Sample
from mlpolicy.core.report import say_once
from mlpolicy.core.threads import Lock
from mlpolicy.rules.monitor.sinks import Sink
from mlpolicy.rules.monitor.sinks.exporter import EXPORTER

VARIABLES = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
CLIENT = "prometheus_client"
LATE = (
    f"{VARIABLES[0]} was set after prometheus_client had been imported: metrics of mlpolicy are "
    "written there, those of the program itself are not; set it before the program starts"
)

_lock = Lock()
_asked: deque[bool] = deque(maxlen=1)
"""Whether anything is to be shown at all."""


def expose(*, client: bool = True) -> None:
    """Let prometheus_client show our numbers: in its default registry, or in files of processes.

    It may be asked at any time: a server sets the variable that asks for files when it likes,
    often after the client was imported.
    The client is imported here and now, which takes a tenth of a second: on another thread the
    import could be under way when the process forks, and the child would wait for it for ever.

    Args:
        client: Whether the client is imported for that; where files are asked for it is anyway.
    """
    _asked.append(True)
    in_files = any(os.environ.get(name) for name in VARIABLES)
    if client or in_files:
        import_module(CLIENT)
    # (of a client that is being imported these may not be there yet)
    if in_files:
        values = getattr(sys.modules.get(f"{CLIENT}.values"), "ValueClass", None)
        if values is not None:
            MIRROR.begin(values)
    elif not COLLECTOR.registered:
        registry = getattr(sys.modules.get(f"{CLIENT}.registry"), "REGISTRY", None)
        if registry is not None:
            registry.register(COLLECTOR)  # (a second time does nothing)
            COLLECTOR.registered = True


class Collector:
    """Gives the numbers of this moment at each scrape."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self.registered = False

    def describe(self) -> list[Any]:
        """Return nothing: names are known when functions are placed."""
        return []

    def collect(self) -> Iterator[Any]:
        """Yield every family."""
        from prometheus_client import core

        kinds: dict[str, Any] = {
            "histogram": core.HistogramMetricFamily,
            "counter": core.CounterMetricFamily,
            "gauge": core.GaugeMetricFamily,
        }
        for family in self._meters.collect():
            made = kinds[family.kind](family.name, family.help)
            for sample in family.samples:
                labels, name, total = dict(sample.labels), family.name, 0
                for bound, count in sample.buckets:
                    total += count
                    made.add_sample(f"{name}_bucket", labels | {"le": _bound(bound)}, total)
                if family.kind == "histogram":
                    made.add_sample(f"{name}_count", labels, total)
                    name = f"{name}_sum"
                made.add_sample(name, labels, sample.value)
            yield made


def _bound(bound: float) -> str:
    from prometheus_client.utils import floatToGoString

    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]  # (a library's helper)


class Mirror:
    """Copies our numbers into the files that several processes share.

    Exact after a graceful end; after SIGKILL short by what happened since the last round.
    The cells are those that metric objects of the client hold. Where the client was imported
    before files were asked for, its own keep their numbers to themselves, and ours do not.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._cells: dict[tuple[str, Labels], tuple[Any, float]] = {}
        self._make: Any = None

    def begin(self, values: Any) -> None:
        """Write the numbers in every round, into such *values* as the client's metrics have."""
        if self._make is None:
            if not getattr(values, "_multiprocess", False):
                from prometheus_client.values import MultiProcessValue

                say_once("prometheus:late", LATE)
                values = MultiProcessValue()  # type: ignore[no-untyped-call]  # (a library's)
            self._make = values
        EXPORTER.every_round(self.update)

    def restart(self) -> None:
        """Begin at zero in a forked child."""
        self._cells = {}

    def update(self) -> None:
        """Write the numbers of this moment."""
        if _lock.held():
            return
        with _lock:
            for family in self._meters.collect():
                for sample in family.samples:
                    self._copy(family, sample)

    def _copy(self, family: Family, sample: Sample) -> None:
        if family.kind == "gauge":
            cell, _ = self._cell(family, family.name, sample.labels)
            # The time decides which process is believed of something that they share.
            cell.set(sample.value, time.time() if family.shared else None)
            return
        for bound, count in sample.buckets:
            labels = (*sample.labels, ("le", _bound(bound)))
            cell, before = self._cell(family, f"{family.name}_bucket", labels)
            cell.set(before + count)
        name = f"{family.name}_sum" if family.kind == "histogram" else family.name
        cell, before = self._cell(family, name, sample.labels)
        cell.set(before + sample.value)

    def _cell(self, family: Family, name: str, labels: Labels) -> tuple[Any, float]:
        """Return where a number is kept, and what a process of the same number left there."""
        key = (name, labels)
        if key not in self._cells:
            cell = self._make(
                family.kind,
                family.name.removesuffix("_total"),
                name,
                tuple(label for label, _ in labels),
                tuple(value for _, value in labels),
                family.help,
                multiprocess_mode="livemostrecent" if family.shared else "livesum",
            )
            self._cells[key] = cell, cell.get()
        return self._cells[key]


COLLECTOR = Collector(METERS)
MIRROR = Mirror(METERS)


def _after_fork() -> None:
    _lock.release()
    MIRROR.restart()
    if _asked:
        expose(client=False)


if hasattr(os, "register_at_fork"):
    # No update may be under way in a fork: the child would have the client's own lock, held.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_after_fork
    )


class PrometheusSink(Sink):
    """Shows the numbers; events are not its business."""

    events: ClassVar[bool] = False

    def begin(self) -> None:
        """Register with prometheus_client, once a process."""
        expose()


SINK = PrometheusSink()
