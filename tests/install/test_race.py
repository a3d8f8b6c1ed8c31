"""Callers never see a wrong result while drivers are swapped under them."""

from __future__ import annotations

import threading

import pytest

import mlpolicy
from mlpolicy.install import bootstrap, registry

CALLERS = 3


def work(x):
    return x * 2 + 1


class Callers:
    """Threads that call until told to stop, and keep what was wrong."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self.wrong = []
        self.calls = 0
        self._threads = [threading.Thread(target=self._run) for _ in range(CALLERS)]

    def _run(self):
        count = 0
        while not self._done.is_set():
            for x in range(200):
                try:
                    if work(x) != x * 2 + 1:
                        self.wrong.append(x)
                except Exception as error:
                    self.wrong.append(error)
            count += 200
        self.calls += count

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
    rules = (
        "retry: 3",
        "cache: 1h\n    monitor: {log: false}",
        "validate: {args: {x: {type: int}}}\n    memory: true\n    retry: 2",
    )
    paths = []
    for at, rule in enumerate(rules):
        path = tmp_path / f"{at}.yaml"
        path.write_text(f"version: 1\npolicies:\n  {work.__module__}:work:\n    {rule}\n")
        paths.append(path)
    yield paths
    mlpolicy.uninstall()


@pytest.mark.slow
def test_a_million_swaps_of_two_prepared_drivers(policies):
    """One store each: a call finishes on the code that it began with."""
    codes = []
    for path in policies[:2]:
        mlpolicy.install(policy=path)
        codes.append(work.__code__)
    own = registry.own_of(work)

    with Callers() as callers:
        for at in range(1_000_000):
            work.__code__ = codes[at % 2]

    work.__code__ = codes[1]
    assert (callers.wrong, callers.calls > 0) == ([], True)
    mlpolicy.uninstall()
    assert work.__code__ is own


def test_a_thousand_installs_under_callers(policies):
    """Each takes the place of the one before; after the last, the function is its own again."""
    own = work.__code__

    with Callers() as callers:
        for at in range(1_000):
            mlpolicy.install(policy=policies[at % len(policies)])
            assert bootstrap.engine().placed[f"{work.__module__}:work"].state == "applied"
        mlpolicy.uninstall()

    assert (callers.wrong, callers.calls > 0) == ([], True)
    assert work.__code__ is own
