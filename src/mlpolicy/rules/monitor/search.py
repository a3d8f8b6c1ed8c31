"""One question, asked of many ranges of a record: by a process for each processor.

Two threads took 1.5 times as long as one, two processes half as long (SQLite 3.40).
Each of those runs this file as a program, which imports nothing of mlpolicy.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import cycle
from typing import IO, Any, Final

Range = tuple[int, int]
"""The first and the last id."""
_ALONE: Final = 2
"""Ranges that are looked through before other processes are started."""
_MOST: Final = 8
"""Processes at most."""


def connected(name: str) -> sqlite3.Connection:
    """Return a connection to the record with the URI *name*, to read it."""
    return sqlite3.connect(name, uri=True, timeout=5.0)


def answers(
    name: str, sql: str, values: Sequence[Any], ranges: Sequence[Range]
) -> Iterator[list[Any]]:
    """Yield what *sql* finds in each of *ranges*, whose ends are its first two parameters."""
    with ExitStack() as stack:
        connection = connected(name)
        stack.callback(connection.close)
        for one in ranges[:_ALONE]:
            yield connection.execute(sql, (*one, *values)).fetchall()
        rest = ranges[_ALONE:]
        number = min(os.cpu_count() or 1, _MOST, len(rest))
        helpers = [
            _helper(stack, json.dumps((name, sql, values, rest[each::number])))
            for each in range(number)
        ]
        for one, helper in zip(rest, cycle(helpers)):
            line = helper.readline()
            # (one that has failed leaves its part, and what is wrong with it, to this process)
            is_whole = line.endswith("\n")
            rows = json.loads(line) if is_whole else connection.execute(sql, (*one, *values))
            yield list(rows)


def _helper(stack: ExitStack, question: str) -> IO[str]:
    """Start a process that answers *question*, a line for each range; it ends with *stack*."""
    program = [sys.executable, "-I", "-S", __file__]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    helper = subprocess.Popen(program, stderr=subprocess.DEVNULL, encoding="utf-8", **pipes)
    stack.enter_context(helper)
    stack.callback(helper.kill)
    asked, told = helper.stdin, helper.stdout
    assert asked is not None
    assert told is not None
    with suppress(BrokenPipeError), asked:
        asked.write(question)
    return told


if __name__ == "__main__":
    name, sql, values, ranges = json.load(sys.stdin)
    connection = connected(name)
    for one in ranges:
        print(json.dumps(connection.execute(sql, (*one, *values)).fetchall()), flush=True)
