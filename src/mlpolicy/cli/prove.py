"""Asks a fresh interpreter what a policy does to real modules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import field
from pathlib import Path
from typing import Any

from mlpolicy.cli.sources import shown
from mlpolicy.cli.terms import asked
from mlpolicy.core.frozen import frozen
from mlpolicy.core.quantity import Duration
from mlpolicy.plan.survey import local_roots


@frozen()
class Request:
    """What to import under which policy."""

    policy: Sequence[str]
    modules: Sequence[str] = ()
    path: Sequence[Path] = ()
    """Where the modules are looked for first."""
    package: bool = False
    all: bool = False
    explain: str = ""
    """The function of which all is to be told."""
    environment: str = ""
    assumed: Mapping[str, str] = field(default_factory=dict)
    """Variables of the process to take as set."""


def request_for(paths: Sequence[Path], src: Sequence[str], **what: Any) -> Request:
    """Return the request for the policy at *paths* under the terms of the running command."""
    return Request(
        policy=[str(shown(path)) for path in paths],
        path=local_roots(src),
        environment=asked().environment or "",
        assumed=asked().assumed,
        **what,
    )


@frozen()
class Answer:
    """What became of it."""

    targets: list[dict[str, Any]] = field(default_factory=list)
    unmatched: list[dict[str, Any]] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    """Modules that could not be looked through, and why."""
    modules: list[str] = field(default_factory=list)
    """Those that were to be placed: asked for, or imported by others and named by a policy."""
    proofs: list[dict[str, Any]] = field(default_factory=list)
    """What rules say of the user's code once it is imported."""
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


def in_process(request: Request) -> Answer:
    """Do it in this interpreter, for a debugger."""
    from mlpolicy.install import bootstrap
    from mlpolicy.install.child import prove

    asked, path = _asked(request), list(sys.path)
    sys.path[:0] = [one for one in asked["path"] if one not in sys.path]
    os.environ.update(request.assumed)
    try:
        with redirect_stdout(sys.stderr):  # what modules print is none of our data
            return Answer(**prove(asked))
    finally:
        bootstrap.uninstall()
        sys.path[:] = path


def in_child(request: Request, timeout: float) -> Answer:
    """Do it in an interpreter of its own, at most *timeout* seconds long."""
    with tempfile.TemporaryDirectory(prefix="mlpolicy-") as folder:
        asked, answer = Path(folder, "asked.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(_asked(request)), encoding="utf-8")
        command = [sys.executable, "-m", "mlpolicy.install.child", str(asked), str(answer)]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                env=_environment(request),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            late = f"not imported within {Duration(timeout)}"
            return _failed(request, late, _text(error.stdout))
        if not answer.exists():
            return _failed(request, _ended(done.returncode), _text(done.stdout))
        return Answer(**json.loads(answer.read_text(encoding="utf-8")), output=_text(done.stdout))


def _ended(code: int) -> str:
    """Return how an interpreter ended that gave no answer."""
    try:
        return f"the interpreter was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"the interpreter ended with code {code}"


def _asked(request: Request) -> dict[str, Any]:
    return {
        "policy": list(request.policy),
        "modules": list(request.modules),
        "path": [os.path.abspath(one) for one in request.path],
        "package": request.package,
        "all": request.all,
        "explain": request.explain,
        "environment": request.environment,
    }


def _environment(request: Request) -> dict[str, str]:
    """Return the environment less what would put another policy in force first."""
    left_out = ("MLPOLICY_POLICY", "PYTHONSTARTUP")
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    return kept | dict(request.assumed)


def _failed(request: Request, why: str, output: str) -> Answer:
    module = ", ".join(request.modules) or "every module named"
    return Answer(failed={"module": module, "error": why, "traceback": ""}, output=output)


def _text(output: bytes | str | None) -> str:
    if isinstance(output, bytes):
        return output.decode(errors="replace")
    return output or ""
