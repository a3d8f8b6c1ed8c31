"""Limits that somebody gave this process: in the policy, in the environment, by `ulimit`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from mlpolicy.core.quantity import ByteSize, QuantityError
from mlpolicy.core.report import say_once
from mlpolicy.rules.memory.probes import Bound
from mlpolicy.rules.memory.probes.process import Process

VARIABLE = "MLPOLICY_MEMORY_LIMIT"


def given(limit: int | None, environ: Mapping[str, str] = os.environ) -> int | None:
    """Return the least of what the policy and the environment say, if they say anything."""
    return min((one for one in (limit, _environment(environ)) if one), default=None)


def _environment(environ: Mapping[str, str]) -> int | None:
    text = environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        return int(ByteSize.of(text))
    except QuantityError as error:
        say_once("memory:limit", f"{VARIABLE} is ignored: {error}")
        return None


def of_process(process: Process) -> Iterator[Bound]:
    """Yield what `ulimit` bounds, each with what is counted against it."""
    if not process.counts_addresses:
        return
    import resource

    for name, used in (("RLIMIT_AS", process.size), ("RLIMIT_DATA", process.data)):
        soft, _ = resource.getrlimit(getattr(resource, name))
        if soft not in (resource.RLIM_INFINITY, 0):
            yield Bound(soft, used, name)
