"""Callers never see a wrong result while drivers are swapped under them."""

from __future__ import annotations

import threading
from time import sleep

import pytest

import mlpolicy
from mlpolicy.install import bootstrap, registry

CALLERS = 3
TARGET = f"{__name__}:work"
SWAPS_A_SLICE = 11  # odd, so that a slice ends on the other driver
RULES = (
    "retry: 3",
    "cache: 1h\n    monitor: {log: false}",
    "validate: {args: {x: {type: int}}}\n    memory: true\n    retry: 2",
)


def work(x):
    sleep(0)  # lets the swapping thread run while this call is in flight
    return x * 2 + 1


class Callers:
    """Threads that call until told to stop, and keep what was wrong."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self.wrong = []
        self._under = [0] * CALLERS
        self._threads = [threading.Thread(target=self._run, args=(at,)) for at in range(CALLERS)]

    @property
    def under(self) -> int:
        """How many calls saw the function's code change while they ran."""
        return sum(self._under)

    def _run(self, at):
        x = 0
        while not self._done.is_set():
            x += 1
            before = work.__code__
            try:
                if work(x) != x * 2 + 1:
                    self.wrong.append(x)
            except Exception as error:
                self.wrong.append(error)
            self._under[at] += work.__code__ is not before

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def policies(tmp_path):
    paths = []
    for at, rule in enumerate(RULES):
        path = tmp_path / f"{at}.yaml"
        path.write_text(f"version: 1\npolicies:\n  {TARGET}:\n    {rule}\n")
        paths.append(path)
    yield paths
    mlpolicy.uninstall()


@pytest.mark.parametrize(
    "swaps", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)], ids=str
)
def test_two_prepared_drivers_are_swapped(policies, swaps):
    """One store each: a call finishes on the code that it began with."""
    codes = []
    for path in policies[::2]:
        mlpolicy.install(policy=path)
        bootstrap.engine().weave()
        codes.append(work.__code__)
    own = registry.own_of(work)

    with Callers() as callers:
        for at in range(swaps):
            work.__code__ = codes[at % 2]
            if at % SWAPS_A_SLICE == 0:
                sleep(0)

    work.__code__ = codes[1]
    assert callers.wrong == []
    assert callers.under > swaps // 100, "hardly a call was in flight at a swap"
    mlpolicy.uninstall()
    assert work.__code__ is own


@pytest.mark.parametrize("installs", [100, pytest.param(1_000, marks=pytest.mark.slow)], ids=str)
def test_installing_anew(policies, installs):
    """Each takes the place of the one before; after the last, the function is its own again."""
    own = work.__code__

    with Callers() as callers:
        for at in range(installs):
            mlpolicy.install(policy=policies[at % len(policies)])
            assert bootstrap.engine().placed[TARGET].state == "applied"
        mlpolicy.uninstall()

    assert callers.wrong == []
    assert callers.under >= installs // 2, "hardly a call was in flight at an install"
    assert work.__code__ is own
