"""The numbers of this process, where Prometheus looks for them; whether several can share theirs."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from mlpolicy.core.kind import MachineCheck
from mlpolicy.core.metrics import METERS, Family, Labels, Meters, Sample
from mlpolicy.core.report import say_once
from mlpolicy.core.threads import Lock
from mlpolicy.rules.monitor.lanes import EXPORTER, Sink

OWN = "mlpolicy-run-"
"""How the name of a folder begins that `mlpolicy run` has made: nobody else reads it unasked."""
VARIABLES = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
CLIENT = "prometheus_client"
LATE = (
    f"{VARIABLES[0]} was set after prometheus_client had been imported: metrics of mlpolicy are "
    "written there, those of the program itself are not; set it before the program starts"
)

_lock = Lock()
_asked: deque[bool] = deque(maxlen=1)
"""Whether anything is to be shown at all, and if so, whether files of dead processes are folded."""


def folder() -> str:
    """Return where the processes of the service write their numbers; nothing where each has its own."""
    return next(filter(None, map(os.environ.get, VARIABLES)), "")


def expose(*, client: bool = True, fold: bool = False) -> None:
    """Let prometheus_client show our numbers: in its default registry, or in files of processes.

    It may be asked at any time: a server sets the variable that asks for files when it likes,
    often after the client was imported.
    The client is imported here and now, which takes a tenth of a second: on another thread the
    import could be under way when the process forks, and the child would wait for it for ever.

    Args:
        client: Whether the client is imported for that; where files are asked for it is anyway.
        fold: Whether files that dead processes left are folded from now on; those in a folder that
            `mlpolicy run` has made are anyway.
    """
    in_files = folder()
    fold = fold or any(_asked) or os.path.basename(in_files).startswith(OWN)
    _asked.append(fold)
    if client or in_files:
        import_module(CLIENT)
    # (of a client that is being imported these may not be there yet)
    if in_files:
        values = getattr(sys.modules.get(f"{CLIENT}.values"), "ValueClass", None)
        if values is not None:
            MIRROR.begin(values)
            if fold:
                from mlpolicy.rules.monitor.multiprocess import FOLDING

                FOLDING.begin(in_files)
    elif not COLLECTOR.registered:
        registry = getattr(sys.modules.get(f"{CLIENT}.registry"), "REGISTRY", None)
        if registry is not None:
            registry.register(COLLECTOR)  # (a second time does nothing)
            COLLECTOR.registered = True


def page(accept: str) -> tuple[str, bytes]:
    """Return how the numbers of this moment are written, of several forms the one to *accept*, and they.

    Where processes share theirs, it is those of all.
    """
    from prometheus_client import REGISTRY, CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    write, form = choose_encoder(accept)
    if MIRROR.begun:
        MIRROR.update()
        registry = CollectorRegistry()
        registry.register(_All())
        return form, bytes(write(registry))
    with _lock:  # (no fork may come between: the client has locks)
        return form, bytes(write(REGISTRY))


class _All:
    """Gives the numbers of all processes."""

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        from mlpolicy.rules.monitor.multiprocess import collect

        return iter(collect(folder()))


def families() -> Iterator[Family]:
    """Yield the numbers of this process, or of all that share theirs."""
    if not MIRROR.begun:
        yield from METERS.collect()
        return
    MIRROR.update()
    from mlpolicy.rules.monitor.multiprocess import collect

    for metric in collect(folder()):
        if metric.name.startswith("mlpolicy_"):
            yield _family(metric)


def _family(metric: Any) -> Family:
    """Return what the client has collected as a family of ours: each bucket by itself."""
    buckets: dict[Labels, list[tuple[float, int]]] = {}
    numbers: dict[Labels, float] = {}
    for name, given, value, *_ in metric.samples:
        labels = tuple(sorted(pair for pair in given.items() if pair[0] != "le"))
        if "le" in given:
            buckets.setdefault(labels, []).append((float(given["le"]), int(value)))
        elif not name.endswith("_count"):
            numbers[labels] = value
    samples: list[Sample] = []
    for labels, number in numbers.items():
        summed = sorted(buckets.get(labels, ()))
        below = (0, *(count for _, count in summed))
        alone = ((bound, count - less) for (bound, count), less in zip(summed, below, strict=False))
        samples.append(Sample(labels, number, tuple(alone)))
    name = metric.name + ("_total" if metric.type == "counter" else "")
    return Family(name, metric.documentation, metric.type, tuple(samples))


def processes() -> int:
    """Return how many processes share their numbers, which `families` has just looked at."""
    numbers = {path.stem.rpartition("_")[2] for path in Path(folder()).glob("*.db") if MIRROR.begun}
    return max(1, sum(map(str.isdigit, numbers)))


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
        from prometheus_client.core import Metric

        for family in self._meters.collect():
            made = Metric(family.name.removesuffix("_total"), family.help, family.kind)
            for name, labels, number in _numbers(family, summed=True):
                made.add_sample(name, dict(labels), number)
            yield made


class Mirror:
    """Copies our numbers into the files that several processes share.

    Exact after a graceful end; after SIGKILL short by what happened since the last round.
    The cells are those that metric objects of the client hold. Where the client was imported
    before files were asked for, its own keep their numbers to themselves, and ours do not.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self.cells: dict[tuple[str, Labels], tuple[Any, float]] = {}
        """Where numbers are kept, by name and labels, and what was there before."""
        self._make: Any = None

    @property
    def begun(self) -> bool:
        """Whether the numbers are written."""
        return self._make is not None

    def begin(self, values: Any) -> None:
        """Write the numbers in every round, into such *values* as the client's metrics have."""
        if self._make is None:
            if not getattr(values, "_multiprocess", False):
                from prometheus_client.values import MultiProcessValue

                say_once("prometheus:late", LATE)
                values = MultiProcessValue()  # type: ignore[no-untyped-call]  # (a library's)
            self._make = values
        EXPORTER.every_round(self.update)

    def update(self) -> None:
        """Write the numbers of this moment."""
        if _lock.held():
            return
        with _lock:
            for family in self._meters.collect():
                for name, labels, number in _numbers(family, summed=False):
                    cell, before = self._cell(family, name, labels)
                    if family.kind == "gauge":
                        # The time decides which process is believed of something that they share.
                        cell.set(number, time.time() if family.shared else None)
                    else:
                        cell.set(before + number)

    def _cell(self, family: Family, name: str, labels: Labels) -> tuple[Any, float]:
        """Return where a number is kept, and what a process of the same number left there."""
        key = (name, labels)
        if key not in self.cells:
            cell = self._make(
                family.kind,
                family.name.removesuffix("_total"),
                name,
                tuple(label for label, _ in labels),
                tuple(value for _, value in labels),
                family.help,
                multiprocess_mode="livemostrecent" if family.shared else "livesum",
            )
            self.cells[key] = cell, cell.get()
        return self.cells[key]


def _numbers(family: Family, *, summed: bool) -> Iterator[tuple[str, Labels, float]]:
    """Yield name, labels and number of all that Prometheus keeps of a family.

    Buckets hold what is in them alone, or, *summed*, what is in those below as well.
    """
    from prometheus_client.utils import floatToGoString

    for sample in family.samples:
        name, total = family.name, 0
        for bound, count in sample.buckets:
            total += count
            text = str(floatToGoString(bound))  # type: ignore[no-untyped-call]  # (a library's)
            labels = (*sample.labels, ("le", text))
            yield f"{name}_bucket", labels, total if summed else count
        if family.kind == "histogram":
            if summed:
                yield f"{name}_count", sample.labels, total
            name = f"{name}_sum"
        yield name, sample.labels, sample.value


COLLECTOR = Collector(METERS)
MIRROR = Mirror(METERS)


def _after_fork() -> None:
    _lock.release()
    MIRROR.cells = {}
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


def doctor(_: Mapping[str, Mapping[str, Any]]) -> Iterator[MachineCheck]:
    """Yield whether the processes of a service can share their metrics."""
    there = folder()
    workers = os.environ.get("WEB_CONCURRENCY", "")
    if there and not os.access(there, os.W_OK):
        remedy = "make the folder, and let the service write there"
        yield MachineCheck("metrics", "fail", f"{VARIABLES[0]}={there} cannot be written", remedy)
    elif workers.isdigit() and int(workers) > 1 and not there:
        remedy = f"set {VARIABLES[0]} to an empty folder, the same for all workers"
        text = f"MP905: {workers} workers, each with metrics of its own"
        yield MachineCheck("metrics", "warn", text, remedy)
    else:
        yield MachineCheck("metrics", "ok", there or "one process")
