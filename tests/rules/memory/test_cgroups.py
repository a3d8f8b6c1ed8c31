"""Cgroups: which one limits the process, and how much of it is used."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest

from mlpolicy.rules.memory.limits import Limits, MemoryReading, cgroups

MIB = 1024**2


def of(path: Path) -> str:
    return f"cgroup {path}"


def test_version_2_counts_what_the_kernel_cannot_drop(tree):
    """Cached files are not in use: the kernel gives them up when memory is short."""
    tree.unified()
    here = tree.unified("jobs/one", max=1000, current=700, inactive=150, active=50)
    tree.inside("0::/jobs/one")

    assert tree.limits().read() == MemoryReading(500 * MIB, 1000 * MIB, of(here))


def test_a_working_set_keeps_files_read_lately(tree):
    """`workingset` is what Kubernetes calls so: all but the inactive file cache."""
    here = tree.unified("jobs", max=1000, current=700, inactive=150, active=50)
    tree.unified()
    tree.inside("0::/jobs")

    assert tree.limits(measure="workingset").read() == MemoryReading(
        550 * MIB, 1000 * MIB, of(here)
    )


def test_resident_memory_is_that_of_this_process_alone(tree):
    """`rss` reads the process and keeps the limit of the cgroup."""
    here = tree.unified("jobs", max=1000, current=700)
    tree.unified()
    tree.inside("0::/jobs")

    resident = 700 * os.sysconf("SC_PAGE_SIZE")
    assert tree.limits(measure="rss").read() == MemoryReading(resident, 1000 * MIB, of(here))


def test_a_cgroup_is_slowed_down_at_its_high_mark(tree):
    """`memory.high` is a limit where it is lower: above it the process hardly moves."""
    here = tree.unified("jobs", max=1000, high=800, current=400)
    tree.unified()
    tree.inside("0::/jobs")

    assert tree.limits().read() == MemoryReading(400 * MIB, 800 * MIB, of(here))


def test_version_1_counts_what_the_kernel_cannot_drop(tree):
    """The figures of the whole subtree are used, as the limit holds for it."""
    tree.legacy()
    here = tree.legacy("docker/abc", limit=1000, usage=700, inactive=150, active=50)
    tree.inside("5:cpu,cpuacct:/docker/abc", "4:memory:/docker/abc", "0::/")

    assert tree.limits().read() == MemoryReading(500 * MIB, 1000 * MIB, of(here))


def test_version_1_says_no_limit_with_a_number(tree):
    """Its largest number of pages is no limit; the machine is."""
    tree.legacy(usage=700)
    tree.inside("4:memory:/")

    assert tree.limits().read() == MemoryReading(1000 * MIB, 64 * 1024 * MIB, "the machine")


def test_version_1_tells_of_a_limit_above_what_is_shown(tree):
    """A container sees its own cgroup only, and a limit of its parents in `memory.stat`."""
    here = tree.legacy(usage=300, above=600)
    tree.inside("4:memory:/kubepods/pod1/abc")

    assert tree.limits().read() == MemoryReading(300 * MIB, 600 * MIB, of(here))


def test_a_hybrid_mount_is_read_where_the_controller_is(tree):
    """Version 2 is there too, without the memory controller."""
    here = tree.legacy("svc", limit=1000, usage=400)
    (tree.root / "unified").mkdir()
    (tree.root / "unified" / "cgroup.controllers").write_text("\n")
    tree.inside("4:memory:/svc", "0::/svc")

    assert tree.limits().read() == MemoryReading(400 * MIB, 1000 * MIB, of(here))


def test_a_hybrid_mount_may_control_memory_by_version_2(tree):
    """Where no line of version 1 names memory, its part is read."""
    (tree.root / "cpu").mkdir()
    tree.unified(at="unified")
    here = tree.unified("svc", max=1000, current=400, at="unified")
    tree.inside("2:cpu:/svc", "0::/svc")

    assert tree.limits().read() == MemoryReading(400 * MIB, 1000 * MIB, of(here))


def test_a_limit_further_up_holds(tree):
    """A cgroup without a limit is bound by its parents, whose whole usage counts."""
    tree.unified()
    parent = tree.unified("slice", max=1000, current=800)
    tree.unified("slice/service", current=300)
    tree.inside("0::/slice/service")

    assert tree.limits().read() == MemoryReading(800 * MIB, 1000 * MIB, of(parent))


def test_of_nested_limits_the_fullest_counts(tree):
    """A wide parent that is nearly full kills as well as a narrow child that is not."""
    tree.unified()
    parent = tree.unified("slice", max=4000, current=3900)
    tree.unified("slice/service", max=1000, current=300)
    tree.inside("0::/slice/service")

    assert tree.limits().read() == MemoryReading(3900 * MIB, 4000 * MIB, of(parent))


@pytest.mark.parametrize("path", ["/", "/docker/abc", "/../other"])
def test_a_container_shows_its_own_cgroup_as_the_root(tree, path):
    """The path of the machine is not there, or is the root: the mount itself is the cgroup."""
    here = tree.unified(max=1000, current=400)
    tree.inside(f"0::{path}")

    assert tree.limits().read() == MemoryReading(400 * MIB, 1000 * MIB, of(here))


def test_a_cgroup_within_a_container_is_found(tree):
    """The mount shows the container's part: its name is left out of the path."""
    tree.unified(max=4000, current=500)
    here = tree.unified("worker", max=1000, current=400)
    tree.inside("0::/docker/abc/worker")

    assert tree.limits().read() == MemoryReading(400 * MIB, 1000 * MIB, of(here))


def test_a_limit_above_the_machine_is_none(tree):
    """The machine ends first."""
    tree.unified(max=2000, current=400)
    tree.inside("0::/")

    assert tree.limits(machine=1500).read() == MemoryReading(1000 * MIB, 1500 * MIB, "the machine")


def test_a_limit_that_changes_is_seen(tree, make_yard):
    """Kubernetes resizes containers in place: a second later the new limit holds."""
    here = tree.unified(max=1000, current=400)
    tree.inside("0::/")
    time = make_yard().time
    limits = tree.limits(now=time)
    assert limits.read().limit == 1000 * MIB

    (here / "memory.max").write_text(f"{2000 * MIB}\n")
    time.advance(1.0)

    assert limits.read() == MemoryReading(400 * MIB, 2000 * MIB, of(here))


def test_usage_is_read_each_time(tree, make_yard):
    """Only limits are kept between readings."""
    here = tree.unified(max=1000, current=400)
    tree.inside("0::/")
    limits = tree.limits(now=make_yard().time)
    limits.read()

    (here / "memory.current").write_text(f"{600 * MIB}\n")

    assert limits.read().used == 600 * MIB


def test_a_process_that_is_moved_is_followed(tree, make_yard):
    """A supervisor may put it into its cgroup after it has started."""
    tree.unified()
    here = tree.unified("jobs", max=1000, current=400)
    tree.inside("0::/")
    time = make_yard().time
    limits = tree.limits(now=time)
    assert limits.read().of == "the machine"

    tree.inside("0::/jobs")
    time.advance(1.0)

    assert limits.read().of == of(here)


def test_a_cgroup_that_goes_away_is_reported_once(tree, make_yard, caplog):
    """What is left counts, and the log says so."""
    tree.unified()
    here = tree.unified("jobs", max=1000, current=400)
    tree.inside("0::/jobs")
    time = make_yard().time
    limits = tree.limits(now=time)
    limits.read()

    shutil.rmtree(here)
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        readings = [(time.advance(1.0), limits.read())[1].of for _ in range(3)]

    assert readings == ["the machine"] * 3
    assert [record.message.startswith("a memory cgroup") for record in caplog.records] == [True]


def test_a_file_that_says_nonsense_falls_back(tree, caplog):
    """A number that is none leaves the machine, and is reported once."""
    here = tree.unified("jobs", max=1000)
    tree.unified()
    (here / "memory.current").write_text("soon\n")
    tree.inside("0::/jobs")

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        readings = [tree.limits().read(), tree.limits().read()]

    assert [reading.of for reading in readings] == ["the machine"] * 2
    assert len(caplog.records) == 1


def test_without_proc_there_are_no_cgroups(tree):
    """Other systems than Linux know none."""
    tree.unified(max=1000)

    assert list(cgroups(tree.root, tree.proc, "nonreclaimable")) == []


def test_descriptors_are_given_back(tree, make_yard):
    """Looking again and again keeps no more files open than looking once."""
    tree.unified(max=1000, current=400)
    tree.inside("0::/")
    time = make_yard().time
    limits = tree.limits(now=time)
    limits.read()
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(50):
        time.advance(1.0)
        limits.read()

    assert len(os.listdir("/proc/self/fd")) == before


def test_the_root_is_told_by_the_environment():
    """`MLPOLICY_CGROUP_ROOT` replaces the usual mount; empty, it does not."""
    roots = [Limits(environ={"MLPOLICY_CGROUP_ROOT": text})._root for text in ("/odd", "")]

    assert roots == [Path("/odd"), Path("/sys/fs/cgroup")]
