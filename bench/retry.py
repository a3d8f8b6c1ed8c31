"""Retry: what success costs, and one failure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import backoff
import stamina
import tenacity

from bench import subject
from bench.harness import Bench, Contender
from bench.policy import governed

RULE = "retry: {max_attempts: 3, initial_delay: 0s}"


class Flaky:
    """Fails every other call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        """Fail, or give 1."""
        self.calls += 1
        if self.calls % 2:
            raise ConnectionError
        return 1


flaky = Flaky()


def fetch(x: int) -> int:
    """Fail once, then succeed."""
    return flaky()


async def fetch_async(x: int) -> int:
    """Fail once, then succeed."""
    return flaky()


def benches() -> Iterator[Bench]:
    """Yield the rows of the budget."""
    stamina.instrumentation.set_on_retry_hooks([])  # it logs each retry otherwise
    ok, ok_async = (
        subject.copy_of(subject.predict, "retried"),
        subject.copy_of(subject.predict_async, "retried_async"),
    )
    subject.flaky = flaky
    failing = subject.copy_of(fetch, "failing")
    failing_async = subject.copy_of(fetch_async, "failing_async")
    unannotated = subject.copy_of(subject.predict, "retried_unannotated")
    unannotated.__annotations__ = {}
    names = ("retried", "retried_async", "failing", "failing_async", "retried_unannotated")
    with governed(dict.fromkeys(names, RULE)):
        yield _bench("retry sync ok", subject.predict, ok, target=0.6)
        yield _bench("retry async ok", subject.predict_async, ok_async, target=0.8)
        # (the class of the argument is looked at before the call, that of the result after it)
        yield _bench("retry sync ok, no annotation", subject.predict, unannotated, target=0.9)
        yield _bench("retry sync, 1 failure", fetch, failing, target=8)
        yield _bench("retry async, 1 failure", fetch_async, failing_async, target=5)


def _bench(
    row: str, function: Callable[..., Any], ours: Callable[..., Any], *, target: float
) -> Bench:
    asynchronous = "async" in row
    bare = (subject.bare_async if asynchronous else subject.bare)(function)
    if "failure" in row:
        bare = (subject.bare_async if asynchronous else subject.bare)(_steady(asynchronous))
    return Bench(
        row,
        bare,
        [
            Contender("mlpolicy", ours, peer=False),
            Contender("tenacity", _tenacity(function)),
            Contender(
                "stamina",
                stamina.retry(
                    on=ConnectionError, attempts=3, wait_initial=0, wait_max=0, wait_jitter=0
                )(function),
            ),
            Contender(
                "backoff",
                backoff.on_exception(
                    backoff.constant, ConnectionError, max_tries=3, interval=0, jitter=None
                )(function),
            ),
        ],
        target,
        asynchronous=asynchronous,
        arguments=(3,),
    )


def _steady(asynchronous: bool) -> Callable[..., Any]:
    return subject.predict_async if asynchronous else subject.predict


def _tenacity(function: Callable[..., Any]) -> Callable[..., Any]:
    return tenacity.retry(
        stop=tenacity.stop_after_attempt(3),
        wait=tenacity.wait_none(),
        retry=tenacity.retry_if_exception_type(ConnectionError),
        reraise=True,
        # A sleep of 0 gives the processor away, which would be most of the figure.
        sleep=_no_sleep if not inspect.iscoroutinefunction(function) else _no_sleep_async,
    )(function)


def _no_sleep(_: float) -> None:
    """Take no time."""


async def _no_sleep_async(_: float) -> None:
    """Take no time."""
