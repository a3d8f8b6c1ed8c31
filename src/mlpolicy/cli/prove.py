"""Asks a fresh interpreter what a policy does to real modules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import field
from pathlib import Path
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.quantity import Duration

Request = Mapping[str, Any]
"""What to import under which policy, as `install.child` takes it."""


@frozen()
class ImportOutcome:
    """What became of it."""

    targets: list[dict[str, Any]] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    """Those that were to be placed: asked for, or imported by others and named by a policy."""
    proofs: list[dict[str, Any]] = field(default_factory=list)
    """What rules say of the user's code once it is imported, and patterns that take none of it."""
    served: list[str] = field(default_factory=list)
    """The command that starts a module, as `mlpolicy run` takes it."""
    import_s: float = 0.0
    placing_s: float = 0.0
    """The part of the work that was ours."""
    explained: dict[str, Any] | None = None
    """What holds for the function asked for."""
    failed: dict[str, str] | None = None
    output: str = ""
    """What the user's code printed."""


def in_process(request: Request, assumed: Mapping[str, str]) -> ImportOutcome:
    """Do it in this interpreter, for a debugger."""
    from mlpolicy.install import bootstrap
    from mlpolicy.install.child import prove

    path = list(sys.path)
    sys.path[:0] = [folder for folder in request["path"] if folder not in sys.path]
    os.environ.update(assumed)
    try:
        with redirect_stdout(sys.stderr):  # what modules print is not our data
            return ImportOutcome(**prove(dict(request)))
    finally:
        bootstrap.uninstall()
        sys.path[:] = path


def in_child(request: Request, assumed: Mapping[str, str], timeout: float) -> ImportOutcome:
    """Do it in an interpreter of its own, at most *timeout* seconds long."""
    # What would put another policy in force first is left out.
    left_out = ("MLPOLICY_POLICY", "PYTHONSTARTUP")
    environ = {key: value for key, value in os.environ.items() if key not in left_out}
    with tempfile.TemporaryDirectory(prefix="mlpolicy-") as folder:
        asked, answer = Path(folder, "asked.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(request), encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "mlpolicy.install.child", str(asked), str(answer)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                env=environ | dict(assumed),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return _failed(request, f"not imported within {Duration(timeout)}", error.stdout or b"")
        if answer.exists():
            output = done.stdout.decode(errors="replace")
            return ImportOutcome(**json.loads(answer.read_text(encoding="utf-8")), output=output)
    why = f"the interpreter ended with code {done.returncode}"
    if -done.returncode in set(signal.Signals):
        why = f"the interpreter was ended by {signal.Signals(-done.returncode).name}"
    return _failed(request, why, done.stdout)


def _failed(request: Request, why: str, output: bytes) -> ImportOutcome:
    module = ", ".join(request["modules"]) or "every module named"
    failed = {"module": module, "error": why, "traceback": ""}
    return ImportOutcome(failed=failed, output=output.decode(errors="replace"))
