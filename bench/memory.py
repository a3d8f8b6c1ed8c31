"""Memory: what asking costs where there is enough."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import psutil

from bench import subject
from bench.harness import Bench, Contender
from bench.policy import governed


def by_psutil(function: Callable[..., Any]) -> Callable[..., Any]:
    """Ask psutil at every call, as most guards do."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if psutil.virtual_memory().percent > 92:
            raise MemoryError
        return function(*args, **kwargs)

    return wrapper


def benches() -> Iterator[Bench]:
    """Yield the row of the budget."""
    guarded = subject.copy_of(subject.predict, "guarded")
    with governed(
        {"guarded": "memory: {act_at: 95%, reject_at: 99%, resume_at: 90%, warn_at: 90%}"}
    ):
        yield Bench(
            "memory guard",
            subject.bare(subject.predict),
            [
                Contender("mlpolicy", guarded, peer=False),
                Contender("psutil at each call", by_psutil(subject.predict)),
            ],
            0.6,
            arguments=(3,),
        )
