"""An interpreter that has the command line imported and forks for each command that it reads.

What it costs to start is paid once; each command is a process of its own all the same.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from importlib import import_module
from pathlib import Path

LONGEST = 60
"""Seconds that a command may take."""


def command(asked: dict) -> None:
    """Become the command that is asked for."""
    signal.alarm(LONGEST)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.path[0] = asked["folder"]
    sys.argv[1:] = asked["arguments"]
    runpy.run_module("mlpolicy", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    cli = Path(import_module("mlpolicy.cli.main").__file__).parent
    for file in cli.glob("*.py"):
        import_module(f"mlpolicy.cli.{file.stem}")
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            command(json.loads(line))
            break
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
