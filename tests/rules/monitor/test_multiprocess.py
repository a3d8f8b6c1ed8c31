"""Files of dead processes, folded into sums: exact whenever it is cut off, seen by nobody halfway."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from mlpolicy.rules.monitor import multiprocess
from mlpolicy.rules.monitor.multiprocess import collect, fold

GONE = 5_000_000
"""The first of some numbers that no process has."""
HELP = "Help."


@pytest.fixture
def shared(tmp_path):
    """A folder in which this process has a file, as those that fold have."""
    left(tmp_path, "counter", os.getpid(), 0.0)
    return tmp_path


def left(folder, kind, number, value, moment=0.0, name="calls_total", **labels):
    """Leave a file of the process of that *number*."""
    draft = folder / "left"
    file = MmapedDict(str(draft))
    key = mmap_key(name.partition("_")[0], name, [*labels], [*labels.values()], HELP)
    file.write_value(key, value, moment)
    file.close()
    draft.rename(folder / f"{kind}_{number}.db")


def shown(metrics):
    return {(one.name, *one.labels.items()): one.value for each in metrics for one in each.samples}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def own(folder):
    return f"counter_{os.getpid()}.db"


def test_the_dead_are_folded_into_one_file_of_each_sort(shared):
    """What they counted stays; gauges of the living alone go with them."""
    for at in range(50):
        left(shared, "counter", GONE + at, 2.0)
        left(shared, "histogram", GONE + at, 3.0, name="time_bucket", le="+Inf")
        left(shared, "gauge_max", GONE + at, float(at), name="peak")
        left(shared, "gauge_livesum", GONE + at, 1.0, name="flying")
        left(shared, "gauge_all", GONE + at, 1.0, name="each")

    for _ in range(2):
        found = shown(collect(str(shared)))

        assert found[("calls_total",)] == 100.0
        assert found[("time_bucket", ("le", "+Inf"))] == 150.0
        assert found[("peak",)] == 49.0
        assert not {name for name, *_ in found} & {"flying", "each"}
        kept = ["counter_dead.db", "gauge_max_dead.db", "histogram_dead.db"]
        assert names(shared) == sorted([own(shared), *kept])

    left(shared, "counter", GONE, 1.0)
    assert shown(collect(str(shared)))[("calls_total",)] == 101.0
    assert shown(MultiProcessCollector(None, str(shared)).collect())[("calls_total",)] == 101.0


def test_sums_of_parts_never_go_back(shared):
    """Other groups of the same numbers round otherwise: a little less would be a reset."""
    values = [1e16, 0.1, 3.3, 0.7, 1.1, 0.3, 2.2, 1e-9] * 5
    for at, value in enumerate(values):
        left(shared, "counter", GONE + at, value)
    first = shown(collect(str(shared)))[("calls_total",)]
    for at, value in enumerate(reversed(values)):
        left(shared, "counter", GONE + at, value)
        last = shown(collect(str(shared)))[("calls_total",)]
        assert last >= first
        first = last

    assert first == 2 * 5 * 1e16 + 78.0  # (the nearest there is)


def test_whoever_lives_keeps_its_files(shared):
    """A number that another process has by now says nothing of the file."""
    parent = os.getppid()
    left(shared, "counter", parent, 1.0)
    fold(str(shared))
    assert f"counter_{parent}.db" in names(shared)  # (it may be about to open it)

    os.utime(shared / f"counter_{parent}.db", (0, 0))
    held = MmapedDict(str(shared / own(shared)))
    os.utime(shared / own(shared), (0, 0))
    fold(str(shared))
    held.close()

    assert names(shared) == sorted([own(shared), "counter_dead.db"])


def test_names_that_are_no_numbers_of_processes_are_left_alone(tmp_path):
    """A client that names its files otherwise has living ones that look dead."""
    left(tmp_path, "counter", GONE, 1.0)

    assert shown(collect(str(tmp_path)))[("calls_total",)] == 1.0
    assert names(tmp_path) == [f"counter_{GONE}.db"]


def test_a_fold_that_is_cut_off_counts_nothing_twice(shared):
    """SIGKILL at any moment: totals are exact, and the files are folded by the next."""
    total, rounds = 0.0, 40
    for turn in range(rounds):
        for at in range(30):
            left(shared, "counter", GONE + at, 1.0)
            left(shared, "histogram", GONE + at, 1.0, name="time_sum")
        total += 30.0
        child = os.fork()
        if not child:
            left(shared, "counter", os.getpid(), 0.0)
            fold(str(shared))
            os._exit(0)
        time.sleep(0.025 * turn / rounds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

        found = shown(collect(str(shared)))
        assert (found[("calls_total",)], found[("time_sum",)]) == (total, total)
    assert names(shared) == sorted([own(shared), "counter_dead.db", "histogram_dead.db"])


def test_every_step_of_a_fold_may_be_the_last(shared, tmp_path):
    """A draft beside the sums, sums whose parts are still there, names of parts that are gone."""
    for at in range(3):
        left(shared, "counter", GONE + at, 2.0)
    parts = {path.name: path.read_bytes() for path in shared.glob(f"counter_{GONE // 10}*.db")}
    assert len(parts) == 3
    (shared / "counter_dead.draft").write_bytes(b"half")
    assert shown(collect(str(shared)))[("calls_total",)] == 6.0

    listed = str(list(parts)).replace("'", '"').encode()
    with (shared / "counter_dead.db").open("ab") as total:
        total.write(listed)
    for name, content in parts.items():
        (shared / name).write_bytes(content)
    assert shown(collect(str(shared)))[("calls_total",)] == 6.0
    assert names(shared) == sorted([own(shared), "counter_dead.db"])

    left(shared, "counter", GONE, 2.0)  # (the number is given out again)
    assert shown(collect(str(shared)))[("calls_total",)] == 8.0


def test_no_scrape_sees_a_fold_halfway(shared, monkeypatch):
    """Neither ours nor the client's own, which a route of the service asks."""
    monkeypatch.setattr(MultiProcessCollector, "collect", MultiProcessCollector.collect)
    multiprocess._share_the_lock()
    found, failed, ended, made = [], [], threading.Event(), []

    def scrape(read):
        last = 0.0
        while not ended.is_set():
            try:
                number = shown(read())[("calls_total",)]
            except Exception as error:
                failed.append(error)
                return
            if number < last or number > len(made):
                failed.append((last, number))
            last = number
            found.append(number)

    registry = CollectorRegistry()
    theirs = MultiProcessCollector(registry, str(shared))
    reads = (lambda: collect(str(shared)), theirs.collect)
    threads = [threading.Thread(target=scrape, args=(read,)) for read in reads]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 30
    while len(made) < 60 * 20 or (len(found) <= 20 and time.monotonic() < until):
        for _ in range(20):
            made.append(GONE + len(made))
            left(shared, "counter", made[-1], 1.0)
        fold(str(shared))
    ended.set()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(found) > 20
    assert shown(collect(str(shared)))[("calls_total",)] == len(made)


def test_a_lock_that_is_never_given_back_ends_a_scrape(shared, monkeypatch):
    """A process that is stopped while it folds stops nobody else; one that is killed, neither."""
    monkeypatch.setattr(multiprocess, "PATIENCE", 0.2)
    ready, stopped = os.pipe()
    child = os.fork()
    if not child:
        with multiprocess._whole(str(shared), 1.0):
            os.write(stopped, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)

    with pytest.raises(TimeoutError):
        collect(str(shared))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    collect(str(shared))


def test_a_child_of_a_fork_does_not_hold_the_lock_of_its_parent(shared, monkeypatch):
    """Killed while it folds, a parent leaves it to nobody, though children of it live on."""
    monkeypatch.setattr(multiprocess, "PATIENCE", 0.5)
    ready, told = os.pipe()
    ended, end = os.pipe()
    parent = os.fork()
    if not parent:
        with multiprocess._whole(str(shared), 1.0):
            if not os.fork():
                os.close(end)
                os.write(told, b"x")
                os.read(ended, 1)
                os._exit(0)
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)

    collect(str(shared))

    for one in (ready, told, ended, end):
        os.close(one)  # (the child reads the end of that, and ends)
