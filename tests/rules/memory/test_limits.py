"""Limits from elsewhere: the policy, the environment, `ulimit`, and the machine."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from mlpolicy.core.report import forget
from mlpolicy.rules.memory.limits import Limits, MemoryReading, Process, whole_machine

MIB = 1024**2
RESIDENT = 700 * os.sysconf("SC_PAGE_SIZE")
"""What the tree says of the process."""


def test_a_given_limit_is_held_against_this_process(tree):
    """Where no cgroup limits it, what the process itself uses is all that can be meant."""
    assert tree.limits(500 * MIB).read() == MemoryReading(RESIDENT, 500 * MIB, "the given limit")


def test_a_given_limit_is_held_against_the_container(tree):
    """All workers of a container count towards it."""
    tree.unified(max=1000, current=300)
    tree.inside("0::/")

    assert tree.limits(500 * MIB).read() == MemoryReading(300 * MIB, 500 * MIB, "the given limit")


def test_a_given_limit_does_not_lift_that_of_the_container(tree):
    """The kernel kills at its own limit whatever a policy says."""
    here = tree.unified(max=1000, current=300)
    tree.inside("0::/")

    assert tree.limits(5000 * MIB).read() == MemoryReading(300 * MIB, 1000 * MIB, f"cgroup {here}")


def test_a_given_limit_above_the_machine_is_none(tree):
    """Nobody can have more than there is."""
    assert tree.limits(5000 * MIB, machine=2000).read().of == "the machine"


@pytest.mark.parametrize(("given", "limit"), [(None, 300), (200 * MIB, 200), (400 * MIB, 300)])
def test_the_environment_limits_too(tree, given, limit):
    """The lesser of the policy and `MLPOLICY_MEMORY_LIMIT` holds."""
    limits = tree.limits(given, environ={"MLPOLICY_MEMORY_LIMIT": "300MiB"})

    assert limits.read() == MemoryReading(RESIDENT, limit * MIB, "the given limit")


def test_an_environment_without_a_unit_is_reported_once(tree, caplog):
    """A number alone is not taken for bytes, nor for anything else."""
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        all_limits = [tree.limits(environ={"MLPOLICY_MEMORY_LIMIT": "300"}) for _ in range(2)]

    assert [limits.read().of for limits in all_limits] == ["the machine"] * 2
    assert len(caplog.records) == 1
    assert caplog.records[0].message.startswith("MLPOLICY_MEMORY_LIMIT is ignored: ")


def test_without_psutil_nothing_is_known_of_the_machine(tree):
    """Then the rule has nothing to hold on to."""
    limits = Limits(environ={"MLPOLICY_CGROUP_ROOT": "/none"}, proc=tree.proc, machine=lambda: None)

    assert limits.read() is None


def test_a_missing_psutil_is_reported_once(monkeypatch, caplog):
    """It is a dependency, but not everybody installs those."""
    forget()
    monkeypatch.setitem(sys.modules, "psutil", None)

    assert [whole_machine(), whole_machine()] == [None, None]
    assert caplog.messages == ["psutil is missing: memory rules cannot see the whole machine"]


def test_the_machine_is_told_by_psutil():
    """What is not available to programs is in use."""
    reading = whole_machine().read()

    assert 0 < reading.used < reading.limit
    assert reading.of == "the machine"


def test_a_process_without_proc_is_told_by_psutil(tmp_path):
    """As on macOS and Windows; addresses are not counted there."""
    process = Process(tmp_path)

    assert process.resident() > MIB
    assert list(process.limits()) == []


def test_a_real_process_counts_its_memory():
    """64 MiB more is 64 MiB more."""
    process = Process()
    resident = process.resident()

    block = bytearray(64 * MIB)

    assert process.resident() - resident > 60 * MIB
    del block


ULIMIT = """
import resource
from mlpolicy.rules.memory.limits import Limits
resource.setrlimit(resource.{name}, (2 << 30, 2 << 30))
block = bytearray(1024 << 20)
reading = Limits(environ={{"MLPOLICY_CGROUP_ROOT": "/none"}}).read()
print(reading.limit >> 20, reading.used >> 20, reading.of)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="`ulimit -v` is kept on Linux only")
@pytest.mark.parametrize("name", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_ulimit_is_seen(name):
    """A real process under a real limit: what it takes counts towards it."""
    done = subprocess.run(
        [sys.executable, "-c", ULIMIT.format(name=name)], capture_output=True, text=True, check=True
    )

    limit, used, of = done.stdout.split()
    assert (limit, of) == ("2048", name)
    assert 1024 <= int(used) <= 1400
