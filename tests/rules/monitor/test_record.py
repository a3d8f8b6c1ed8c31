"""The record: an SQLite file that real processes write, under what goes wrong with files."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import forget
from mlpolicy.rules.monitor import lanes, record
from mlpolicy.rules.monitor.lanes import EXPORTER
from mlpolicy.rules.monitor.record import RecordSink
from mlpolicy.rules.monitor.rule import RecordBlock

SOURCE = str(Path(__file__).parents[3] / "src")
SERVICE = """
def predict(x):
    if x < 0: raise ValueError(f"no {x}")
    return x
"""
POLICY = """
version: 1
policies:
  served:predict:
    monitor: {log: {sample: 100%}, sinks: [prometheus, {record: {path: events.db}}]}
"""
BEGIN = """
import os, sys, time, signal, warnings, multiprocessing
warnings.simplefilter("ignore", DeprecationWarning)  # (threads and forks are what this is about)
from mlpolicy.rules.monitor import step
step.SAMPLES = step.FAILURES = (1e9, 1e9)
import mlpolicy
mlpolicy.install(policy="policy.yaml")
from served import predict
predict(1)
"""


def event(number=0, at=None, **more):
    at = at or datetime.now(UTC).isoformat()
    ids = {"call_id": f"{number:032x}", "own_id": f"{number:032x}"}
    facts = {
        "function": "a:f",
        "outcome": "ok",
        "severity": "INFO",
        "duration_s": 0.5,
        "sample_rate": 1.0,
    }
    return {"time": at, **facts, **ids, **more}


def rows(path, sql="SELECT count(*) FROM events"):
    with sqlite3.connect(path) as connection:
        found = connection.execute(sql).fetchall()
    connection.close()
    return found


def eventually(is_so, seconds=10.0):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


class Recording:
    """A record, and the lane to it."""

    def __init__(self, settings):
        self.sink = RecordSink(RecordBlock.model_validate(settings))
        self.lane = EXPORTER.lane("record", self.sink)
        self.write = self.lane.put

    def waiting(self):
        return len(self.lane._queue)

    def is_written(self):
        return self.sink._identity and not self.lane._queue and not self.sink._in_use.locked()

    def finish(self):
        ending = self.lane.ending()
        return ending is None or ending.wait(5)


@pytest.fixture
def sink(tmp_path):
    """A sink, and its end as at the end of a process."""
    made = []

    def make(path="events.db", **settings):
        path = str(tmp_path / path)
        made.append(Recording({"path": path, **settings}))
        return made[-1]

    forget()
    yield make
    for each in made:
        each.finish()
        record._sinks.remove(each.sink)
        EXPORTER._lanes.pop(id(each.sink))._periodic.clear()


@pytest.fixture
def service(tmp_path):
    """A process that runs a text under the policy; its folder is that of the test."""
    (tmp_path / "served.py").write_text(SERVICE)
    (tmp_path / "policy.yaml").write_text(POLICY)
    begun = []

    def begin(text):
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", BEGIN + text],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(tmp_path / "p")},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def ended(process, code=0):
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err[-2000:]
    return out


def dropped(reason):
    return METERS.value("mlpolicy_dropped_events_total", sink="record", reason=reason)


# --- processes ------------------------------------------------------------------------


def test_no_event_of_several_processes_is_lost(service, tmp_path):
    """Forks of a process that has written, and children of multiprocessing, all at once."""
    ended(
        service("""
def work():
    for x in range(2000): predict(x)
time.sleep(0.2)
children = [multiprocessing.get_context("fork").Process(target=work)]
children[0].start()
for _ in range(3):
    if not os.fork():
        work()
        sys.exit()
    predict(2)
children[0].join()
assert all(status == 0 for _, status in (os.wait() for _ in range(3)))
""")
    )
    counts = sorted(rows(tmp_path / "events.db", "SELECT count(*) FROM events GROUP BY pid"))

    assert counts == [(4,), *[(2000,)] * 4]
    assert rows(tmp_path / "events.db", "PRAGMA integrity_check") == [("ok",)]


def test_a_fork_in_the_middle_of_a_batch_takes_no_connection_along(service, tmp_path):
    """Whoever forks waits for the batch: no child hangs at its end, and the file stays whole."""
    ended(
        service("""
for round in range(8):
    for x in range(400): predict(x)
    if not os.fork():
        predict(3)
        sys.exit()
for _ in range(8):
    assert os.wait()[1] == 0
""")
    )

    assert rows(tmp_path / "events.db") == [(1 + 8 * 400 + 8,)]
    assert rows(tmp_path / "events.db", "PRAGMA integrity_check") == [("ok",)]


def test_sigterm_loses_nothing_where_the_program_has_no_handler(service, tmp_path):
    """The process ends by the signal all the same."""
    process = service("for x in range(999): predict(x)\nprint('!', flush=True)\ntime.sleep(60)")
    process.stdout.readline()
    process.terminate()
    ended(process, -signal.SIGTERM)

    assert rows(tmp_path / "events.db") == [(1000,)]


def test_a_handler_of_the_program_stays(service):
    """One that was there before the policy, and one that comes later."""
    assert ended(service("""
mine = lambda *_: None
signal.signal(signal.SIGTERM, mine)
from mlpolicy.rules.monitor.sinks import chosen
from mlpolicy.rules.monitor.record import _sinks
_sinks[0].begin()
print(signal.getsignal(signal.SIGTERM) is mine)
""")) == "True\n"  # fmt: skip


def test_sigkill_loses_the_last_batch_at_most_and_not_the_file(service, tmp_path):
    """What was written is there, and the next process goes on with it."""
    process = service("time.sleep(1)\nprint('!', flush=True)\nwhile True: predict(2)")
    process.stdout.readline()
    time.sleep(0.5)
    process.kill()
    process.wait()
    [(left,)] = rows(tmp_path / "events.db")
    ended(service("for x in range(99): predict(x)"))

    assert left > 1
    assert rows(tmp_path / "events.db") == [(left + 100,)]


def test_no_value_of_a_call_is_in_the_file(service, tmp_path):
    """Neither in the text of events nor anywhere in its bytes."""
    ended(service("""
try: predict(-7770777)
except ValueError: pass
predict(8880888)
"""))  # fmt: skip
    content = (tmp_path / "events.db").read_bytes()

    assert rows(tmp_path / "events.db") == [(3,)]
    assert b"ValueError" in content
    assert b"7770777" not in content
    assert b"8880888" not in content


def test_it_is_its_owners_alone(sink, tmp_path):
    """Nobody else can read the file."""
    made = sink()
    made.write(event())
    made.finish()

    assert stat.S_IMODE(os.stat(tmp_path / "events.db").st_mode) == 0o600


def test_one_that_was_taken_away_is_begun_anew(sink, tmp_path):
    """Its write-ahead log, too: none of the old is in the new one."""
    made, path = sink(), tmp_path / "events.db"
    made.write(event(1))
    eventually(made.is_written)
    other = sqlite3.connect(path)  # (somebody has the old one open, with its log)
    other.execute("SELECT * FROM events").fetchall()
    path.unlink()
    made.write(event(2))
    made.finish()
    other.close()

    assert rows(path, "SELECT call_id FROM events") == [(f"{2:032x}",)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


# --- age and size ---------------------------------------------------------------------


def test_what_is_too_old_leaves(sink, tmp_path):
    """And is counted."""
    before = METERS.value("mlpolicy_record_deleted_total", reason="age") or 0
    made = sink(keep="1h")
    for number in range(100):
        made.write(event(number, at="2026-01-01T00:00:00+00:00" if number % 2 else None))
    made.finish()

    assert rows(tmp_path / "events.db") == [(50,)]
    assert METERS.value("mlpolicy_record_deleted_total", reason="age") == before + 50


def test_the_file_does_not_grow_beyond_its_size(sink, tmp_path):
    """The oldest leave, the newest are there."""
    made, most = sink(max_size="1MiB"), 0
    for number in range(6000):
        made.write(event(number, padding="x" * 700))
        if number % 500 == 499:
            eventually(lambda: not made.waiting())
            most = max(most, sum(file.stat().st_size for file in tmp_path.glob("events.db*")))
    made.finish()
    [(least, last)] = rows(tmp_path / "events.db", "SELECT min(call_id), max(call_id) FROM events")

    assert 2**19 < most <= 2**20 + 2**19  # (the log of one transaction more)
    assert (tmp_path / "events.db").stat().st_size <= 2**20
    assert int(least, 16) > 4000
    assert int(last, 16) == 5999


# --- what goes wrong ------------------------------------------------------------------


def _foreign(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE events (own INTEGER)")
        connection.execute("PRAGMA user_version = 1")


def _newer(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 2")
        connection.execute(f"PRAGMA application_id = {0x6D6C7065}")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda path: path.write_text("no database at all" * 999), "file is not a database"),
        (_foreign, "an SQLite file of something else"),
        (_newer, "is of schema 2, and this mlpolicy knows 1"),
        (lambda path: path.symlink_to(path.with_name("other")), "it is a link"),
        (lambda path: path.mkdir(), "it is a link, or no file"),
        (lambda path: path.parent.rmdir(), "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_said_once_and_counted(
    sink, tmp_path, caplog, wrong, said
):
    """And not touched; when it is right again, it is written."""
    path = tmp_path / "below/events.db"
    path.parent.mkdir()
    wrong(path)
    made, before = sink("below/events.db"), dropped("failed") or 0
    for number in range(3):
        made.write(event(number))
        made.finish()
    path.parent.mkdir(exist_ok=True)
    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    made.write(event(9))
    made.finish()

    [one] = [one.getMessage() for one in caplog.records if "the record" in one.getMessage()]
    assert said in one
    assert dropped("failed") == before + 3
    assert rows(path) == [(1,)]
    assert not (tmp_path / "below/other").exists()


def test_while_it_is_locked_events_wait(sink, tmp_path, caplog, monkeypatch):
    """It is said once, and nothing is lost."""
    monkeypatch.setattr(record, "_PATIENCE", 0.3)
    made, path = sink(), tmp_path / "events.db"
    made.write(event(1))
    eventually(made.is_written)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    made.write(event(2))
    eventually(lambda: "it is locked by another process; events wait" in caplog.text)
    waits = made.waiting()
    other.execute("ROLLBACK")
    other.close()
    made.finish()

    assert waits == 1
    assert rows(path) == [(2,)]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root mounts")
def test_a_full_disk_is_said_and_counted(sink, tmp_path, caplog):
    """And what is written next, once there is room, is there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    try:
        made, before = sink("disk/events.db"), dropped("failed") or 0
        (disk / "filler").write_bytes(bytes(5_900_000))
        for number in range(1000):
            made.write(event(number, padding="x" * 700))
        eventually(lambda: (dropped("failed") or 0) > before)
        (disk / "filler").unlink()
        made.write(event(9999))
        made.finish()
        found = rows(disk / "events.db", f"SELECT 1 FROM events WHERE call_id = '{9999:032x}'")
    finally:
        subprocess.run(["umount", disk], check=True)

    assert found == [(1,)]
    assert "disk is full" in caplog.text


def test_what_there_is_no_room_for_is_counted(sink, monkeypatch):
    """The oldest are dropped while the file cannot be written."""
    monkeypatch.setattr(lanes, "MOST_QUEUED", 10)
    made, before = sink(), dropped("queue_full") or 0
    with made.sink._in_use:
        for number in range(25):
            made.write(event(number))
    made.finish()

    assert dropped("queue_full") == before + 15
