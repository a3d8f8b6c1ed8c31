"""What the tests of memory share: trees of cgroups in a folder, and readings to order."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlpolicy.core.metrics import Meters
from mlpolicy.core.report import forget
from mlpolicy.core.site import Notes, Site
from mlpolicy.core.threads import here
from mlpolicy.rules.memory.gate import Decisions, Gate, Gauge
from mlpolicy.rules.memory.levels import Levels
from mlpolicy.rules.memory.limits import Bound, Limits, MemoryReading
from mlpolicy.rules.memory.sampler import SAMPLER

MIB = 1024**2
NO_LIMIT = 0x7FFFFFFFFFFFF000
"""What version 1 says where there is no limit."""


class Tree:
    """Cgroups as files: what a kernel would show under /sys/fs/cgroup and in /proc/self."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "cgroup"
        self.proc = folder / "proc"
        self.root.mkdir()
        self.proc.mkdir()
        (self.proc / "statm").write_text("1000 700 100 1 0 500 0\n")

    def inside(self, *lines: str) -> None:
        """Say which cgroups the process is in."""
        (self.proc / "cgroup").write_text("".join(f"{line}\n" for line in lines))

    def unified(self, path="", *, max="max", high="max", current=0, inactive=0, active=0, at=""):
        """Make a cgroup of version 2, in MiB."""
        here = self._folder(at, path)
        (here / "cgroup.controllers").write_text("cpu memory\n")
        (here / "memory.max").write_text(f"{_bytes(max)}\n")
        (here / "memory.high").write_text(f"{_bytes(high)}\n")
        (here / "memory.current").write_text(f"{_bytes(current)}\n")
        stat = f"anon 1\nfile 2\ninactive_file {inactive * MIB}\nactive_file {active * MIB}\n"
        (here / "memory.stat").write_text(stat)
        return here

    def legacy(self, path="", *, limit=None, usage=0, inactive=0, active=0, above=None):
        """Make a cgroup of version 1, in MiB."""
        here = self._folder("memory", path)
        written = NO_LIMIT if limit is None else limit * MIB
        (here / "memory.limit_in_bytes").write_text(f"{written}\n")
        (here / "memory.usage_in_bytes").write_text(f"{usage * MIB}\n")
        tightest = written if above is None else above * MIB
        (here / "memory.stat").write_text(
            f"cache 1\ninactive_file 0\nactive_file 0\nhierarchical_memory_limit {tightest}\n"
            f"total_inactive_file {inactive * MIB}\ntotal_active_file {active * MIB}\n"
        )
        return here

    def _folder(self, *parts: str) -> Path:
        here = self.root.joinpath(*(part.strip("/") for part in parts))
        here.mkdir(parents=True, exist_ok=True)
        return here

    def limits(self, given=None, measure="nonreclaimable", *, machine=64 * 1024, **more):
        """Return the limits of this tree on a machine of so many MiB."""
        whole = Bound(machine * MIB, lambda: 1000 * MIB, "the machine")
        return Limits(
            given,
            measure,
            environ={"MLPOLICY_CGROUP_ROOT": str(self.root), **more.pop("environ", {})},
            proc=self.proc,
            machine=lambda: whole,
            **more,
        )


def _bytes(size):
    return size if isinstance(size, str) else size * MIB


@pytest.fixture
def tree(tmp_path):
    forget()
    return Tree(tmp_path)


class Stock:
    """A probe to order: so much of 1,000 MiB is used."""

    def __init__(self, used=0) -> None:
        self.used = used
        self.read_so_far = 0
        self.broken = False

    def read(self):
        self.read_so_far += 1
        if self.broken:
            raise RuntimeError("broken")
        return None if self.used is None else MemoryReading(self.used * MIB, 1000 * MIB, "a test")

    def reset(self):
        pass


class Time:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds) -> None:
        self.time += seconds


class Yard:
    """One gauge that someone looks after, its gates, and a clock."""

    def __init__(self, *, attended=True, poll=0.1) -> None:
        self.time = Time()
        self.stock = Stock()
        self.attended = attended
        self.meters = Meters()
        self.gauge = Gauge(self.stock.read, poll, attend=self._attend, now=self.time)

    def _attend(self, gauge):
        gauge.attended = self.attended

    def gate(self, *, wait=5.0, levels=Levels(), **more):
        return Gate(self.gauge, levels, decisions=self.decisions(), wait=wait, **more)

    def decisions(self, name="shop:predict"):
        return Decisions(Site(name, meters=self.meters))

    def use(self, used) -> None:
        """Let so many MiB be in use, and let the sampler read it one poll later."""
        self.stock.used = used
        self.time.advance(self.gauge.poll)
        self.gauge.attended = self.attended
        self.gauge.sample()


@pytest.fixture
def yard():
    forget()
    return Yard()


@pytest.fixture
def make_yard():
    forget()
    return Yard


@pytest.fixture
def stock():
    return Stock()


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def use(tree, monkeypatch):
    """Return what sets the usage of the cgroup, of 1,000 MiB, that all rules here are under."""
    here = tree.unified(max=1000, current=100)
    monkeypatch.setenv("MLPOLICY_CGROUP_ROOT", str(tree.root))

    def use(used):
        # In one piece: a reader must not find the file empty.
        with open(here / "memory.current", "r+") as file:
            file.write(f"{used * MIB:<20}\n")
        _let_it_be_read(str(tree.root))

    return use


def _let_it_be_read(root):
    """Wait until the sampler has read it, where it has read before: that may be fresh enough.

    What is not read yet is read by the first call. What it reads may be gone again at once, by a
    relief that frees it.
    """
    sampler = SAMPLER._thread
    if sampler is None or here():
        return
    end = time.monotonic() + 10.0
    for gauge in [one for key, one in tuple(SAMPLER._gauges.items()) if root in key]:
        written = gauge.now()
        while gauge.gates() and gauge.reading is not None and gauge.at < written:
            if not sampler.is_alive():
                return
            assert time.monotonic() < end, "the sampler does not read"
            time.sleep(0.001)
