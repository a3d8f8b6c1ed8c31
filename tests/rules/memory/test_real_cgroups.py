"""A real process under a real limit of the kernel, where this machine lets us make one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

MIB = 1024**2
LIMIT = 300
MOUNT = Path("/sys/fs/cgroup")

PROGRAM = """
import os, sys, time
join, root = sys.argv[1:]
if join:
    with open(join, "w") as file:
        file.write(str(os.getpid()))

from mlpolicy.core.site import Site
from mlpolicy.errors import MemoryPressure
from mlpolicy.rules.memory.gate import MemoryTicket
from mlpolicy.rules.memory.rule import MemoryRule
from mlpolicy.rules.memory.step import MemoryStep

rule = MemoryRule.model_validate({"wait": "0s", "poll": "10ms", "relieve": ["gc", "trim"]})
step = MemoryStep(rule, Site("shop:predict"))

def admitted():
    return step.admit(MemoryTicket(), 0) is None

def until(shut):
    end = time.monotonic() + 10
    while step.gate.shut != shut and time.monotonic() < end:
        time.sleep(0.005)

def say(*words):
    print(*words, flush=True)

say(admitted(), step.gauge.reading.limit >> 20)
say(sys.stdin.readline().strip())         # memory is taken: here, or in the tree of files
block = b"x" * (275 << 20) if join else b""
until(shut=True)
say(admitted(), step.gauge.reading.used >> 20)
del block
say(sys.stdin.readline().strip())         # the limit is raised, or memory was given back
until(shut=False)
say(admitted())
"""


class Cage:
    """A cgroup with a limit, made for one test."""

    def __init__(self, folder: Path, *, version: int) -> None:
        self.folder = folder
        self.version = version
        folder.mkdir()
        name = "memory.max" if version == 2 else "memory.limit_in_bytes"
        (folder / name).write_text(str(LIMIT * MIB))

    @property
    def join(self) -> str:
        return str(self.folder / "cgroup.procs")

    def remove(self) -> None:
        with suppress(OSError):
            self.folder.rmdir()


def cage() -> Cage | None:
    """Return a real cgroup with a limit; None where the kernel or our rights do not allow it."""
    name = f"mlpolicy-test-{os.getpid()}"
    for folder, version in ((MOUNT / "memory" / name, 1), (MOUNT / name, 2)):
        made = folder.parent / ("memory.usage_in_bytes" if version == 1 else "cgroup.controllers")
        if not made.exists():
            continue
        try:
            return Cage(folder, version=version)
        except OSError:
            with suppress(OSError):
                folder.rmdir()
    return None


@pytest.fixture
def process(tree) -> Iterator[tuple[subprocess.Popen[str], Cage | None]]:
    """Start the program in a real cgroup, or under a tree of files if there can be none."""
    real = cage()
    if real is None:
        print("no cgroup can be made here: the process is shown a tree of files instead")
        tree.unified(max=LIMIT, current=50)
    environ = {**os.environ, "MLPOLICY_CGROUP_ROOT": "" if real else str(tree.root)}
    arguments = [real.join if real else "", str(tree.root)]
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environ,
        text=True,
    )
    try:
        yield started, real
    finally:
        started.kill()
        started.communicate()
        if real:
            real.remove()


def use(tree, used) -> None:
    with open(tree.root / "memory.current", "r+") as file:
        file.write(f"{used * MIB:<20}\n")


def test_a_process_sees_the_limit_it_is_under(process, tree):
    """It is admitted, refused once its memory is nearly full, and admitted again."""
    started, real = process

    def tell(word):
        started.stdin.write(f"{word}\n")
        started.stdin.flush()
        assert hear() == [word]

    def hear():
        return started.stdout.readline().split()

    first = hear()
    if not real:
        use(tree, 290)
    tell("take")
    full, used = hear()
    if not real:
        use(tree, 50)
    tell("free")
    last = hear()

    assert first == ["True", str(LIMIT)]
    assert (full, 276 <= int(used) <= LIMIT) == ("False", True)
    assert last == ["True"]
