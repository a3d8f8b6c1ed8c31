"""Events in files: every line whole and once, whoever else writes, rotates or removes them."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
from textwrap import dedent

import pytest

from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import forget
from mlpolicy.rules.monitor.file import FileSink
from mlpolicy.rules.monitor.lanes import EXPORTER
from mlpolicy.rules.monitor.rule import EventFileBlock, MonitorRule


@pytest.fixture
def path(tmp_path):
    forget()
    return tmp_path / "events.jsonl"


def sink_of(path, **settings):
    return FileSink(EventFileBlock(path=str(path), **settings))


def events(first, last):
    return [{"number": number} for number in range(first, last)]


def numbers(*paths):
    return [json.loads(line)["number"] for path in paths for line in path.read_text().splitlines()]


def lost():
    return METERS.value("mlpolicy_dropped_events_total", sink="file", reason="failed")


def test_events_of_calls_are_lines_of_json(place, path):
    """Which the owner alone can read."""

    def work(x):
        return x

    place(
        work,
        monitor={"log": {"sample": "100%"}, "sinks": [{"file": {"path": str(path)}}]},
    )
    for number in range(30):
        work(number)
    assert EXPORTER.flush(10)

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 30
    assert {one["schema"] for one in lines} == {"mlpolicy.event/1"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_rotated_by_size_and_as_many_are_kept(path):
    sink = sink_of(path, max_size="1MiB", keep=2)
    sink._largest = 200

    for first in range(0, 100, 10):
        sink.write_all(events(first, first + 10))

    names = sorted(one.name for one in path.parent.iterdir())
    kept = [path.with_name(name) for name in reversed(names)]
    assert [one.name for one in kept] == ["events.jsonl.2", "events.jsonl.1"]
    assert numbers(*kept) == list(range(60, 100))


@pytest.mark.parametrize("keep", [0, 3])
def test_none_is_kept_where_none_is_wanted(path, keep):
    sink = sink_of(path, keep=keep)
    sink._largest = 1

    for number in range(5):
        sink.write({"number": number})

    assert len(list(path.parent.iterdir())) == keep


WORKER = """
    import sys, time
    from mlpolicy.rules.monitor.file import FileSink
    from mlpolicy.rules.monitor.rule import EventFileBlock
    sink = FileSink(EventFileBlock(path=sys.argv[1], keep=1000))
    sink._largest = 20_000
    first = int(sys.argv[2])
    for number in range(first, first + 3000, 10):
        sink.write_all([{"number": one, "text": "x" * 50} for one in range(number, number + 10)])
"""


def test_several_workers_share_it(path):
    """Nothing is lost or torn while each of them rotates."""
    workers = [
        subprocess.Popen([sys.executable, "-c", dedent(WORKER), str(path), str(first)])
        for first in (0, 3000, 6000)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]

    files = list(path.parent.iterdir())
    assert sorted(numbers(*files)) == list(range(9000))
    assert len(files) > 10  # (each adds a batch of its own to one that is full)


def test_a_file_that_is_moved_or_removed_is_begun_anew(path):
    """As logrotate does."""
    sink = sink_of(path)

    sink.write({"number": 1})
    path.rename(path.with_name("moved"))
    sink.write({"number": 2})
    path.unlink()
    sink.write({"number": 3})

    assert numbers(path.with_name("moved"), path) == [1, 3]


class Unlucky(FileSink):
    """Whose file is removed once it was opened, once."""

    left = 1

    def _open_anew(self):
        super()._open_anew()
        if self.left:
            self.left -= 1
            os.unlink(self._path)


def test_what_was_written_into_a_removed_file_is_written_again(path):
    Unlucky(EventFileBlock(path=str(path))).write_all(events(0, 3))

    assert numbers(path) == [0, 1, 2]


def test_one_process_at_a_time_rotates(path):
    """Who finds another at it goes on with the file there is."""
    sink = sink_of(path)
    sink._largest = 1

    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        sink.write_all(events(0, 2))
        sink.write_all(events(2, 3))
        assert numbers(path) == [0, 1, 2]
    sink.write_all(events(3, 4))

    assert numbers(path.with_name(f"{path.name}.1")) == [0, 1, 2, 3]


def test_where_there_is_no_folder_events_are_counted_until_it_is_back(path, caplog):
    """And it is said once."""
    folder = path.parent / "logs"
    sink, before = sink_of(folder / "events.jsonl"), lost()

    sink.write_all(events(0, 3))
    sink.write_all(events(3, 5))
    folder.mkdir()
    sink.write({"number": 5})

    assert lost() - before == 5
    assert numbers(folder / "events.jsonl") == [5]
    assert len([one for one in caplog.records if "cannot be written" in one.message]) == 1


FULL = """
    import json, resource, sys
    from mlpolicy.core.metrics import METERS
    from mlpolicy.rules.monitor.file import FileSink
    from mlpolicy.rules.monitor.rule import EventFileBlock
    sink = FileSink(EventFileBlock(path=sys.argv[1]))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (101, hard))
    sink.write_all([{"number": number} for number in range(10)])
    sink.write({"number": 10})
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    sink.write({"number": 11})
    print(METERS.value("mlpolicy_dropped_events_total", sink="file", reason="failed"))
"""


def test_on_a_full_disk_every_line_is_there_or_counted(path):
    """One that is cut has an end of its own: the next is whole."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(FULL), str(path)], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    lines = path.read_text().splitlines()
    whole = [json.loads(line)["number"] for line in lines if line.endswith("}")]
    assert [line for line in lines if not line.endswith("}")] == ['{"number":']
    assert whole == [*range(7), 11]
    assert done.stdout.split() == ["4"]
    assert done.stderr.count("cannot be written") == 1


def test_nobody_chooses_where_it_writes(path, tmp_path):
    """A link, or what is no file, is left alone."""
    other = tmp_path / "other"
    other.write_text("theirs")
    before = lost()

    path.symlink_to(other)
    sink_of(path).write({"number": 1})
    path.unlink()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink_of(path).write({"number": 2})
    os.close(reader)

    assert other.read_text() == "theirs"
    assert lost() - before == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_that_has_closed_all_files_writes_into_none_of_its_own(path, tmp_path):
    """As a daemon does: the number of the old one is another file's by then."""
    sink = sink_of(path)
    sink.write({"number": 1})
    own = tmp_path / "own"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            mine = os.dup2(os.open(own, os.O_RDWR | os.O_CREAT), sink._file)
            sink.write({"number": 2})
            os.write(mine, b"own")
            code = 0
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert numbers(path) == [1, 2]
    assert own.read_text() == "own"


def test_equal_settings_are_one_sink(path):
    from mlpolicy.rules.monitor.sinks import chosen

    def named(**settings):
        return MonitorRule.model_validate({"sinks": [{"file": settings}]}).sinks[0]

    one = chosen(named(path=str(path)))

    assert one == chosen(named(path=str(path)))
    assert one[1] is not chosen(named(path=str(path), keep=1))[1]
