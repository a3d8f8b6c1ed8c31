"""What `mlpolicy doctor` says of the metrics of several processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from mlpolicy.core.kind import MachineCheck
from mlpolicy.rules.monitor.sinks.prometheus import VARIABLES


def doctor(_: Mapping[str, Mapping[str, Any]]) -> Iterator[MachineCheck]:
    """Yield whether the processes of a service can share their metrics."""
    folder = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    workers = os.environ.get("WEB_CONCURRENCY", "")
    if folder and not os.access(folder, os.W_OK):
        remedy = "make the folder, and let the service write there"
        yield MachineCheck("metrics", "fail", f"{VARIABLES[0]}={folder} cannot be written", remedy)
    elif workers.isdigit() and int(workers) > 1 and not folder:
        remedy = f"set {VARIABLES[0]} to an empty folder, the same for all workers"
        text = f"MP905: {workers} workers, each with metrics of its own"
        yield MachineCheck("metrics", "warn", text, remedy)
    else:
        yield MachineCheck("metrics", "ok", folder or "one process")
